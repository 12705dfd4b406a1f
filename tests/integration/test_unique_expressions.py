"""Unique indexes on what is computed of a masked column: it stays unique, or the plan refuses it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.errors import PlanError
from sanitizers.lossy import loses
from sanitizers.select import masked_select, set_key
from tests.integration.shapes_case import KEY, conn, make_plan

__all__ = ["conn"]

TABLE = """
CREATE TABLE t (id int PRIMARY KEY, x text);
CREATE UNIQUE INDEX told ON t ({});
INSERT INTO t SELECT n, repeat('x', n) || lpad(n::text, 5, '0') || '@x.de' FROM generate_series(1, 300) AS n;
"""
REFUSED = "the key (x) computes something of it, in which fakes may be equal: keep it, or shuffle it."
STRATEGIES = ('"email"', '"digest"', '"user_name"', '{ strategy = "full_name", unique = true }')


@pytest.mark.parametrize("strategy", STRATEGIES[1::2])
@pytest.mark.parametrize("expression", ["right(x, 11)", "length(x)", "(x::varchar(304))", "hashtext(x)"])
def test_what_cuts_or_counts_is_refused(expression: str, strategy: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(TABLE.format(expression).encode())

    with pytest.raises(PlanError) as refused:
        make_plan(conn, f'id = "keep"\nx = {strategy}')

    assert str(refused.value).endswith(REFUSED)


@pytest.mark.parametrize("strategy", [*STRATEGIES, '"shuffle"'])
def test_what_tells_fakes_apart_stays_unique(strategy: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(TABLE.format("lower(x)").encode())
    for expression in ("upper(TRIM(x))", "md5(x)", "(x || '-5% %')", "COALESCE(x, '')"):
        conn.execute(f"CREATE UNIQUE INDEX ON t ({expression})".encode())
    plan = make_plan(conn, f'id = "keep"\nx = {strategy}')
    conn.execute("CREATE TABLE after (LIKE t INCLUDING ALL)")
    set_key(conn, KEY)

    conn.execute(sql.SQL("INSERT INTO after {}").format(masked_select(plan.tables[0])))

    assert conn.execute("SELECT count(*) FROM after").fetchone() == (300,)


def test_what_is_cut_beside_a_key_or_shuffled_is_no_matter(conn: psycopg.Connection[Any]) -> None:
    conn.execute(TABLE.format("id, left(x, 5)").encode())
    conn.execute("CREATE TABLE u (x text); CREATE UNIQUE INDEX ON u (left(x, 5))")

    plan = make_plan(conn, '[db.public.t]\nid = "keep"\nx = "email"\n[db.public.u]\nx = "shuffle"')

    assert plan.tables


@pytest.mark.parametrize(
    ("expression", "lost"),
    [
        ('"left"(x, 5)', True),
        ("(n % 1000)", True),
        ("(x)::character varying(5)", True),
        ("shop.tidy(x)", True),
        ("lower((x)::text)", False),
        ("COALESCE(x, 'left(5)'::text)", False),
        ("CASE WHEN gone THEN NULL::text ELSE x END", False),
        ("", False),
    ],
)
def test_what_is_computed_is_told_by_what_it_calls(expression: str, lost: bool) -> None:
    assert loses(expression) is lost
