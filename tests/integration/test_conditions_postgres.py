"""What passes as a harmless expression is one expression to Postgres as well, which reads no more than its row."""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.conditions import condition_problem
from tests.integration.shapes_case import conn
from tests.unit.test_conditions import COLUMNS, HARMLESS

__all__ = ["conn"]

TABLE = """
CREATE TABLE t (id int, email text, postcode text, born timestamp, "Full Name" text, date date, tags text[],
  doc jsonb, "user" text, u int, e int, filter int, "grün" text)
"""


@pytest.mark.parametrize("text", HARMLESS.strip().splitlines())
def test_harmless_expressions_are_planned_over_one_table_alone(text: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(TABLE)
    assert condition_problem(text, COLUMNS) is None

    plan = conn.execute(sql.SQL("EXPLAIN (COSTS OFF) SELECT ({}) AS x FROM t").format(sql.SQL(text))).fetchall()

    assert plan == [("Seq Scan on t",)]


PIECES = (
    *("id", "email", '"Full Name"', "date", "tags", "doc", "u", "e", "filter", "user", "born", "1", "2.5", "1e3"),
    *(
        "'a'",
        "'1'",
        "'{}'",
        "'$'",
        "null",
        "true",
        "day",
        "year",
        "current_date",
        "end",
        "interval",
        "timestamp",
        "date",
    ),
    *(
        "(",
        ")",
        "(",
        ")",
        "[",
        "]",
        ",",
        ":",
        "::",
        "+",
        "-",
        "*",
        "/",
        "||",
        "=",
        "<",
        "->",
        "->>",
        "@>",
        "~",
        "#",
        "&",
    ),
    *("and", "or", "not", "is", "in", "like", "between", "case", "when", "then", "else", "any", "all", "array", "row"),
    *("collate", '"C"', "at time zone", "as", "from", "for", "both", "escape", "similar to", "symmetric", "distinct"),
    *("lower", "coalesce", "cast", "extract", "trim", "substring", "position", "to_char", "jsonb_build_object", "text"),
    *(
        "int",
        "varchar",
        "numeric",
        "regclass",
        "t",
        "public",
        ".",
        "select",
        "table",
        ";",
        "--",
        "/*",
        "*/",
        "\n",
        "$$",
    ),
)


def test_whatever_passes_is_one_value_of_one_table_or_no_sql_at_all(conn: psycopg.Connection[Any]) -> None:
    conn.execute(TABLE)
    conn.execute("CREATE TABLE other (secret text)")
    chance = random.Random(7)  # noqa: S311  no secret: the same texts in every run
    planned = 0
    for _ in range(30_000):
        text = chance.choice((" ", "", " ")).join(chance.choices(PIECES, k=chance.randint(1, 9)))
        if condition_problem(text, COLUMNS) is None:
            planned += _planned_over_one_table(conn, text)

    assert planned > 50


def _planned_over_one_table(conn: psycopg.Connection[Any], text: str) -> bool:
    """Whether Postgres takes it; in a place without brackets of its own, where breaking out is easiest."""
    query = sql.SQL("EXPLAIN (COSTS OFF, VERBOSE) SELECT {} AS x FROM t").format(sql.SQL(text))
    try:
        plan = [line for (line,) in conn.execute(query)]
    except psycopg.Error:
        return False
    assert plan[0] == "Seq Scan on public.t", text
    assert not any("SubPlan" in line or "InitPlan" in line or "Scan" in line for line in plan[1:]), text
    described = conn.execute(sql.SQL("SELECT {} AS x FROM t LIMIT 0").format(sql.SQL(text))).description
    assert [column.name for column in described or ()] == ["x"], text
    return True
