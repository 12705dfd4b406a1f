"""A row that says nothing, for a moment, so that ANALYZE writes over what it knows of a table that lost all its rows.

ANALYZE leaves the statistics of an empty table as they are, and before PostgreSQL 18 no owner can clear them.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from sanitizers.schema import Category, Column, Table

CLEARS_SINCE = 180000
"""Server version with pg_clear_attribute_stats, see `stale`."""

TEXTS: Mapping[Category, str] = {
    "text": "",
    "integer": "0",
    "number": "0",
    "date": "2000-01-01",
    "timestamp": "2000-01-01",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "bytea": "",
    "inet": "192.0.2.1",
    "json": "{}",
    "boolean": "false",
    "array": "{}",
}


def overwrite_statistics(conn: psycopg.Connection, table: Table) -> None:
    """Do so inside the transaction of `conn`, which has emptied the table; the table is empty afterwards.

    Where a constraint takes no such row nothing happens: `stale` finds what is left and ends the run.
    """
    if conn.info.server_version >= CLEARS_SINCE or not _known(conn, table):
        return
    name = sql.Identifier(table.schema, table.name)
    try:
        with conn.transaction():
            conn.execute(_insert(table, name))
            conn.execute(sql.SQL("ANALYZE {}").format(name))
            only = sql.SQL("" if table.partitioned else "ONLY ")
            conn.execute(sql.SQL("TRUNCATE {}{}").format(only, name))
    except psycopg.errors.IntegrityError:
        return


def _known(conn: psycopg.Connection, table: Table) -> bool:
    query = "SELECT EXISTS (SELECT FROM pg_stats WHERE schemaname = %s AND tablename = %s)"
    row = conn.execute(query, (table.schema, table.name)).fetchone()
    return bool(row and row[0])


def _insert(table: Table, name: sql.Identifier) -> sql.Composed:
    columns = [column for column in table.columns if not column.generated]
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        name,
        sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
        sql.SQL(", ").join(map(_value, columns)),
    )


def _value(column: Column) -> sql.Composable:
    # The type is Postgres' own spelling out of the catalog, quoted where it must be.
    kind = sql.SQL(column.type)
    if not column.not_null:
        return sql.SQL("NULL")
    if column.enum:
        return sql.SQL("(enum_range(NULL::{}))[1]::{}").format(sql.SQL(column.base_type or column.type), kind)
    text = TEXTS.get(column.category)
    return sql.SQL("NULL") if text is None else sql.SQL("{}::{}").format(sql.Literal(text), kind)
