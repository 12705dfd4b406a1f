"""A crash of the server empties unlogged tables: a run that goes on afterwards does not take them for filled."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from emulator import roles
from emulator.postgres import Runtime, Server
from sanitizers.engines.rewrite import rewrite_database
from sanitizers.engines.stream import Progress, copy_database
from sanitizers.errors import UnfinishedRunError
from tests.fix_postgres import OWNER, TestDatabase
from tests.integration.rewrite_case import make_rewrite_case
from tests.integration.stream_case import Case, GivenUpError, fill_case

SHOP = """
CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE);
CREATE UNLOGGED TABLE sessions (id int PRIMARY KEY, person int REFERENCES people, email text UNIQUE);
CREATE UNLOGGED TABLE clicks (session int REFERENCES sessions, n int CHECK (n > 0));
CREATE TABLE visits (id int, email text) PARTITION BY RANGE (id);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM (0) TO (10);
CREATE UNLOGGED TABLE visits_2 PARTITION OF visits FOR VALUES FROM (10) TO (20);
INSERT INTO people SELECT n, 'zq' || n || '@zq.test' FROM generate_series(1, 5) AS n;
INSERT INTO sessions SELECT n, n, 'zq' || n || '@zq.test' FROM generate_series(1, 5) AS n;
INSERT INTO clicks SELECT n, n FROM generate_series(1, 5) AS n;
INSERT INTO visits SELECT n, 'zq' || n || '@zq.test' FROM generate_series(8, 12) AS n
"""
MASKED = {"public.people.email": "email", "public.sessions.email": "email", "public.visits.email": "email"}
COUNTS = """
SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM sessions), (SELECT count(*) FROM clicks),
  (SELECT count(*) FROM visits)
"""
CONSTRAINTS = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE convalidated ORDER BY 1, 2"


@contextmanager
def _server(runtime: Runtime, folder: Path, password: str) -> Iterator[Server]:
    """One where nothing happens but what a test does."""
    server = runtime.server(folder)
    server.init()
    with server:
        with psycopg.connect(server.dsn(), autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET autovacuum = off")
            conn.execute("SELECT pg_reload_conf()")
            roles.bootstrap(conn)
            roles.create_role(conn, OWNER, password)
        yield server


@pytest.fixture(scope="module")
def servers(postgres_runtime: Runtime, open_folder: Path, owner_password: str) -> Iterator[tuple[Server, Server]]:
    """One for sources, and one that crashes."""
    with ExitStack() as stack:
        folders = (open_folder / "lasting", open_folder / "crashing")
        first, second = (stack.enter_context(_server(postgres_runtime, folder, owner_password)) for folder in folders)
        yield first, second


def _database(server: Server, password: str) -> TestDatabase:
    database = TestDatabase(server, f"unlogged_{secrets.token_hex(4)}", password)
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        roles.create_database(conn, database.name, OWNER)
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        roles.grant_schema(conn, OWNER)
    return database


@pytest.fixture
def case(servers: tuple[Server, Server], owner_password: str) -> Case:
    source, target = (_database(server, owner_password) for server in servers)
    return fill_case(source, target, SHOP, MASKED)


def _crash(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute("CHECKPOINT")  # so that all else is there afterwards: the engines do not wait for the disk
    server.stop(immediate=True)
    server.start()


@pytest.mark.parametrize("step", ["rebuild", "analyze"])
def test_what_was_emptied_is_loaded_once_more(case: Case, step: str) -> None:
    before = case.rows(CONSTRAINTS)
    case.give_up(step)
    _crash(case.target.server)
    assert case.rows(COUNTS) == [(5, 0, 0, 2)]
    loaded: set[str] = set()

    copy_database(case.run(), lambda p: loaded.add(p.about) if p.step == "load" else None)

    assert loaded == {"", "public.sessions", "public.clicks", "public.visits"}
    assert case.rows(COUNTS) == [(5, 5, 5, 5)]
    assert case.rows(CONSTRAINTS) == before
    assert case.verify().problems == ()


def test_all_is_loaded_once_more_where_the_source_has_changed_too(case: Case) -> None:
    case.give_up("analyze")
    _crash(case.target.server)
    case.execute("INSERT INTO people VALUES (6, 'zq6@zq.test')", of=case.source)

    report = case.copy()

    assert report.anew
    assert case.rows(COUNTS) == [(6, 5, 5, 5)]
    assert case.verify().problems == ()


def test_in_place_nobody_has_the_rows_any_more(servers: tuple[Server, Server], owner_password: str) -> None:
    case = make_rewrite_case(_database(servers[1], owner_password), SHOP, MASKED)

    def give_up(progress: Progress) -> None:
        if progress.step == "rebuild":
            raise GivenUpError

    with pytest.raises(GivenUpError):
        rewrite_database(case.run(), give_up)
    _crash(servers[1])

    with pytest.raises(UnfinishedRunError, match=r"public.sessions holds 0 of 5 rows.*crash.*fresh copy"):
        case.rewrite()
