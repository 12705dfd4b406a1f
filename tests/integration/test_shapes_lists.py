"""Lists in a text, part by part."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from sanitizers.digests import set_key
from sanitizers.errors import PlanError
from sanitizers.select import masked_select
from tests.integration.shapes_case import conn, make_plan

__all__ = ["conn"]

DDL = """
CREATE TABLE t (id int, c text, d text, e text);
INSERT INTO t VALUES (1, 'ann@x.test, bob@y.test', 'ann@x.test', 'bob@y.test'),
  (2, 'ann@x.test,,bob@y.test,', 'x', 'y'), (3, NULL, NULL, NULL),
  (4, '', '', ''), (5, 'ann@x.test', 'x', 'y'), (6, ' , ', 'x', 'y');
"""
POLICY = """
id = "keep"
c = { strategy = "list", of = "email" }
d = "email"
e = "email"
"""


def test_each_part_gets_the_fake_of_the_value_and_the_shape_stays(conn: psycopg.Connection[Any]) -> None:
    conn.execute(DDL)
    plan = make_plan(conn, POLICY)
    set_key(conn, bytes(range(32)))

    rows = conn.execute(masked_select(plan.tables[0])).fetchall()

    ann, bob = rows[0][2], rows[0][3]
    assert [row[1] for row in rows] == [f"{ann}, {bob}", f"{ann},,{bob},", None, "", ann, ", "]
    assert "x.test" not in str(rows[:2])


def test_parts_must_fit(conn: psycopg.Connection[Any]) -> None:
    conn.execute(DDL)

    with pytest.raises(PlanError, match=r"\.c: list does not fit: of its parts the column is text, not date"):
        make_plan(conn, POLICY.replace('of = "email"', 'of = "date_shift"'))
