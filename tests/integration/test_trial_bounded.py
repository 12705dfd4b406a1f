"""The trial reads a bounded part of a table, whatever its rules say about rows, and still tries what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from sanitizers.trial import ALL_ROWS, try_plan
from tests.fix_postgres import TestDatabase

ROWS, MOST_READ = 400_000, 250_000
LARGE = f"""
CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, kind text);
CREATE TABLE notes (id int, person int REFERENCES people, body text);
INSERT INTO people SELECT n, n || '@corp.test', 'old' FROM generate_series(1, {ROWS}) AS n;
INSERT INTO notes SELECT n, n, 'text' FROM generate_series(1, {ROWS}) AS n;
ANALYZE;
"""
POLICY = """version = 1
[[columns]]
match = "*.email"
strategy = "email"
[[columns]]
match = "*"
strategy = "keep"
"""


@pytest.fixture
def conn(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.dsn, autocommit=True) as opened:
        yield opened


def problems(conn: psycopg.Connection[Any], rules: str) -> tuple[str, ...]:
    (plan,) = compile_plan([read_schema(conn)], parse_policy(POLICY + rules, "m")).databases
    return try_plan(conn, plan)


def read(conn: psycopg.Connection[Any]) -> dict[str, int]:
    """Rows that scans of each table have looked at so far."""
    conn.execute("SELECT pg_stat_force_next_flush()")
    return dict(
        conn.execute("SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables").fetchall()
    )


@pytest.mark.parametrize(
    "rules",
    [
        '[[tables]]\nmatch = "*.people"\nrows = "id < 0"\n',
        '[[tables]]\nmatch = "*.people"\nrows = "kind = \'new\'"\n',
        '[[tables]]\nmatch = "*.people"\nrows = "0.01%"\n',
    ],
)
def test_rows_that_are_few_are_not_looked_for_in_all_of_a_table(conn: psycopg.Connection[Any], rules: str) -> None:
    conn.execute(LARGE.encode())
    before = read(conn)

    found = problems(conn, rules)

    after = read(conn)
    assert found == ()
    assert {name for name in after if after[name] - before.get(name, 0) > MOST_READ} == set()


def test_a_row_whose_reference_is_cut_is_tried_like_one_whose_reference_stays(conn: psycopg.Connection[Any]) -> None:
    conn.execute(
        """CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, boss int REFERENCES people,
          CONSTRAINT led CHECK (boss IS NOT NULL OR id < 10));
        INSERT INTO people SELECT n, n || '@corp.test', greatest(n - 1, 1) FROM generate_series(1, 2000) AS n"""
    )

    (problem,) = problems(conn, '[[tables]]\nmatch = "*.people"\nrows = "id > 1500"\n')

    assert "check led would be broken" in problem


def test_a_link_between_types_that_cannot_be_compared_is_found(conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE); CREATE TABLE notes (person text)")

    ends = (
        f'{end} = "{conn.info.dbname}.public.{name}"' for end, name in (("from", "notes.person"), ("to", "people.id"))
    )
    found = problems(conn, '[[tables]]\nmatch = "*.people"\nrows = "50%"\n[[links]]\n' + "\n".join(ends))

    assert any("operator does not exist" in problem for problem in found)


def test_of_each_of_many_tables_fewer_rows_are_tried_than_of_one(conn: psycopg.Connection[Any]) -> None:
    tables, rows = 60, ALL_ROWS // 60 + 1000
    conn.execute("CREATE TABLE t0 (email text CHECK (email LIKE '%@corp.test'))")
    conn.execute(f"INSERT INTO t0 SELECT n || '@corp.test' FROM generate_series(1, {rows}) AS n".encode())
    (alone,) = problems(conn, "")
    conn.execute("".join(f"CREATE TABLE t{n} (email text);" for n in range(1, tables)).encode())

    (among_many,) = problems(conn, "")

    assert alone.endswith(f" in {rows} of {rows} rows that were tried.")
    assert among_many.endswith(f" in {ALL_ROWS // tables} of {ALL_ROWS // tables} rows that were tried.")
