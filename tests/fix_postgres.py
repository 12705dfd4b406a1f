"""Postgres servers and databases for tests: no emulator, no HTTP, only the wheel's programs."""

from __future__ import annotations

import itertools
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from emulator import roles
from emulator.postgres import Runtime, Server, runtime

OWNER = "neondb_owner"
# Every statement with its parameters, and every error with its statement, its details and its context.
TALKATIVE = """
log_statement = 'all'
log_min_messages = 'info'
log_min_error_statement = 'error'
log_error_verbosity = 'verbose'
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
"""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class TestDatabase:
    """A database on the session's server, owned by a role built exactly as Neon builds `neondb_owner`."""

    __test__ = False

    server: Server
    name: str
    password: str
    owner: str = OWNER

    @property
    def dsn(self) -> str:
        """As the owner, who is no superuser."""
        return self.server.dsn(user=self.owner, password=self.password, dbname=self.name)

    @property
    def admin_dsn(self) -> str:
        """As the superuser, whom nobody has on Neon."""
        return self.server.dsn(dbname=self.name)


@pytest.fixture(scope="session")
def postgres_runtime() -> Iterator[Runtime]:
    with runtime() as opened:
        yield opened


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that the user of the servers can enter: pytest's own tmp_path is closed to all but us."""
    folder = Path(tempfile.mkdtemp(prefix="bw-data-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def owner_password() -> str:
    return secrets.token_urlsafe(16)


@pytest.fixture(scope="session")
def postgres(postgres_runtime: Runtime, open_folder: Path, owner_password: str) -> Iterator[Server]:
    """A running Postgres 18 with `neon_superuser` and `neondb_owner`."""
    server = postgres_runtime.server(open_folder / "pg18")
    server.init()
    with server:
        with psycopg.connect(server.dsn(), autocommit=True) as conn:
            roles.bootstrap(conn)
            roles.create_role(conn, OWNER, owner_password)
        yield server


@pytest.fixture
def talkative_server(postgres_runtime: Runtime, open_folder: Path, owner_password: str) -> Iterator[Server]:
    """A Postgres of its own that writes down all that it is asked."""
    with tempfile.TemporaryDirectory(dir=open_folder) as folder:
        Path(folder).chmod(0o711)
        server = postgres_runtime.server(Path(folder) / "pg")
        server.init()
        with server, psycopg.connect(server.dsn(), autocommit=True) as conn:
            roles.bootstrap(conn)
            roles.create_role(conn, OWNER, owner_password)
        make_talkative(server.data)
        with server:
            yield server


def make_talkative(cluster: Path) -> None:
    """Let the server of a data directory log every statement, once it starts."""
    with (cluster / "postgresql.auto.conf").open("a") as file:
        file.write(TALKATIVE)


@pytest.fixture
def make_database(postgres: Server, owner_password: str) -> Iterator[Callable[[], TestDatabase]]:
    """Make as many fresh databases as a test needs; they are dropped at its end."""
    made: list[TestDatabase] = []

    def make() -> TestDatabase:
        made.append(fresh_database(postgres, owner_password))
        return made[-1]

    yield make
    drop_databases(made)


def fresh_database(server: Server, owner_password: str) -> TestDatabase:
    """An empty database of the owner."""
    database = TestDatabase(server, f"test_{next(_numbers)}", owner_password)
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        roles.create_database(conn, database.name, OWNER)
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        roles.grant_schema(conn, OWNER)
    return database


def drop_databases(made: Iterable[TestDatabase]) -> None:
    """With whoever is still connected to them."""
    for database in made:
        with psycopg.connect(database.server.dsn(), autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))


@pytest.fixture
def database(make_database: Callable[[], TestDatabase]) -> TestDatabase:
    """One fresh database."""
    return make_database()
