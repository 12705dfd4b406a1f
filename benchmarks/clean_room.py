"""Clean-room run against a plain unmasked COPY | COPY of the same rows, in interleaved pairs on the same two servers.

    python benchmarks/clean_room.py [--rows 200000] [--pairs 5]

Both sides read the same source table and fill an equal target: the plain one with the indexes taken off, psql | psql,
the indexes put back, ANALYZE. Time runs from the first COPY to the last ANALYZE. What a run needs beside (catalogs,
pools, verification) is reported beside it. Exit code 1 when the ratio or the memory is over its limit.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from emulator import roles
from emulator.binaries import environment
from emulator.postgres import Server, runtime
from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import MaskingPolicy
from sanitizers.pools import build_pools
from sanitizers.schema import read_schema
from sanitizers.stream import CopyReport, CopyRun, copy_database
from sanitizers.verify import VerifyRun, verify_database

OWNER = "neondb_owner"
PASSWORD = "benchmark"  # noqa: S105  of servers that live for a minute and listen on a private socket alone
DATABASE = "neondb"
MOST_TIMES = 2.2
MOST_MEGABYTES = 200
TIMED = ("load", "sequences", "rebuild", "constrain", "refresh", "analyze")

SCHEMA = """
CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL,
  email text NOT NULL UNIQUE, phone text, address text, born date, city text, notes text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX customers_last_name ON customers (last_name);
"""
ROWS = """
INSERT INTO customers (first_name, last_name, email, phone, address, born, city, notes, created_at)
SELECT 'First' || mod(n, 1000), 'Last' || mod(n, 5000), 'person' || n || '@mail.invalid',
  '+30 210 ' || lpad(n::text, 7, '0'), mod(n, 999) || ' Long Street, Flat ' || mod(n, 77),
  date '1940-01-01' + mod(n, 25000), 'City ' || mod(n, 300), md5(n::text),
  timestamptz '2020-01-01' + n * interval '1 minute'
FROM generate_series(1, %s) AS n
"""
MASKED = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "phone": "phone",
    "address": "street",
    "born": "date_shift",
}
TAKE_OFF = """
DROP INDEX customers_last_name; ALTER TABLE customers DROP CONSTRAINT customers_email_key;
ALTER TABLE customers DROP CONSTRAINT customers_pkey
"""
PUT_BACK = """
ALTER TABLE customers ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE (email);
CREATE INDEX customers_last_name ON customers (last_name);
"""


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

    def empty(self) -> None:
        """A fresh database with the schema and no rows."""
        with psycopg.connect(self.server.dsn(), autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            roles.create_database(conn, DATABASE, OWNER)
        with psycopg.connect(self.server.dsn(dbname=DATABASE), autocommit=True) as conn:
            roles.grant_schema(conn, OWNER)
        with self.connect() as conn:
            conn.execute(SCHEMA)
        with psycopg.connect(self.server.dsn(), autocommit=True) as conn:
            conn.execute("CHECKPOINT")  # so that nobody pays for the one before


@contextmanager
def two_sides() -> Iterator[tuple[Side, Side]]:
    folder = Path(tempfile.mkdtemp(prefix="bw-bench-"))
    folder.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        opened = stack.enter_context(runtime())
        yield (_side(stack, opened.server(folder / "source")), _side(stack, opened.server(folder / "target")))


def _side(stack: ExitStack, server: Server) -> Side:
    server.init()
    stack.enter_context(server)
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        roles.bootstrap(conn)
        roles.create_role(conn, OWNER, PASSWORD)
    side = Side(server)
    side.empty()
    return side


def make_plan(source: Side) -> DatabasePlan:
    with source.connect() as conn:
        schema = read_schema(conn)
    columns = {c.name: {"strategy": MASKED.get(c.name, "keep")} for c in schema.tables[0].columns}
    policy = MaskingPolicy.model_validate({"version": 1, "databases": {DATABASE: {"public": {"customers": columns}}}})
    return compile_plan([schema], policy).databases[0]


def plain(source: Side, target: Side) -> float:
    """Seconds of an unmasked copy; everything by the programs of Postgres."""
    target.empty()
    psql = [target.server.binaries.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    columns = "id, first_name, last_name, email, phone, address, born, city, notes, created_at"
    _psql(target, TAKE_OFF)
    started = time.monotonic()
    out = subprocess.Popen(
        [*psql, source.dsn, "-c", f"COPY (SELECT {columns} FROM customers) TO STDOUT"],
        stdout=subprocess.PIPE,
        env=environment(),
    )
    subprocess.run(
        [*psql, target.dsn, "-c", f"COPY customers ({columns}) FROM STDIN"],
        stdin=out.stdout,
        check=True,
        env=environment(),
    )
    assert out.stdout is not None
    out.stdout.close()
    assert out.wait() == 0
    _psql(target, PUT_BACK)
    _psql(target, "ANALYZE customers")
    return time.monotonic() - started


def _psql(side: Side, script: str) -> None:
    program = side.server.binaries.program("psql")
    command = [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", side.dsn, "-c", script]
    subprocess.run(command, check=True, env=environment())


def clean_room(source: Side, target: Side, plan: DatabasePlan, key: bytes) -> CopyReport:
    target.empty()
    run = CopyRun(source.connect, target.connect, plan, build_pools(plan.locale), key)
    return copy_database(run, lambda _: None)


def timed(report: CopyReport) -> float:
    return sum(report.seconds.get(step, 0.0) for step in TIMED)


def seconds_of(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description="Clean-room run against a plain COPY | COPY.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    with two_sides() as (source, target):
        return _run(source, target, options.rows, options.pairs)


def _run(source: Side, target: Side, rows: int, pairs: int) -> int:
    with source.connect() as conn:
        conn.execute(ROWS, (rows,))
    with psycopg.connect(source.dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE customers")
    plan = make_plan(source)
    pools = seconds_of(lambda: build_pools(plan.locale))
    key = os.urandom(32)
    unmasked, masked = [], []
    for _ in range(pairs):
        unmasked.append(plain(source, target))
        masked.append(clean_room(source, target, plan, key))
    memory = peak_megabytes()
    check = VerifyRun(source.connect, target.connect, plan, build_pools(plan.locale), key)
    proof = verify_database(check, lambda _: None)
    assert proof.clean, proof.problems
    ratio = statistics.median(timed(m) / u for m, u in zip(masked, unmasked, strict=True))
    table = Table(title=f"{rows:,} rows, {len(MASKED)} masked columns, median of {pairs} interleaved pairs")
    for name in ("", "seconds", "rows/s", "ratio of a pair"):
        table.add_column(name, justify="right" if name else "left")
    compare(table, rows, unmasked, masked)
    table.add_row("beside it: filling the pools, once", f"{pools:.2f}", "", "")
    table.add_row(f"beside it: proof, {proof.searched:,} originals", f"{proof.seconds:.2f}", "", "")
    table.add_row(
        "peak memory of this process (with the proof)", f"{memory:.0f} MB ({peak_megabytes():.0f} MB)", "", ""
    )
    Console(width=110).print(table)
    return 0 if ratio <= MOST_TIMES and peak_megabytes() < MOST_MEGABYTES else 1


def compare(table: Table, rows: int, unmasked: list[float], masked: list[CopyReport]) -> None:
    floor, ours = statistics.median(unmasked), statistics.median(map(timed, masked))
    ratios = sorted(timed(m) / u for m, u in zip(masked, unmasked, strict=True))
    spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    table.add_row("plain COPY | COPY, indexes, ANALYZE", f"{floor:.2f}", f"{rows / floor:,.0f}", "1.00")
    table.add_row("clean room, indexes, ANALYZE", f"{ours:.2f}", f"{rows / ours:,.0f}", spread)
    for step in ("load", "rebuild", "analyze"):
        table.add_row(f"  of it {step}", f"{statistics.median(r.seconds[step] for r in masked):.2f}", "", "")
    beside = statistics.median(sum(r.seconds.values()) - timed(r) for r in masked)
    table.add_row("beside it: catalogs, helpers, clearing", f"{beside:.2f}", "", "")


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
