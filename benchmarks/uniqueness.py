"""Collisions of unique columns: many rows, each strategy that says its fakes stay unique, and how many fakes differ.

    python benchmarks/uniqueness.py [--rows 10000000]

Each strategy masks a column with a UNIQUE constraint, so that the plan demands what it demands of anybody. The fakes
are counted by the server as the unique index would compare them; those of mail addresses also in lower case. What the
plan refuses for that many rows is told, and counted with as many as it takes. Exit code 1 when two originals ever got
one fake.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table
from servers import DATABASE, Side, two_sides

from sanitizers.errors import PlanError
from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import MaskingPolicy
from sanitizers.schema import Schema, read_schema
from sanitizers.select import masked_select, set_key

SCHEMA = """
CREATE TABLE people (
  id bigint NOT NULL, login text UNIQUE, short varchar(40) UNIQUE, number bigint UNIQUE, small integer UNIQUE,
  token uuid UNIQUE, address inet UNIQUE
);
CREATE UNIQUE INDEX ON people (lower(login));
"""
ROWS = """
INSERT INTO people SELECT n, 'person' || n || '@mail.invalid', 'p' || n, n * 7919, n, md5(n::text)::uuid,
  '10.0.0.0'::inet + n
FROM generate_series(1::bigint, %s) AS n
"""
STRATEGIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("login", {"strategy": "email"}),
    ("short", {"strategy": "email"}),
    ("login", {"strategy": "user_name"}),
    ("login", {"strategy": "full_name", "unique": True}),
    ("login", {"strategy": "phone", "digits": 20}),
    ("login", {"strategy": "phone", "digits": 16}),
    ("login", {"strategy": "card", "unique": True}),
    ("login", {"strategy": "iban"}),
    ("login", {"strategy": "vin"}),
    ("login", {"strategy": "url"}),
    ("login", {"strategy": "hostname"}),
    ("login", {"strategy": "digest"}),
    ("number", {"strategy": "digest"}),
    ("number", {"strategy": "permute"}),
    ("small", {"strategy": "permute"}),
    ("token", {"strategy": "digest"}),
    ("address", {"strategy": "ip", "unique": True}),
)


def plan_of(schema: Schema, rows: int, column: str, strategy: dict[str, Any]) -> DatabasePlan:
    """The plan of a table that is said to have so many rows."""
    (table,) = schema.tables
    columns = {c.name: strategy if c.name == column else {"strategy": "keep"} for c in table.columns}
    policy = {"version": 1, "databases": {DATABASE: {"public": {"people": columns}}}}
    sized = replace(schema, tables=(replace(table, row_estimate=rows),))
    return compile_plan([sized], MaskingPolicy.model_validate(policy)).databases[0]


def most_rows(schema: Schema, rows: int, column: str, strategy: dict[str, Any]) -> int:
    """As many of the rows as a plan takes, by halves."""
    least, most = 0, rows + 1
    while most - least > 1:
        between = (least + most) // 2
        try:
            plan_of(schema, between, column, strategy)
            least = between
        except PlanError:
            most = between
    return least


def different(side: Side, plan: DatabasePlan, column: str, rows: int) -> tuple[int, int]:
    """How many fakes of the first rows differ, as they are and in lower case."""
    name = sql.Identifier(column)
    counted = sql.SQL(
        "SELECT count(*), count(DISTINCT lower(v))"
        " FROM (SELECT {}::text AS v FROM ({}) m WHERE m.id <= {} GROUP BY 1) g"
    )
    with side.connect() as conn:
        conn.execute("SET work_mem = '512MB'")
        set_key(conn, os.urandom(32))
        row = conn.execute(counted.format(name, masked_select(plan.tables[0]), sql.Literal(rows))).fetchone()
    assert row is not None
    return row[0], row[1]


def main() -> int:
    parser = argparse.ArgumentParser(description="Collisions of unique columns.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    table = Table(title=f"{rows:,} different originals, or as many as the plan takes")
    for name in ("strategy", "type", "rows", "different fakes", "different in lower case", "collisions"):
        table.add_column(name, justify="left" if name in {"strategy", "type"} else "right")
    collisions = 0
    with two_sides() as (side, _):
        side.reset(SCHEMA)
        with side.connect() as conn:
            schema = read_schema(conn)
        fill(side, rows)
        for column, strategy in STRATEGIES:
            taken = most_rows(schema, rows, column, strategy)
            plan = plan_of(schema, taken, column, strategy)
            exact, folded = different(side, plan, column, taken)
            collisions += taken - min(exact, folded)
            options = ", ".join(f"{k} = {v}" for k, v in strategy.items() if k != "strategy")
            kind = next(c.column.type for c in plan.tables[0].columns if c.column.name == column)
            label = f"{strategy['strategy']} ({options})" if options else strategy["strategy"]
            counts = (taken, exact, folded, taken - min(exact, folded))
            table.add_row(label, kind, *(f"{count:,}" for count in counts))
    Console(width=120).print(table)
    return 1 if collisions else 0


def fill(side: Side, rows: int) -> None:
    """The rows, without the indexes: the plan has seen them, and the originals differ by how they are made."""
    with psycopg.connect(side.dsn, autocommit=True) as conn:
        for name in ("login", "short", "number", "small", "token", "address"):
            conn.execute(sql.SQL("ALTER TABLE people DROP CONSTRAINT {}").format(sql.Identifier(f"people_{name}_key")))
        conn.execute("DROP INDEX people_lower_idx")
        conn.execute(ROWS, (rows,))
        conn.execute("ANALYZE people")


if __name__ == "__main__":
    sys.exit(main())
