"""A clean-room run that is killed at any point is finished by the next one, as if nothing had happened."""

from __future__ import annotations

import itertools
import json
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from emulator import roles
from emulator.postgres import Runtime, Server
from sanitizers.engines.rebuild import stay_beside
from sanitizers.engines.stream import copy_database
from sanitizers.errors import UnfinishedRunError
from tests.fix_postgres import OWNER, TestDatabase
from tests.integration.stream_case import HARD_SCHEMA, PEOPLE, Case, dump, fill_case, make_plan

MakeDatabase = Callable[[], TestDatabase]
MakeCase = Callable[[str, Mapping[str, str]], Case]
ROOT = Path(__file__).parents[2]

LARGE = """
CREATE TABLE large (id int PRIMARY KEY, email text UNIQUE, filler text);
INSERT INTO large SELECT n, 'somebody' || n || '@mail.invalid', repeat('x', 200) FROM generate_series(1, 20000) n;
"""
MASKED = PEOPLE | {"public.large.email": "email"}
SLICED = {"piece": 1 << 20, "streams": 3}

TABLES = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
POSITIONS = "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"


@pytest.fixture(scope="module")
def still(postgres_runtime: Runtime, open_folder: Path, owner_password: str) -> Iterator[Server]:
    """A server where nothing happens but what a test does: whatever takes a transaction id changes its state."""
    server = postgres_runtime.server(open_folder / "still")
    server.init()
    with server:
        with psycopg.connect(server.dsn(), autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET autovacuum = off")
            conn.execute("SELECT pg_reload_conf()")
            roles.bootstrap(conn)
            roles.create_role(conn, OWNER, owner_password)
        yield server


@pytest.fixture
def make_still(still: Server, make_database: MakeDatabase, owner_password: str) -> MakeCase:
    """A case whose source is on the still server."""
    numbers = itertools.count()

    def make(script: str, strategies: Mapping[str, str]) -> Case:
        source = TestDatabase(still, f"still_{secrets.token_hex(4)}_{next(numbers)}", owner_password)
        with psycopg.connect(still.dsn(), autocommit=True) as conn:
            roles.create_database(conn, source.name, OWNER)
        with psycopg.connect(source.admin_dsn, autocommit=True) as conn:
            roles.grant_schema(conn, OWNER)
        return fill_case(source, make_database(), script, strategies)

    return make


HARD = HARD_SCHEMA.read_text(encoding="utf-8") + LARGE


def kill(case: Case, step: str, about: str = "", **changes: Any) -> None:
    """Run the copy in a process of its own, which kills itself when it comes to a step and an object."""
    arguments = {
        "source": case.source.dsn,
        "target": case.target.dsn,
        "strategies": MASKED,
        "step": step,
        "about": about,
        "changes": changes,
    }
    victim = [sys.executable, "-m", "tests.integration.stream_victim"]
    ended = subprocess.run(victim, input=json.dumps(arguments).encode(), cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL


def contents(case: Case, of: TestDatabase) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, and where the sequences stand."""
    rows = {name: case.rows(f"SELECT t::text FROM ONLY {name} t ORDER BY 1", of=of) for (name,) in case.rows(TABLES)}
    return rows | {"sequences": case.rows(POSITIONS, of=of)}


POINTS = [
    ("clear", ""),
    ("clear", "index public.large_email_key"),
    ("load", ""),
    ("load", "sales.orders"),
    ("sequences", ""),
    ("rebuild", "index public.people_lower"),
    ("constrain", "foreign key"),
    ("constrain", "foreign keys of"),
    ("refresh", "busier"),
    ("analyze", "public.people"),
    ("triggers", "later"),
]


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_like_one_that_was_left_alone(
    make_still: MakeCase,
) -> None:
    alone, killed = make_still(HARD, MASKED), make_still(HARD, MASKED)
    before = dump(killed.target)
    alone.copy()

    for step, about in POINTS:
        kill(killed, step, about, **SLICED)
    report = killed.copy(**SLICED)

    assert contents(alone, alone.target) == contents(killed, killed.target)
    assert before == dump(killed.target)
    assert killed.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ 'branchwarden'") == []
    assert {t.table: t.rows for t in report.tables}["large"] == 20000


def test_a_table_that_was_half_loaded_is_loaded_anew_and_a_full_one_is_left_alone(
    make_still: MakeCase,
) -> None:
    case = make_still(HARD, MASKED)
    case.give_up("sequences", **SLICED)
    case.execute("DELETE FROM branchwarden_journal.done WHERE name = 'large'; DELETE FROM large WHERE id > 100")
    loaded: set[str] = set()

    copy_database(case.run(**SLICED), lambda p: loaded.add(p.about) if p.step == "load" else None)

    assert {"", "public.large"} == loaded
    assert case.rows("SELECT count(*), count(DISTINCT id) FROM large") == [(20000, 20000)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("key", "another masking key"),
        ("plan", "another masking plan"),
    ],
)
def test_half_a_copy_is_not_finished_by_another_run(make_still: MakeCase, change: str, says: str) -> None:
    case = make_still(LARGE, {"public.large.email": "email"})
    case.give_up("sequences")
    changes: dict[str, dict[str, Any]] = {"key": {"key": bytes(32)}, "plan": {"plan": make_plan(case.source)}}

    with pytest.raises(UnfinishedRunError, match=f"{says} was cut off.*discard this target"):
        case.copy(**changes.get(change, {}))


def test_a_run_waits_for_what_a_killed_one_left_running(make_still: MakeCase) -> None:
    case = make_still(LARGE, {})
    case.give_up("sequences")
    steps: list[str] = []
    with psycopg.connect(case.target.dsn) as lingering:
        stay_beside(lingering)
        thread = threading.Thread(target=copy_database, args=(case.run(), lambda p: steps.append(p.step)))
        thread.start()
        while thread.is_alive() and not case.rows(WAITING):
            time.sleep(0.01)
        seen = set(steps)
    thread.join()

    assert {"connect", "compare"} >= seen
    assert steps[-1] == "triggers"
