"""A run that is killed at any point is finished by the next one, as if it had never been cut."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sanitizers.engines.journal import journaled_schema
from sanitizers.errors import CatalogsDifferError, UnfinishedRunError
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import HARD, HARD_SCHEMA, RewriteCase, make_rewrite_case, plan_of

ROOT = Path(__file__).parents[2]
MakeDatabase = Callable[[], TestDatabase]

POINTS = {
    "the journal is begun": ("INSERT INTO branchwarden_journal.purpose", 1),
    "a foreign key is dropped": ("DROP CONSTRAINT", 2),
    "an index is dropped": ("DROP INDEX", 3),
    "triggers are off": ("DISABLE TRIGGER", 4),
    "a masked copy stands": ("CREATE UNLOGGED", 2),
    "a table is empty": ("TRUNCATE", 3),
    "a table is filled": ("OVERRIDING", 4),
    "a table is written down": ("INSERT INTO branchwarden_journal.done", 5),
    "an index is built": ("CREATE .*INDEX", 2),
    "a key is back": ("ADD CONSTRAINT .* PRIMARY KEY", 2),
    "a foreign key is back": ("ADD CONSTRAINT .* FOREIGN KEY", 1),
    "a view is refreshed": ("REFRESH MATERIALIZED VIEW public.busy$", 1),
    "a table is analyzed": ("^ANALYZE", 2),
    "a trigger is on": ("ENABLE .*TRIGGER", 2),
    "the journal is dropped": ("DROP SCHEMA", 1),
}


@pytest.fixture(scope="module")
def script() -> str:
    return HARD_SCHEMA.read_text()


def begin(database: TestDatabase, point: tuple[str, int]) -> int:
    """Run in a process of its own; the answer is its exit code."""
    command = [sys.executable, "-m", "tests.integration.rewrite_killed", point[0], str(point[1])]
    return subprocess.run(command, input=database.dsn, text=True, check=False, cwd=ROOT, timeout=120).returncode


def go_on(case: RewriteCase) -> None:
    """The next run, with the plan that the journal's schema gives."""
    with psycopg.connect(case.database.dsn) as conn:
        schema = journaled_schema(conn)
    case.rewrite(**({"plan": plan_of(schema, HARD)} if schema else {}))


@pytest.mark.slow
def test_wherever_a_run_is_killed_the_next_one_ends_as_if_nothing_had_happened(
    make_database: MakeDatabase, script: str
) -> None:
    whole = make_rewrite_case(make_database(), script, HARD)
    looks = whole.looks()
    whole.rewrite()
    contents = whole.contents()

    for when, point in POINTS.items():
        case = make_rewrite_case(make_database(), script, HARD)
        assert begin(case.database, point) == -signal.SIGKILL, when
        go_on(case)

        assert (when, contents) == (when, case.contents())
        assert (when, looks) == (when, case.looks())


def test_a_run_that_is_killed_twice_ends_the_same(make_database: MakeDatabase, script: str) -> None:
    whole, case = (make_rewrite_case(make_database(), script, HARD) for _ in range(2))
    looks = whole.looks()
    whole.rewrite()

    assert begin(case.database, POINTS["a table is filled"]) == -signal.SIGKILL
    assert begin(case.database, POINTS["a key is back"]) == -signal.SIGKILL
    assert begin(case.database, ("no statement", 1)) == 0

    assert whole.contents() == case.contents()
    assert looks == case.looks()


def test_a_half_done_run_is_gone_on_with_by_none_but_its_own_plan_and_key(
    make_database: MakeDatabase, script: str
) -> None:
    case = make_rewrite_case(make_database(), script, HARD)
    begin(case.database, POINTS["a table is filled"])
    before = case.contents()

    with pytest.raises(UnfinishedRunError, match="another masking key was cut off"):
        case.rewrite(key=bytes(32))
    with pytest.raises(UnfinishedRunError, match="another masking plan was cut off"):
        case.rewrite(plan=plan_of(case.plan.schema, HARD | {"public.people.note": "keep"}))

    assert before == case.contents()


def test_a_schema_that_changed_since_the_plan_is_not_touched(make_database: MakeDatabase, script: str) -> None:
    case = make_rewrite_case(make_database(), script, HARD)
    case.execute("ALTER TABLE people ADD COLUMN nickname text DEFAULT 'Original Nick'")
    before = case.looks(), case.contents()

    with pytest.raises(CatalogsDifferError, match="plan and run again"):
        case.rewrite()

    assert before == (case.looks(), case.contents())
