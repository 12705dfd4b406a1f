"""A database as it is, read in the same way as for an attestation."""

from __future__ import annotations

import psycopg
from psycopg import sql

from sanitizers.attest.compare import DatabaseNow, TableNow
from sanitizers.schema import Table, read_schema

ROWS = sql.SQL("SELECT count(*) FROM {}{}")


def read_now(conn: psycopg.Connection) -> DatabaseNow:
    """Catalog, tables and rows. Errors of the server may pass."""
    schema = read_schema(conn)
    tables = (TableNow(t.schema, t.name, tuple(c.name for c in t.columns), _rows(conn, t)) for t in schema.tables)
    return DatabaseNow(schema.database, schema.digest, tuple(tables))


def _rows(conn: psycopg.Connection, table: Table) -> int:
    only = sql.SQL("" if table.partitioned else "ONLY ")
    row = conn.execute(ROWS.format(only, sql.Identifier(table.schema, table.name))).fetchone()
    return int(row[0]) if row else 0
