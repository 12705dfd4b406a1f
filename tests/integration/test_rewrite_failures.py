"""What goes wrong in place changes nothing of the table it goes wrong in, says no value, and can be gone on with."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from sanitizers.engines.rewrite import rewrite_database
from sanitizers.errors import CopyFailedError
from sanitizers.track import Progress
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import make_rewrite_case

CANARY = "Kanarienvogel"
PEOPLE = f"""
CREATE TABLE people (id int PRIMARY KEY, name varchar(40) NOT NULL, city text);
INSERT INTO people SELECT n, '{CANARY} ' || n, 'Canary City' FROM generate_series(1, 50) n;
CREATE TABLE visits (id int PRIMARY KEY, person int REFERENCES people, guest text);
INSERT INTO visits SELECT n, n, '{CANARY} ' || n FROM generate_series(1, 50) n
"""
MASKED = {"public.people.name": "full_name", "public.visits.guest": "full_name"}
JUDGE = """
CREATE FUNCTION judge(name text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  IF name LIKE 'Kanarien%' THEN RETURN true; END IF;
  RAISE EXCEPTION 'not % of Kanarienvogel', name USING DETAIL = 'Kanarienvogel too';
END $$
"""


def told(error: BaseException) -> str:
    """All that a log could show of an error."""
    return f"{error!r} {error.__cause__!r} {error.__context__!r}"


def test_a_failure_names_the_table_and_no_value_and_the_next_run_goes_on(database: TestDatabase) -> None:
    script = f"{PEOPLE}\n\n{JUDGE}\n\nALTER TABLE visits ADD CONSTRAINT judged CHECK (judge(guest))"
    case = make_rewrite_case(database, script, MASKED)
    looks = case.looks()

    with pytest.raises(CopyFailedError, match=r"constrain check judged of public\.visits") as caught:
        case.rewrite(streams=1)
    assert CANARY not in told(caught.value)
    case.execute("CREATE OR REPLACE FUNCTION judge(name text) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
    first = case.rows("SELECT name FROM people ORDER BY id")
    case.rewrite()

    assert first == case.rows("SELECT name FROM people ORDER BY id")
    assert [row for rows in case.contents().values() for row in rows if CANARY in row] == []
    assert looks[1:] == case.looks()[1:]


def test_a_table_that_cannot_be_filled_is_as_it_was(database: TestDatabase) -> None:
    case = make_rewrite_case(
        database, f"{PEOPLE};\nALTER TABLE people ADD CONSTRAINT short CHECK (name LIKE 'Kanarien%')", MASKED
    )

    with pytest.raises(CopyFailedError, match=r"load public\.people: CheckViolation .*constraint short") as caught:
        case.rewrite(streams=1)

    assert CANARY not in told(caught.value)
    assert case.rows(f"SELECT count(*) FROM people WHERE name LIKE '{CANARY}%'") == [(50,)]
    assert case.rows("SELECT relname FROM pg_class WHERE relname ~ '^copy_'") == []


def test_a_run_that_is_told_to_stop_ends_and_can_be_gone_on_with(database: TestDatabase) -> None:
    case, stop = make_rewrite_case(database, PEOPLE, MASKED), threading.Event()
    looks = case.looks()

    def watch(progress: Progress) -> None:
        if progress.step == "rebuild":
            stop.set()

    with pytest.raises(CopyFailedError, match="stopped on request"):
        rewrite_database(case.run(stop=stop), watch)
    case.rewrite()

    assert looks == case.looks()
    assert [row for rows in case.contents().values() for row in rows if CANARY in row] == []


def test_every_connection_is_told_of_so_that_it_can_be_cancelled(database: TestDatabase) -> None:
    case = make_rewrite_case(database, PEOPLE, MASKED)
    told_of: list[psycopg.Connection[Any]] = []

    case.rewrite(on_connection=told_of.append, streams=3)

    assert len(told_of) == 3
    assert all(connection.closed for connection in told_of)
