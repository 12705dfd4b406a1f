"""A table of as many columns as Postgres allows is tried and masked, or refused with a sentence."""

from __future__ import annotations

from typing import Any

import psycopg

from sanitizers.plan import DatabasePlan
from sanitizers.trial import try_plan
from tests.integration.shapes_case import conn, make_plan, rows_of

__all__ = ["conn"]

MOST_COLUMNS = 1600


def widest(conn: psycopg.Connection[Any], strategy: str) -> DatabasePlan:
    names = [f"c{n}" for n in range(1, MOST_COLUMNS)]
    conn.execute(f"CREATE TABLE t (id int, {', '.join(f'{name} varchar(8)' for name in names)})".encode())
    conn.execute("INSERT INTO t (id, c1, c2, c1599) VALUES (1, 'zq1', 'zq2', 'zq3')")
    return make_plan(conn, 'id = "keep"\n' + "\n".join(f'{name} = "{strategy}"' for name in names))


def test_all_columns_of_the_widest_table_can_be_emptied(conn: psycopg.Connection[Any]) -> None:
    plan = widest(conn, "null")

    assert try_plan(conn, plan) == ()
    assert set(rows_of(conn, plan)[0].values()) == {1, None}


def test_more_digests_than_a_query_has_room_for_are_refused_with_what_helps(conn: psycopg.Connection[Any]) -> None:
    (problem,) = try_plan(conn, widest(conn, "city"))

    assert "SQLSTATE 54011" in problem
    assert "keep some, or make them NULL" in problem
