"""A hot standby as source: nothing can be created in it, and it sees no unlogged row."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from emulator.postgres import Runtime, Server
from sanitizers.errors import CopyFailedError
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import Case, clone_schema, make_plan

SCRIPT = """
CREATE TABLE people (id serial PRIMARY KEY, mail text UNIQUE);
INSERT INTO people (mail) SELECT 'm' || n || '@mail.invalid' FROM generate_series(1, 5000) n;
CREATE MATERIALIZED VIEW a_few AS SELECT id FROM people LIMIT 10;
"""
UNLOGGED = "CREATE UNLOGGED TABLE fleeting (id int)"

StandBy = Callable[[], Server]


@pytest.fixture
def stand_by(postgres: Server, postgres_runtime: Runtime, open_folder: Path) -> Iterator[StandBy]:
    """Start a standby of the session's server as that is now."""
    started: list[Server] = []

    def start() -> Server:
        folder = open_folder / "standby"
        postgres_runtime.binaries.account.private_folder(folder)
        postgres.binaries.run("pg_basebackup", "-D", str(folder), "-R", "-c", "fast", "-d", postgres.dsn())
        started.append(postgres_runtime.server(folder))
        started[0].start()
        return started[0]

    yield start
    for server in started:
        server.stop()
        shutil.rmtree(server.data)


def make_standby_case(make_database: Callable[[], TestDatabase], stand_by: StandBy, script: str) -> Case:
    primary, target = make_database(), make_database()
    with psycopg.connect(primary.dsn) as conn:
        conn.execute(script.encode())
    clone_schema(primary, target)
    plan = make_plan(primary, {"public.people.mail": "email"})
    return Case(TestDatabase(stand_by(), primary.name, primary.password), target, plan)


def test_a_standby_is_copied_in_several_streams(make_database: Callable[[], TestDatabase], stand_by: StandBy) -> None:
    case = make_standby_case(make_database, stand_by, SCRIPT)

    report = case.copy(streams=2, piece=8192)

    assert report.rows == 5000
    assert case.rows("SELECT pg_is_in_recovery()", of=case.source) == [(True,)]
    assert case.rows("SELECT count(DISTINCT mail), (SELECT count(*) FROM a_few) FROM people") == [(5000, 10)]


def test_an_unlogged_table_is_refused(make_database: Callable[[], TestDatabase], stand_by: StandBy) -> None:
    case = make_standby_case(make_database, stand_by, SCRIPT + UNLOGGED)

    with pytest.raises(CopyFailedError, match=r"public\.fleeting is unlogged.*copy from the primary"):
        case.copy()
