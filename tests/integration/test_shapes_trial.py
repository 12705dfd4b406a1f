"""A plan is tried on the database before anything is made, and no value is told."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.trial import try_plan
from tests.fix_postgres import TestDatabase
from tests.integration.shapes_case import conn, make_plan

__all__ = ["conn"]

CANARY = "canary-7f3a"


def tried(conn: psycopg.Connection[Any], ddl: str, policy: str) -> tuple[str, ...]:
    conn.execute(ddl.encode())
    before = conn.execute("SELECT count(*) FROM pg_class").fetchone()

    problems = try_plan(conn, make_plan(conn, policy))

    assert before == conn.execute("SELECT count(*) FROM pg_class").fetchone()
    assert CANARY not in "\n".join(problems)
    return tuple(problem.partition(".t: ")[2] for problem in problems)


def people(column: str, value: str, more: str = "") -> str:
    return f"CREATE TABLE t (id int, c {column}{more}); INSERT INTO t VALUES (1, {value}), (2, {value})"


@pytest.mark.parametrize(
    ("ddl", "strategy", "problems"),
    [
        (people("text", f"'{CANARY}'"), '"city"', ()),
        (
            people("text", f"'{CANARY}@x'", ", CONSTRAINT at CHECK (c LIKE '%@%' AND id > 0)"),
            '"city"',
            ("check at would be broken by c (city) in 2 of 2 rows that were tried.",),
        ),
        (people("text", f"'{CANARY}@x'", ", CONSTRAINT at CHECK (c LIKE '%@%')"), '"email"', ()),
        (people("text", f"'{CANARY}'", ", CONSTRAINT n CHECK (id > 0)"), '"city"', ()),
        (
            f"CREATE DOMAIN at AS text CONSTRAINT sign CHECK (VALUE ~ '@'); {people('at', repr(CANARY + '@x'))}",
            '"city"',
            ("c: city does not fit: it fails on a row that was tried: CheckViolation (SQLSTATE 23514), constraint",),
        ),
        (
            people("text NOT NULL", f"'{CANARY}'"),
            '{ strategy = "sql", expression = "nullif(c, c)" }',
            ("c is NOT NULL and sql leaves it NULL in 2 of 2 rows that were tried.",),
        ),
        (
            people("numeric(3, 1)", "1.5"),
            '{ strategy = "sql", expression = "c * 1000" }',
            ("c: sql does not fit: it fails on a row that was tried: NumericValueOutOfRange (SQLSTATE 22003)",),
        ),
        (
            people("text", f"'{CANARY}'"),
            '{ strategy = "sql", expression = "c::int::text" }',
            ("c: sql does not fit: it fails on a row that was tried: InvalidTextRepresentation (SQLSTATE 22P02)",),
        ),
        (
            people("text", f"'{CANARY}'"),
            '{ strategy = "sql", expression = "c + 1 > 2" }',
            ("c: sql does not fit: operator does not exist: text + integer (SQLSTATE 42883).",),
        ),
        (
            people("int[]", "'{1}'"),
            '{ strategy = "sql", expression = "id > 0" }',
            ("c: sql does not fit: cannot cast type boolean to integer[] (SQLSTATE 42846).",),
        ),
        (
            people("int", "1") + "; CREATE INDEX more ON t ((c * 999999))",
            '"digest"',
            ("it cannot be told whether index more can be made of the fakes: it fails on a row that was tried: Num",),
        ),
        (
            people("int", "1") + "; CREATE STATISTICS more ON (c * 999999), id FROM t",
            '"digest"',
            ("it cannot be told whether statistics more can be made of the fakes: it fails on a row that was",),
        ),
        (people("int", "1") + "; CREATE INDEX doubled ON t ((id * 2)) WHERE id > 0", '"digest"', ()),
        (
            people("text", f"'{CANARY}'", ", g text GENERATED ALWAYS AS (left(c, 3)) STORED CHECK (g LIKE 'c%')"),
            '{ strategy = "constant", value = "X" }',
            ("check t_g_check would be broken by columns that are generated from masked ones in 2 of 2",),
        ),
        (
            people("int", "1", ", CONSTRAINT later CHECK (c > 0)") + "; ALTER TABLE t DROP CONSTRAINT later;"
            " ALTER TABLE t ADD CONSTRAINT later CHECK (c > 0) NOT VALID",
            '{ strategy = "constant", value = -1 }',
            (),
        ),
    ],
)
def test_what_rows_and_types_forbid_is_told_by_name(
    ddl: str, strategy: str, problems: tuple[str, ...], conn: psycopg.Connection[Any]
) -> None:
    found = tried(conn, ddl, f'id = "keep"\nc = {strategy}')

    assert [said[: len(problem)] for said, problem in zip(found, problems, strict=True)] == list(problems)


FUNCTIONS = """
CREATE FUNCTION calm(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT left($1, 1)';
CREATE FUNCTION wild(text) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT left($1, 1)';
CREATE FUNCTION many(text) RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT $1';
CREATE FUNCTION equal(t text, i int) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT true';
CREATE OPERATOR = (FUNCTION = equal, LEFTARG = text, RIGHTARG = int);
CREATE FUNCTION plus(t text, i int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE OPERATOR + (FUNCTION = plus, LEFTARG = text, RIGHTARG = int);
CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''stolen''';
CREATE TABLE t (id int, c varchar); INSERT INTO t VALUES (1, 'x');
"""


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("public.calm(c)", None),
        ("public.wild(c)", "public.wild is VOLATILE"),
        ("public.many(c)", "public.many is no plain function"),
        ("public.none(c)", "there is no function public.none"),
        ("(c::text = 1)::text", "operator = may call public.equal, which is VOLATILE"),
        ("c::text + 1", "operator + may call public.plus, which the policy does not declare"),
        ("lower(c)", "lower() may call public.lower, which the policy does not declare"),
        ("upper(c)", None),
    ],
)
def test_what_may_not_be_called_is_told_and_not_called(
    expression: str, problem: str | None, conn: psycopg.Connection[Any]
) -> None:
    declared = '["public.calm", "public.wild", "public.many", "public.none"]'

    found = tried(
        conn, FUNCTIONS, f'id = "keep"\nc = {{ strategy = "sql", expression = "{expression}", functions = {declared} }}'
    )

    assert found == () if problem is None else (found[0].startswith(f"c (sql): {problem}") and len(found) == 1)


def test_conditions_and_derived_columns_are_tried_too(conn: psycopg.Connection[Any]) -> None:
    policy = """[db.public.t]
    id = "keep"
    c = { strategy = "city", keep_if = "c::text = 1" }
    d = { strategy = "derived", expression = "to_tsvector('nowhere', c)" }
    """

    assert "keep" not in tried(conn, FUNCTIONS + "ALTER TABLE t ADD d tsvector", policy)[0]


def test_a_shuffle_and_an_empty_table_are_tried_without_reading_everything(conn: psycopg.Connection[Any]) -> None:
    assert tried(conn, people("int", "1", ", CHECK (c > 0)"), 'id = "shuffle"\nc = "shuffle"') == ()
    conn.execute("TRUNCATE t")
    assert try_plan(conn, make_plan(conn, 'id = "keep"\nc = { strategy = "constant", value = -1 }')) == ()


def test_the_session_is_left_as_it_was(conn: psycopg.Connection[Any]) -> None:
    tried(conn, people("text", "'x'"), 'id = "keep"\nc = "city"')

    assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert conn.execute("SELECT coalesce(current_setting('branchwarden.key', true), '')").fetchone() == ("",)
    conn.execute("CREATE TABLE still_writable ()")


def test_a_role_that_may_only_read_can_try(conn: psycopg.Connection[Any], database: TestDatabase) -> None:
    conn.execute(people("text", f"'{CANARY}'", ", CONSTRAINT at CHECK (c LIKE 'c%')").encode())
    plan = make_plan(conn, 'id = "keep"\nc = "city"')

    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        name = sql.Identifier(f"reader_{database.name}")
        admin.execute(sql.SQL("CREATE ROLE {} IN ROLE pg_read_all_data").format(name))
        admin.execute(sql.SQL("REVOKE TEMP ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database.name)))
        admin.execute(sql.SQL("SET ROLE {}").format(name))
        admin.execute("SET default_transaction_read_only = on")
        [problem] = try_plan(admin, plan)
        admin.execute("RESET ROLE; RESET default_transaction_read_only")
        admin.execute(sql.SQL("DROP ROLE {}").format(name))

    assert "check at would be broken by c (city) in 2 of 2 rows" in problem


def test_the_proof_reads_no_more_rows_than_it_needs(conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE TABLE t (c text CHECK (c LIKE 'x%')); INSERT INTO t SELECT 'x' FROM generate_series(1, 30000)")

    [problem] = try_plan(conn, make_plan(conn, 'c = "digest"'))

    assert problem.endswith(" of 20000 rows that were tried.")
