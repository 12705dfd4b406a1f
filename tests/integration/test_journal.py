"""The journal is what a run finds of the one before it: exactly what was committed, and only for the same task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from sanitizers.engines.journal import (
    Filled,
    JournalPurpose,
    journal_purpose,
    journaled_schema,
    journaled_source,
    mark,
    mark_done,
    open_journal,
)
from sanitizers.engines.obstacles import Obstacle
from sanitizers.errors import UnfinishedRunError
from sanitizers.fields.keyring import FieldKey, Keyring
from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.schema import read_schema
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import KEY, make_plan

FIRST = Obstacle("index a", "neondb_owner", ("DROP INDEX a",), ("CREATE INDEX a", "COMMENT 'it''s'"))
SECOND = Obstacle("index b", "neondb_owner", (), ("CREATE INDEX b",))


@pytest.fixture
def purpose(database: TestDatabase) -> JournalPurpose:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE people (id int PRIMARY KEY, name text REFERENCES people (name), UNIQUE (name))")
    return journal_purpose("in-place", make_plan(database), KEY)


def test_the_next_run_finds_what_was_saved_and_what_was_committed_alone(
    database: TestDatabase, purpose: JournalPurpose
) -> None:
    with psycopg.connect(database.dsn) as conn:
        journal = open_journal(conn, purpose)
        journal.save({"index": [FIRST, SECOND]})
        mark(conn, [journal.entries("index", "saved")[1]], "removed")
        mark_done(conn, Filled("public", "people", 7))
        conn.commit()
        mark(conn, journal.entries("index", "removed"), "restored")
        mark_done(conn, Filled("public", "other", 8))
        conn.rollback()

    with psycopg.connect(database.dsn) as conn:
        after = open_journal(conn, purpose)

        assert after.saved
        assert [entry.obstacle for entry in after.entries("index", "saved")] == [FIRST]
        assert [entry.obstacle for entry in after.entries("index", "removed")] == [SECOND]
        assert {("public", "people"): Filled("public", "people", 7)} == after.done()


def begin(database: TestDatabase, purpose: JournalPurpose, *, changing: bool) -> None:
    """A run that saved what it was going to take away, and was cut off before or after the first thing was."""
    with psycopg.connect(database.dsn) as conn:
        journal = open_journal(conn, purpose)
        journal.save({"index": [FIRST]})
        if changing:
            mark(conn, journal.entries("index", "saved"), "removed")


def test_a_journal_tells_the_schema_as_it_was_and_is_no_part_of_it(
    database: TestDatabase, purpose: JournalPurpose
) -> None:
    with psycopg.connect(database.dsn) as conn:
        assert journaled_schema(conn) is None
        journal = open_journal(conn, purpose)
        journal.save({"reference": [FIRST]})
        conn.execute("ALTER TABLE people DROP CONSTRAINT people_name_fkey")
        mark(conn, journal.entries("reference", "saved"), "removed")
        conn.commit()

        assert purpose.schema == journaled_schema(conn)
        assert purpose.schema.digest != read_schema(conn).digest
        assert [table.name for table in read_schema(conn).tables] == ["people"]
        journal.close()

        assert journaled_schema(conn) is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"plan_digest": "0" * 64}, "another masking plan was cut off"),
        ({"key_check": "0" * 16}, "another masking key was cut off"),
        ({"mode": "clean-room", "key_check": ""}, "another mode and another masking key was cut off"),
    ],
)
def test_a_run_with_another_task_may_not_go_on(
    database: TestDatabase, purpose: JournalPurpose, change: dict[str, str], named: str
) -> None:
    begin(database, purpose, changing=True)
    with psycopg.connect(database.dsn) as conn, pytest.raises(UnfinishedRunError, match=named) as caught:
        open_journal(conn, replace(purpose, **change))  # type: ignore[arg-type]

    assert "discard this database, which is half masked, and begin with a fresh one" in str(caught.value)


def test_a_run_in_place_that_changed_nothing_binds_nobody(database: TestDatabase, purpose: JournalPurpose) -> None:
    begin(database, purpose, changing=False)
    other = replace(purpose, plan_digest="0" * 64, key_check="0" * 16)

    with psycopg.connect(database.dsn) as conn:
        assert journaled_schema(conn) is None
        journal = open_journal(conn, other)

        assert not journal.saved
        assert journal.entries("index", "saved") == ()
    begin(database, other, changing=True)
    with psycopg.connect(database.dsn) as conn:
        assert open_journal(conn, other).saved


def test_a_clean_room_that_loaded_nothing_yet_still_is_one_run_s(
    database: TestDatabase, purpose: JournalPurpose
) -> None:
    clean_room = replace(purpose, mode="clean-room")
    begin(database, clean_room, changing=False)

    with psycopg.connect(database.dsn) as conn:
        assert clean_room.schema == journaled_schema(conn)
        assert open_journal(conn, clean_room).saved
        with pytest.raises(UnfinishedRunError, match="another masking plan"):
            open_journal(conn, replace(clean_room, plan_digest="0" * 64))


@pytest.mark.parametrize("changing", [True, False])
@pytest.mark.parametrize("ask", [journaled_schema, journaled_source], ids=["schema", "source"])
def test_the_journal_of_another_version_is_named_as_such_before_anything_in_it_is_read(
    database: TestDatabase, purpose: JournalPurpose, ask: Callable[[psycopg.Connection], object], changing: bool
) -> None:
    begin(database, purpose, changing=changing)
    with psycopg.connect(database.dsn) as conn:
        conn.execute("""UPDATE branchwarden_journal.purpose SET version = 1, schema = '{"of": "old"}'""")
        conn.commit()

        for open_or_ask in (ask, lambda conn: open_journal(conn, purpose)):
            with pytest.raises(UnfinishedRunError, match="a run of another version of branchwarden was"):
                open_or_ask(conn)


def test_the_purpose_tells_keys_and_plans_apart_and_holds_no_key(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE people (name text)")
    kept, nulled = make_plan(database), make_plan(database, {"public.people.name": "null"})
    one, other = journal_purpose("in-place", kept, KEY), journal_purpose("in-place", nulled, KEY[::-1])

    assert one == journal_purpose("in-place", kept, KEY)
    assert one.key_check != other.key_check
    assert one.plan_digest != other.plan_digest
    assert KEY.hex()[:16] not in repr(one)


PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, born date, died date, mail text UNIQUE, sealed text);
CREATE TABLE visits (id int PRIMARY KEY, mail text REFERENCES people (mail))
"""


def test_tokens_of_another_columns_values_are_told_apart(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(PEOPLE.encode())
    sealed = [{"public.people.sealed": {"strategy": "encrypt", "of": name}} for name in ("born", "died")]
    one, other = (journal_purpose("in-place", make_plan(database, strategies), KEY) for strategies in sealed)

    assert one.plan_digest != other.plan_digest


def test_tokens_of_another_place_or_field_key_are_told_apart(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(PEOPLE.encode())
    sealed = {f"public.{table}.mail": {"strategy": "encrypt", "deterministic": True} for table in ("people", "visits")}
    plan = make_plan(database, sealed)
    moved = replace(plan, tables=tuple(replace(t, columns=_without_roots(t)) for t in plan.tables))
    rings = [Keyring([FieldKey(f"2026010{n}T000000-0000", bytes(range(32)))]) for n in (1, 2)]
    one, other = (journal_purpose("in-place", plan, KEY, ring) for ring in rings)

    assert one.plan_digest == other.plan_digest != journal_purpose("in-place", moved, KEY, rings[0]).plan_digest
    begin(database, one, changing=True)
    with (
        psycopg.connect(database.dsn) as conn,
        pytest.raises(UnfinishedRunError, match="a run with another field key was cut off"),
    ):
        open_journal(conn, other)


def _without_roots(table: TablePlan) -> tuple[ColumnPlan, ...]:
    return tuple(replace(column, root=None) for column in table.columns)


def test_a_schema_of_that_name_that_no_run_made_is_never_touched(
    database: TestDatabase, purpose: JournalPurpose
) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE SCHEMA branchwarden_journal")
        conn.commit()
        with pytest.raises(UnfinishedRunError, match="rename it"):
            open_journal(conn, purpose)


def test_two_runs_never_work_in_one_database(database: TestDatabase, purpose: JournalPurpose) -> None:
    with psycopg.connect(database.dsn) as one, psycopg.connect(database.dsn) as other:
        journal = open_journal(one, purpose)
        other.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            open_journal(other, purpose)
        other.rollback()
        journal.close()

        assert not open_journal(other, purpose).saved
