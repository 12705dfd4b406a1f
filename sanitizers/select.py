"""The masked SELECT: one per table, computed by the source itself.

    SELECT s.c0 AS "id", branchwarden_mask.first_name(s.d1, 0) AS "first_name", ...
    FROM (SELECT t."id" AS c0, sha256((SELECT key of first_name) || value of t."first_name") AS d1, ...
          FROM ONLY "public"."customers" AS t OFFSET 0) AS s

The inner SELECT computes each digest once per value; OFFSET 0 keeps the planner from pulling it up, which would repeat
the digest at every place that uses a byte of it. The key is a setting of the session, sent as a bound parameter, and
the uncorrelated sub-select reads it once per statement. No name depends on the search path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.pools import HELPER_SCHEMA, Pools, function_definitions
from sanitizers.schema import Column

KEY_SETTING = "branchwarden.key"
KEY_BYTES = 32

SUBKEY_BYTES = 16  # 128 bits; with 32 most values would need a second block of SHA-256, which costs half as much again

# One key per strategy, derived once per statement. A session without a key must fail: an empty one would mask
# everything with no secret at all, and look right. decode() refuses the complaint, which is no hexadecimal text.
_SUBKEY = sql.SQL(
    "(SELECT substr(sha256(decode(CASE WHEN length(k) = 64 THEN k ELSE 'branchwarden.key is not set' END, 'hex')"
    " || convert_to({}, 'UTF8')), 1, {}) FROM (SELECT current_setting({}, true) AS k) AS setting)"
)


def prepare_source(conn: psycopg.Connection[Any], plan: DatabasePlan, pools: Pools) -> None:
    """Create the helper schema with the functions that the plan needs, anew if it is there, and commit."""
    needed = frozenset(name for table in plan.tables for c in table.columns for name in c.strategy.needs)
    with conn.transaction():
        _drop(conn)
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(HELPER_SCHEMA)))
        conn.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO PUBLIC").format(sql.Identifier(HELPER_SCHEMA)))
        for statement in function_definitions(pools, needed):
            conn.execute(statement)


def remove_source_helpers(conn: psycopg.Connection[Any]) -> None:
    """Drop the helper schema with all that is in it, if it is there, and commit."""
    with conn.transaction():
        _drop(conn)


def set_key(conn: psycopg.Connection[Any], key: bytes) -> None:
    """Give the session its masking key, as a bound parameter: it is in no statement's text.

    Call it outside a transaction: the rollback of one would take the key away again, and masked_select then fails.

    Raises:
        ValueError: the key is not 32 bytes long.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"a masking key has {KEY_BYTES} bytes, this one has {len(key)}")
    with conn.transaction():
        conn.execute("SELECT set_config(%s, %s, false)", (KEY_SETTING, key.hex()))


def masked_select(table: TablePlan) -> sql.Composed:
    """SELECT every column of the plan, masked, in its order and by its name; fit for COPY (...) TO STDOUT."""
    if not any(c.strategy.digested for c in table.columns):
        return _plain_select(table)
    outer = [_output(c, _ref("s", f"c{i}"), _ref("s", f"d{i}")) for i, c in enumerate(table.columns)]
    return sql.SQL("SELECT {} FROM (SELECT {} FROM {} AS t OFFSET 0) AS s").format(
        _list(outer), _list(list(_inner(table))), _relation(table)
    )


def _plain_select(table: TablePlan) -> sql.Composed:
    outputs = [_output(c, _ref("t", c.column.name), sql.SQL("NULL")) for c in table.columns]
    return sql.SQL("SELECT {} FROM {} AS t").format(_list(outputs), _relation(table))


def _inner(table: TablePlan) -> Iterator[sql.Composable]:
    for i, c in enumerate(table.columns):
        value = _ref("t", c.column.name)
        yield sql.SQL("{} AS {}").format(value, sql.Identifier(f"c{i}"))
        if c.strategy.digested:
            subkey = _SUBKEY.format(sql.Literal(c.strategy.kind), sql.Literal(SUBKEY_BYTES), sql.Literal(KEY_SETTING))
            digest = sql.SQL("sha256({} || {})").format(subkey, value_bytes(c.column, value))
            yield sql.SQL("{} AS {}").format(digest, sql.Identifier(f"d{i}"))


def value_bytes(column: Column, value: sql.Composable) -> sql.Composable:
    """SQL for the bytes of a value that its digest is taken over: its text in UTF-8, as it is.

    citext is folded, since Postgres itself holds such values for equal. bytea is taken raw, and of dates and times the
    seconds since 1970, so that no setting of the session has a say in it.
    """
    match column.category:
        case "bytea":
            return value
        case "date" | "timestamp":
            return sql.SQL("convert_to(extract(epoch FROM {})::text, 'UTF8')").format(value)
        case _:
            text = sql.SQL("lower({}::text)" if column.case_insensitive else "{}::text").format(value)
            return sql.SQL("convert_to({}, 'UTF8')").format(text)


def _output(plan: ColumnPlan, value: sql.Composable, digest: sql.Composable) -> sql.Composable:
    expression = plan.strategy.expression(plan.column, value, digest)
    if plan.masked:
        # The type is Postgres' own spelling out of the catalog, quoted where it must be.
        expression = sql.SQL("({})::{}").format(expression, sql.SQL(plan.column.type))
    return sql.SQL("{} AS {}").format(expression, sql.Identifier(plan.column.name))


def _relation(table: TablePlan) -> sql.Composable:
    """ONLY leaves the rows of inheritance children to the children; a partitioned table has none of its own."""
    name = sql.Identifier(table.table.schema, table.table.name)
    return name if table.table.partitioned else sql.SQL("ONLY {}").format(name)


def _ref(alias: str, column: str) -> sql.Composable:
    return sql.Identifier(alias, column)


def _list(parts: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(parts)


def _drop(conn: psycopg.Connection[Any]) -> None:
    conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(HELPER_SCHEMA)))
