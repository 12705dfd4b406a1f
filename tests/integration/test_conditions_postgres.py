"""What passes as a harmless expression is one expression to Postgres as well, which reads no more than its row."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.conditions import condition_problem
from tests.integration.shapes_case import conn
from tests.unit.test_conditions import COLUMNS, HARMLESS

__all__ = ["conn"]


@pytest.mark.parametrize("text", HARMLESS.strip().splitlines())
def test_harmless_expressions_are_planned_over_one_table_alone(text: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(
        """CREATE TABLE t (id int, email text, postcode text, born timestamp, "Full Name" text, date date, tags text[],
        doc jsonb, "user" text, u int, e int, filter int, "grün" text)"""
    )
    assert condition_problem(text, COLUMNS) is None

    plan = conn.execute(sql.SQL("EXPLAIN (COSTS OFF) SELECT ({}) AS x FROM t").format(sql.SQL(text))).fetchall()

    assert plan == [("Seq Scan on t",)]
