"""The proof where the source lets nobody make a table in it, and where the policy keeps values on purpose."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import Case, make_case

PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text UNIQUE, staff boolean NOT NULL);
CREATE TABLE notes (id int PRIMARY KEY, body text);
CREATE TABLE sessions (id int PRIMARY KEY, token text);
INSERT INTO people SELECT n, 'Theodora Papadimitriou' || n, 'theodora' || n || '@mail.invalid', n = 1
FROM generate_series(1, 20) n;
INSERT INTO people VALUES (21, 'Michael Johnson', 'ops@team.invalid', false);
INSERT INTO notes VALUES (1, 'nothing');
INSERT INTO sessions VALUES (1, 'session-secret-1');
"""
MASKED = {"public.people.name": "full_name", "public.people.email": "email"}


@pytest.fixture
def case(make_database: Callable[[], TestDatabase]) -> Case:
    case = make_case(make_database, PEOPLE, MASKED)
    case.copy()
    with psycopg.connect(case.source.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("REVOKE TEMP ON DATABASE {} FROM PUBLIC").format(sql.Identifier(case.source.name)))
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(sql.Identifier(case.source.name))
        )
    return case


def test_a_source_in_which_nothing_can_be_made_is_searched_for_all_the_same(case: Case) -> None:
    clean = case.verify()
    case.execute("UPDATE notes SET body = 'theodora7@mail.invalid'; COMMENT ON TABLE notes IS 'theodora8@mail.invalid'")

    problems = case.verify().problems

    assert (clean.problems, clean.searched) == ((), 42)
    assert [p for p in problems if "definition" not in p] == [
        f"{case.plan.database}.public.notes.body holds 1 original value of {case.plan.database}.public.people.email"
    ]
    assert len(problems) == 2


def test_what_a_pool_can_produce_proves_nothing_there_either(case: Case) -> None:
    case.execute("UPDATE people SET name = 'Michael Johnson' WHERE id = 3; COMMENT ON TABLE notes IS 'Michael Johnson'")

    proof = case.verify()

    assert proof.problems == ()
    assert [c.by_chance for c in proof.columns] == [1, 0]


def test_values_that_the_policy_keeps_are_no_residue_and_others_still_are(
    make_database: Callable[[], TestDatabase],
) -> None:
    kept = {"strategy": "email", "keep_values": ["*@team.invalid"], "keep_if": "staff"}
    case = make_case(make_database, PEOPLE, {"public.people.email": kept})
    case.copy()
    clean = case.verify()
    case.execute("UPDATE notes SET body = 'theodora2@mail.invalid'")

    problems = case.verify().problems

    assert clean.problems == ()
    assert clean.searched == 19
    assert [p.split(" ")[0] for p in problems] == [f"{case.plan.database}.public.notes.body"]
