"""The trial asks as little as it can, and says about the plan only what is the plan's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import psycopg
import pytest
from psycopg import sql

from sanitizers.trial import MOST_CULPRITS, MOST_SHUFFLES, try_plan
from tests.fix_postgres import TestDatabase
from tests.integration.shapes_case import conn, make_plan

__all__ = ["conn"]


class CountingConnection(psycopg.Connection[Any]):
    """Counts what it is asked."""

    asked: ClassVar[int] = 0

    def execute(self, *args: Any, **options: Any) -> psycopg.Cursor[Any]:
        CountingConnection.asked += 1
        return super().execute(*args, **options)


@pytest.fixture
def counting(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with CountingConnection.connect(database.dsn, autocommit=True) as opened:
        yield opened


def wide(columns: int, kind: str = "int") -> str:
    return f"CREATE TABLE t ({', '.join(f'c{n} {kind}' for n in range(columns))}); INSERT INTO t DEFAULT VALUES"


def asked_for(counting: psycopg.Connection[Any], policy: str) -> int:
    plan = make_plan(counting, policy)
    before = CountingConnection.asked
    assert try_plan(counting, plan) == ()
    return CountingConnection.asked - before


def test_a_table_more_that_passes_is_one_question_more(counting: psycopg.Connection[Any]) -> None:
    counting.execute("CREATE TABLE t (id int CHECK (id > 0), c text NOT NULL, d text)")
    counting.execute("CREATE TABLE u (LIKE t INCLUDING ALL)")
    kept, masked = ('id = "keep"\nc = "keep"\nd = "keep"\n', 'id = "digest"\nc = "city"\nd = "shuffle"\n')

    one = asked_for(counting, f"[db.public.t]\n{masked}[db.public.u]\n{kept}")
    two = asked_for(counting, f"[db.public.t]\n{masked}[db.public.u]\n{masked}")

    assert two - one == 1


def test_the_bad_columns_among_many_are_named_and_no_other(conn: psycopg.Connection[Any]) -> None:
    conn.execute(wide(200).encode())
    bad = '{ strategy = "sql", expression = "value || 1" }'
    policy = "\n".join(f"c{n} = {bad if n in {3, 4, 177} else repr('digest')}" for n in range(200))

    problems = try_plan(conn, make_plan(conn, policy.replace("'", '"')))

    named = [problem.partition(".t: ")[2].partition(":")[0] for problem in problems]
    assert named == ["c3", "c4", "c177"]


def test_where_all_columns_are_bad_the_first_are_named(conn: psycopg.Connection[Any]) -> None:
    conn.execute(wide(60).encode())

    policy = "\n".join(f'c{n} = {{ strategy = "sql", expression = "c{n} || 1" }}' for n in range(60))

    problems = try_plan(conn, make_plan(conn, policy))

    assert len(problems) == MOST_CULPRITS


def test_more_columns_than_a_query_can_have_are_told_in_words(conn: psycopg.Connection[Any]) -> None:
    conn.execute(wide(900).encode())

    [problem] = try_plan(conn, make_plan(conn, "\n".join(f'c{n} = "digest"' for n in range(900))))

    assert "more columns than a query can have" in problem


def test_a_table_with_too_many_shuffles_is_refused_and_not_planned_for_hours(conn: psycopg.Connection[Any]) -> None:
    conn.execute(wide(MOST_SHUFFLES + 1).encode())
    each = "\n".join(f'c{n} = "shuffle"' for n in range(1, MOST_SHUFFLES + 1))

    [problem] = try_plan(conn, make_plan(conn, f'c0 = "shuffle"\n{each}'))

    assert f"{MOST_SHUFFLES + 1} columns are shuffled each for itself" in problem
    assert try_plan(conn, make_plan(conn, f'c0 = "keep"\n{each}')) == ()


def test_row_security_is_blamed_on_the_role_and_not_on_a_strategy(
    conn: psycopg.Connection[Any], database: TestDatabase
) -> None:
    conn.execute("CREATE TABLE t (c text); INSERT INTO t VALUES ('x'); ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    plan = make_plan(conn, 'c = "city"')

    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        name = sql.Identifier(f"reader_{database.name}")
        admin.execute(sql.SQL("CREATE ROLE {} IN ROLE pg_read_all_data").format(name))
        admin.execute(sql.SQL("SET ROLE {}").format(name))
        [problem] = try_plan(admin, plan)
        admin.execute(sql.SQL("RESET ROLE; DROP ROLE {}").format(name))

    assert "row-level security hides rows" in problem
    assert "city" not in problem


def test_forced_row_security_is_told_to_the_owner_with_what_helps(
    conn: psycopg.Connection[Any], database: TestDatabase
) -> None:
    role = f"owner_{database.name}"
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role}; GRANT ALL ON SCHEMA public TO {role}".encode())
        admin.execute(f"SET ROLE {role}; CREATE TABLE t (c text); INSERT INTO t VALUES ('x')".encode())
        admin.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        [problem] = try_plan(admin, plan := make_plan(conn, 'c = "city"'))
        admin.execute("ALTER TABLE t NO FORCE ROW LEVEL SECURITY")
        helped = try_plan(admin, plan)
        admin.execute(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}".encode())

    assert problem.endswith(
        "public.t: row-level security is forced on it, so that it hides rows from its owner, too: run ALTER TABLE"
        f' "public"."t" NO FORCE ROW LEVEL SECURITY as {role} and FORCE it again afterwards, or ALTER ROLE {role}'
        " BYPASSRLS as a superuser."
    )
    assert helped == ()


def test_who_cancels_or_locks_is_no_problem_of_the_plan(conn: psycopg.Connection[Any], database: TestDatabase) -> None:
    conn.execute("CREATE TABLE t (c text)")
    plan = make_plan(conn, 'c = "city"')
    conn.execute("SET lock_timeout = '100ms'")

    with psycopg.connect(database.dsn) as other:
        other.execute("LOCK TABLE t")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            try_plan(conn, plan)

    assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize(("low", "broken"), [('"shuffle"', True), ('{ strategy = "shuffle", with = ["high"] }', False)])
def test_a_check_that_compares_shuffled_columns_holds_only_where_they_move_together(
    low: str, broken: bool, conn: psycopg.Connection[Any]
) -> None:
    conn.execute("CREATE TABLE t (low int NOT NULL, high int, CONSTRAINT ordered CHECK (low < high AND low > 0))")
    conn.execute("INSERT INTO t SELECT n, n + 1 FROM generate_series(1, 50) n")
    high = low.replace("high", "low")

    problems = try_plan(conn, make_plan(conn, f"low = {low}\nhigh = {high}"))

    assert [("check ordered would be broken by low (shuffle), high (shuffle)" in p) for p in problems] == [
        True
    ] * broken


def test_what_is_computed_of_the_tables_own_number_can_be_tried(conn: psycopg.Connection[Any]) -> None:
    conn.execute(
        """CREATE TABLE t (c int, whose oid GENERATED ALWAYS AS (tableoid) STORED, CHECK (tableoid > 0 AND c > 0));
        INSERT INTO t VALUES (1)"""
    )

    assert try_plan(conn, make_plan(conn, 'c = "digest"')) == ()
    assert len(try_plan(conn, make_plan(conn, 'c = { strategy = "constant", value = -1 }'))) == 1
