"""What the tests of structured types share: a schema and a policy in, masked rows out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from sanitizers.select import masked_select, set_key

KEY = bytes(range(32))
Row = dict[str, Any]
Masked = Callable[[str, str], list[Row]]


def make_plan(conn: psycopg.Connection[Any], policy: str) -> DatabasePlan:
    """`policy` holds the columns of table `t`, or whole sections."""
    schema = read_schema(conn)
    text = policy if "[db." in policy else f"[db.public.t]\n{policy}"
    text = "version = 1\n" + text.replace("[db.", f"[{schema.database}.")
    return compile_plan([schema], parse_policy(text, "masking.toml")).databases[0]


def rows_of(conn: psycopg.Connection[Any], plan: DatabasePlan, table: str = "t") -> list[Row]:
    """The masked rows of a table, in the order of their ids where they have some."""
    found = next(t for t in plan.tables if t.table.name == table)
    set_key(conn, KEY)
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(masked_select(found)).fetchall()
    return sorted(rows, key=lambda r: r.get("id") or 0)


@pytest.fixture
def conn(database: Any) -> Iterator[psycopg.Connection[Any]]:
    """To a fresh database, as its owner."""
    with psycopg.connect(database.dsn, autocommit=True) as opened:
        yield opened


@pytest.fixture
def masked(conn: psycopg.Connection[Any]) -> Masked:
    """DDL and policy → the masked rows of table `t`."""

    def mask(ddl: str, policy: str) -> list[Row]:
        conn.execute(ddl)
        return rows_of(conn, make_plan(conn, policy))

    return mask
