"""Rows that are chosen by way of long chains of references: statements stay short, plans small, and subsets closed."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from sanitizers.plan import TablePlan, compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import ForeignKey, Schema, read_schema
from sanitizers.select import masked_select
from sanitizers.subset import DEEP
from tests.integration.test_select_subset import Taken, taken
from tests.unit.test_plan import column, table

__all__ = ["taken"]

KEEP = '[[columns]]\nmatch = "*"\nstrategy = "keep"\n'
FIRST_ROWS = f'version = 1\n[[tables]]\nmatch = "t0"\nrows = "id <= 30"\n{KEEP}'
LENGTH = 3 * DEEP + 2


def _chain(length: int) -> Schema:
    members = (column("id", "int", not_null=True), column("parent", "int"))
    key = (("id",),)
    tables = [table("t0", *members, unique_keys=key, identities=key)]
    for n in range(1, length):
        parent = (ForeignKey(("parent",), "public", f"t{n - 1}", ("id",)),)
        tables.append(table(f"t{n}", *members, unique_keys=key, identities=key, whole_foreign_keys=parent))
    return Schema("neondb", tuple(tables))


def _ddl(length: int) -> str:
    parts = ["CREATE TABLE t0 (id int PRIMARY KEY, parent int)"]
    parts += [f"CREATE TABLE t{n} (id int PRIMARY KEY, parent int REFERENCES t{n - 1})" for n in range(1, length)]
    rows = "INSERT INTO t{} SELECT i, nullif(i, {}) FROM generate_series(1, 100) AS i"
    return ";".join([*parts, *(rows.format(n, 50 + n) for n in range(length))])


def _last(schema: Schema) -> TablePlan:
    tables = compile_plan([schema], parse_policy(FIRST_ROWS, "masking.toml")).databases[0].tables
    return next(t for t in tables if t.table.name == f"t{len(tables) - 1}")


def _explain(conn: psycopg.Connection[Any], query: Any) -> dict[str, Any]:
    row = conn.execute(psycopg.sql.SQL("EXPLAIN (FORMAT JSON) {}").format(query)).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0][0]["Plan"]
    return found


def test_a_statement_grows_by_the_same_for_each_table_of_a_chain() -> None:
    short, middle, long = (len(masked_select(_last(_chain(n))).as_string()) for n in (25 * DEEP, 35 * DEEP, 45 * DEEP))

    assert middle - short == long - middle


def test_what_all_tables_of_a_chain_are_chosen_with_is_composed_once() -> None:
    plan = compile_plan([_chain(300)], parse_policy(FIRST_ROWS, "masking.toml"))

    given = [one for table in plan.databases[0].tables for one in table.rows.given]

    assert len({id(one) for one in given}) == 299
    assert len(given) == 299 * 300 // 2


def test_only_the_first_tables_of_a_long_chain_are_planned_together(database: Any) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(_ddl(LENGTH))

        plan = json.dumps(_explain(conn, masked_select(_last(read_schema(conn)))))

    assert plan.count('"Subplan Name": "CTE ') == LENGTH - DEEP


def test_postgres_expects_no_more_rows_at_the_end_of_a_chain_than_the_table_has(database: Any) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(_ddl(LENGTH))  # nothing is analyzed
        last = _last(read_schema(conn))

        whole = _explain(conn, psycopg.sql.SQL("SELECT FROM {}").format(psycopg.sql.Identifier(last.table.name)))

        assert _explain(conn, masked_select(last))["Plan Rows"] <= whole["Plan Rows"]


def test_a_subset_is_closed_at_the_end_of_a_long_chain(taken: Taken) -> None:
    rows = taken(_ddl(LENGTH), f'[[tables]]\nmatch = "t0"\nrows = "id <= 30"\n{KEEP}')

    ids = {name: {r["id"] for r in found} for name, found in rows.items()}
    expected = set(range(1, 31))
    for n in range(1, LENGTH):
        expected |= {50 + n}  # this one refers to nothing
        assert {(i, None if i == 50 + n else i) for i in expected} == {(r["id"], r["parent"]) for r in rows[f"t{n}"]}
        expected = expected & ids[f"t{n}"]


def test_keys_of_two_columns_circles_and_links_are_followed_at_the_end_of_a_long_chain(
    taken: Taken, database: Any
) -> None:
    last = DEEP - 2
    ddl = f"""
    {_ddl(last + 1)};
    CREATE TABLE pairs (a int REFERENCES t{last}, b text, again int, "like" text, PRIMARY KEY (a, b),
      FOREIGN KEY (again, b) REFERENCES pairs);
    CREATE TABLE leaves (id int PRIMARY KEY, a int, b text, FOREIGN KEY (a, b) REFERENCES pairs);
    CREATE TABLE notes (b text);
    INSERT INTO pairs SELECT i, 'b' || i % 3, nullif((i + 3) % 90, 0), 'l' || i FROM generate_series(1, 90) AS i;
    INSERT INTO leaves SELECT i, i, 'b' || i % 3 FROM generate_series(1, 90) AS i;
    INSERT INTO notes SELECT 'l' || i FROM generate_series(1, 90) AS i, generate_series(1, 2)
    """
    name = f"{database.name}.public"
    link = f'[[links]]\nfrom = "{name}.notes.b"\nto = "{name}.pairs.like"\n'

    rows = taken(ddl, f'[[tables]]\nmatch = "t0"\nrows = "id <= 30"\n{link}{KEEP}')

    chosen = {*range(1, 31), *range(51, 51 + last)}
    assert chosen == {r["a"] for r in rows["pairs"]}
    assert {i if i in chosen else None for i in (c + 3 for c in chosen)} == {r["again"] for r in rows["pairs"]}
    assert chosen == {r["id"] for r in rows["leaves"]}
    assert sorted(f"l{i}" for i in chosen for _ in range(2)) == sorted(r["b"] for r in rows["notes"])
