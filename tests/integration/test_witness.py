"""The proof in place: what it remembers, what it cannot do, and that no error of the server's shows a value."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from sanitizers.errors import CopyFailedError, UnfinishedRunError
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.witness import WitnessRun, witness_database
from tests.fix_postgres import OWNER, TestDatabase
from tests.integration.rewrite_case import RewriteCase, make_rewrite_case
from tests.integration.stream_case import KEY, connector

CANARY = "canary7@corp.invalid"
PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, email text, doc json);

CREATE TABLE notes (id int PRIMARY KEY, body json, extra text);

INSERT INTO people SELECT n, format('canary%s@corp.invalid', n), '{"hash": "1e1234"}' FROM generate_series(1, 20) AS n;

INSERT INTO notes VALUES (1, '{"hash": "5e1024ab", "who": "nobody"}', 'nothing');
"""
# A type that becomes text by a cast of people's own, which complains with the value.
LOUD = f"""
CREATE TYPE loud AS ENUM ('quiet', '{CANARY}');

CREATE FUNCTION shout(loud) RETURNS text LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION USING MESSAGE = format(''%s'', $1), DETAIL = format(''%s'', $1); END';

CREATE CAST (loud AS text) WITH FUNCTION shout(loud);

CREATE TABLE heard (id int PRIMARY KEY, what loud);
"""
QUIET = {"strategy": "constant", "value": "quiet"}


class CutError(Exception):
    """A run ends here."""


def cut() -> None:
    raise CutError


@pytest.fixture
def case(database: TestDatabase) -> RewriteCase:
    return make_rewrite_case(database, PEOPLE + LOUD, {"public.people.email": "email", "public.heard.what": QUIET})


def prove(case: RewriteCase, before_judging: Callable[[], None] = lambda: None) -> DatabaseProof:
    """Rewrite the case between the witness' two looks."""
    proofs: list[DatabaseProof] = []
    with witness_database(WitnessRun(connector(case.database), case.plan, KEY), lambda _: None) as witness:

        def judge() -> None:
            before_judging()
            proofs.append(witness.judge())

        case.rewrite(look=witness.look, prove=judge)
    return proofs[0]


def assert_silent(error: BaseException) -> None:
    """Nothing that a person or a log is shown of the error holds the value."""
    assert "canary" not in "".join(traceback.format_exception(error)).replace("test_witness", "")
    assert error.__cause__ is None
    assert error.__context__ is None


def test_an_error_while_the_originals_are_looked_at_shows_no_value(case: RewriteCase) -> None:
    case.execute(f"INSERT INTO heard VALUES (1, '{CANARY}')")

    with pytest.raises(CopyFailedError) as failure:
        prove(case)

    assert_silent(failure.value)
    assert case.rows("SELECT email FROM people WHERE id = 7") == [(CANARY,)]


def test_an_error_while_they_are_searched_for_shows_no_value(case: RewriteCase) -> None:
    def plant() -> None:
        case.execute(f"INSERT INTO heard VALUES (1, '{CANARY}')")

    with pytest.raises(CopyFailedError) as failure:
        prove(case, plant)

    assert_silent(failure.value)


def test_where_no_temporary_table_can_be_made_the_run_ends_before_a_row_is_masked(case: RewriteCase) -> None:
    with psycopg.connect(case.database.admin_dsn, autocommit=True) as admin:
        revoke = sql.SQL("REVOKE TEMP ON DATABASE {} FROM PUBLIC, {}, neon_superuser")
        admin.execute(revoke.format(sql.Identifier(case.database.name), sql.Identifier(OWNER)))

    with pytest.raises(CopyFailedError, match="may not do this") as failure:
        prove(case)

    assert_silent(failure.value)
    assert case.rows("SELECT email FROM people WHERE id = 7") == [(CANARY,)]


def test_who_does_not_get_in_is_told_so_without_the_server_s_words(case: RewriteCase) -> None:
    def connect(_: str | None) -> psycopg.Connection:
        return psycopg.connect(case.database.server.dsn(user="nobody", password=CANARY, dbname=case.database.name))

    with (
        pytest.raises(CopyFailedError, match="lost or refused") as failure,
        witness_database(WitnessRun(connect, case.plan, KEY), lambda _: None),
    ):
        pass

    assert_silent(failure.value)


def test_a_run_that_was_cut_off_and_had_no_witness_is_not_gone_on_with_by_one_that_has(case: RewriteCase) -> None:
    with pytest.raises(CutError):
        case.rewrite(prove=cut)

    with pytest.raises(UnfinishedRunError, match="left nothing to prove it with"):
        prove(case)


def test_what_a_run_saw_that_was_cut_off_before_it_changed_anything_is_looked_at_anew(case: RewriteCase) -> None:
    with witness_database(WitnessRun(connector(case.database), case.plan, KEY), lambda _: None) as witness:

        def look_and_be_cut() -> None:
            witness.look()
            cut()

        with pytest.raises(CutError):
            case.rewrite(look=look_and_be_cut)
    case.execute("UPDATE people SET email = 'later' || id || '@corp.invalid' WHERE id < 9")
    case.execute("INSERT INTO people VALUES (21, 'later21@corp.invalid')")
    case.execute("UPDATE notes SET extra = 'later8@corp.invalid'")

    proof = prove(case)

    name = case.plan.database
    assert proof.problems == (f"{name}.public.notes.extra holds 1 original value of {name}.public.people.email",)
    assert proof.rows == 22


@pytest.mark.parametrize("major", [14, 15, 16])
def test_an_original_beside_a_hex_string_in_json_is_found_on_every_version(
    make_database_on: Callable[[int], TestDatabase], major: int
) -> None:
    case = make_rewrite_case(make_database_on(major), PEOPLE, {"public.people.email": "email"})
    clean = prove(case)
    other = make_rewrite_case(make_database_on(major), PEOPLE, {"public.people.email": "email"})

    def plant() -> None:
        other.execute(f"""UPDATE notes SET body = '{{"hash": "5e1024ab", "who": "{CANARY}"}}'""")

    found = prove(other, plant)

    assert clean.problems == ()
    name = other.plan.database
    assert found.problems == (f"{name}.public.notes.body holds 1 original value of {name}.public.people.email",)
