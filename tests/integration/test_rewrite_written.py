"""What an application writes into a database while that is masked where it is never passes for masked or proven."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.errors import ResidueError, UnfinishedRunError
from sanitizers.proof.witness import WitnessRun, witness_database
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import RewriteCase, make_rewrite_case
from tests.integration.stream_case import KEY, connector

TABLES = """
CREATE SEQUENCE tick START 9000;

CREATE TABLE first (id int, name text) PARTITION BY RANGE (id);

CREATE TABLE few PARTITION OF first FOR VALUES FROM (0) TO (500);

CREATE TABLE more PARTITION OF first FOR VALUES FROM (500) TO (10000);

CREATE TABLE second (id int PRIMARY KEY, name text);

INSERT INTO first SELECT n, 'Raw Name ' || n FROM generate_series(1, 2000) AS n;

INSERT INTO second SELECT n, 'Raw Guest ' || n FROM generate_series(1, 20) AS n
"""
NEW = "INSERT INTO {} VALUES (nextval('tick'), 'Raw Newcomer')"
CHANGED = "UPDATE {} SET name = 'Raw Change' WHERE id = 7"
SQL_BACK = (
    """position of sequence public.tick differs from the source's: SELECT setval('"public"."tick"', 9000, false) sets"""
)


class CutError(Exception):
    """The process of the run ends here."""


class Mortal(psycopg.Connection[Any]):
    """Ends the run when the second table's turn has come."""

    def execute(self, query: Any, *rest: Any, **options: Any) -> psycopg.Cursor[Any]:
        text = query.as_string(self) if isinstance(query, sql.Composable) else str(query)
        if "LOCK TABLE" in text and '"second"' in text:
            raise CutError
        return super().execute(query, *rest, **options)


def cut_between(database: TestDatabase) -> RewriteCase:
    """A run that has masked the first table alone."""
    names = {f"public.{name}.name": "full_name" for name in ("first", "second", "few", "more")}
    case = make_rewrite_case(database, TABLES, names)
    with (
        witness_database(WitnessRun(connector(case.database), case.plan, KEY), lambda _: None) as witness,
        pytest.raises(CutError),
    ):
        case.rewrite(look=witness.look, connect=lambda _: Mortal.connect(database.dsn), streams=1)
    assert case.rows("SELECT name FROM branchwarden_journal.done") == [("first",)]
    return case


def go_on(case: RewriteCase) -> Sequence[str]:
    """What the proof of the run that goes on has found; nothing: it is finished."""
    with witness_database(WitnessRun(connector(case.database), case.plan, KEY), lambda _: None) as witness:

        def judge() -> None:
            if problems := witness.judge().problems:
                raise ResidueError(problems)

        try:
            case.rewrite(look=witness.look, prove=judge)
        except ResidueError as error:
            return error.problems
        return ()


@pytest.mark.parametrize("major", [14, 18])
@pytest.mark.parametrize(("table", "when"), [("first", "it was masked"), ("second", "the originals were looked at")])
def test_new_rows_are_refused_until_they_are_gone_and_the_sequence_is_set_back(
    table: str, when: str, major: int, make_database_on: Callable[[int], TestDatabase]
) -> None:
    case = cut_between(make_database_on(major))
    case.execute(NEW.format(table))

    with pytest.raises(UnfinishedRunError) as refused:
        go_on(case)
    case.execute(str(refused.value).partition("remove them (")[2].partition(") and run")[0])
    unproven = go_on(case)
    case.execute(unproven[0].partition(": ")[2].removesuffix(" sets it back"))
    proven = go_on(case)

    assert f"public.{table} holds 1 row written after {when}, by somebody who uses" in str(refused.value)
    assert [problem[: len(SQL_BACK)] for problem in unproven] == [SQL_BACK]
    assert proven == ()
    assert case.rows("SELECT count(*) FROM first WHERE name ~ '^Raw'") == [(0,)]
    assert case.rows("SELECT count(*) FROM second WHERE name ~ '^Raw'") == [(0,)]


@pytest.mark.parametrize("table", ["first", "second"])
def test_rows_that_were_changed_between_two_runs_do_not_pass_for_masked(table: str, database: TestDatabase) -> None:
    case = cut_between(database)
    case.execute(CHANGED.format(table))

    for _ in range(2):
        with pytest.raises(UnfinishedRunError, match=rf"public\.{table} holds 1 row written after .* a fresh copy"):
            go_on(case)

    assert case.rows("SELECT count(*) FROM first WHERE name ~ '^Raw'") == [(int(table == "first"),)]


def test_what_is_written_while_a_run_masks_ends_it_before_its_proof(database: TestDatabase) -> None:
    case = make_rewrite_case(database, TABLES, {"public.first.name": "full_name"})

    class Busy(psycopg.Connection[Any]):
        def execute(self, query: Any, *rest: Any, **options: Any) -> psycopg.Cursor[Any]:
            if "ANALYZE" in str(query)[:12]:
                case.execute(CHANGED.format("first"))
            return super().execute(query, *rest, **options)

    with pytest.raises(UnfinishedRunError, match=r"public\.first holds 1 row written after it was masked"):
        case.rewrite(connect=lambda _: Busy.connect(database.dsn), prove=lambda: pytest.fail("it was not seen"))


def test_what_a_proof_has_found_may_be_mended_in_a_masked_table(database: TestDatabase) -> None:
    case = cut_between(database)
    case.execute("COMMENT ON TABLE second IS 'Raw Guest 3'")
    found = go_on(case)
    masked = case.rows("SELECT name FROM first WHERE id <> 7 ORDER BY id")
    case.execute("COMMENT ON TABLE second IS NULL; UPDATE first SET name = 'Nobody' WHERE id = 7")

    assert len(found) == 1
    assert go_on(case) == ()
    assert case.rows("SELECT name FROM first WHERE id <> 7 ORDER BY id") == masked
