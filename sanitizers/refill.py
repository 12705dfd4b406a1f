"""One table rewritten in place: a masked copy, then the table emptied and filled from it, all in one transaction.

TRUNCATE gives the table, its TOAST and its indexes new files, so no old row version stays; identity, generated columns,
views, policies and grants are those of before, since the table itself stays.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.errors import CopyFailedError
from sanitizers.journal import Filled, mark_done
from sanitizers.plan import DatabasePlan, TablePlan
from sanitizers.select import masked_select

SETTINGS = """
SELECT set_config(name, value, true)
FROM (VALUES ('row_security', 'off'), ('datestyle', 'ISO, YMD'), ('intervalstyle', 'postgres'),
  ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('lc_monetary', 'C'), ('xmloption', 'content'),
  ('synchronous_commit', 'off'), ('parallel_tuple_cost', '0.001'), ('parallel_setup_cost', '10'),
  ('min_parallel_table_scan_size', '1MB')) AS s(name, value)
"""
"""As in the clean room; a row that row security would hide is an error. Digests are worth a worker of their own."""

COPY_SCHEMA = "branchwarden_journal"


def masked_tables(plan: DatabasePlan) -> tuple[TablePlan, ...]:
    """The tables that are rewritten, the largest first: it decides when the last one is done."""
    return tuple(sorted((t for t in plan.tables if t.masked), key=lambda t: -t.table.total_bytes))


@dataclass(frozen=True)
class Relation:
    """A table as the catalog has it now: its owner may be another than when it was planned."""

    oid: int
    owner: str


def find_relations(conn: psycopg.Connection, tables: Sequence[TablePlan]) -> Mapping[tuple[str, str], Relation]:
    """The tables by schema and name, ends the transaction."""
    names = ([t.table.schema for t in tables], [t.table.name for t in tables])
    query = """
    SELECT t.schema, t.name, c.oid, pg_get_userbyid(c.relowner) FROM unnest(%s::text[], %s::text[]) AS t(schema, name)
    JOIN pg_namespace n ON n.nspname = t.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name
    """
    rows = conn.execute(query, names).fetchall()
    conn.commit()
    return {(schema, name): Relation(oid, owner) for schema, name, oid, owner in rows}


def refill_table(conn: psycopg.Connection, plan: TablePlan) -> Filled:
    """Rewrite one table and write its `done` row; `conn` may do what its owner may, and has the masking key.

    Raises:
        CopyFailedError: not every row of the masked copy came back; the table is as it was.
        psycopg.Error: Postgres refused something; may carry a value. The table is as it was.
    """
    started = time.monotonic()
    with conn.transaction():
        conn.execute(SETTINGS)
        conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_relation(plan)))
        rows = 0 if plan.empty else _copy(conn, plan)
        conn.execute(sql.SQL("TRUNCATE {}").format(_relation(plan)))
        back = 0 if plan.empty else _fill(conn, plan)
        if rows != back:
            raise CopyFailedError(
                f"{plan.table.qualified}: of {rows} masked rows {back} came back; nothing was changed"
            )
        filled = Filled(plan.table.schema, plan.table.name, rows, 0, time.monotonic() - started)
        mark_done(conn, filled)
    return filled


def _copy(conn: psycopg.Connection, plan: TablePlan) -> int:
    # CREATE TABLE AS may use parallel workers, INSERT may not. Nobody else ever sees this table.
    create = sql.SQL("CREATE UNLOGGED TABLE {} AS {}").format(_masked_copy(conn), masked_select(plan))
    return conn.execute(create).rowcount


def _fill(conn: psycopg.Connection, plan: TablePlan) -> int:
    names = sql.SQL(", ").join(sql.Identifier(c.column.name) for c in plan.columns)
    into = sql.SQL("{} ({})").format(_name(plan), names) if plan.columns else _name(plan)
    insert = sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT {} FROM {}")
    rows = conn.execute(insert.format(into, names, _masked_copy(conn))).rowcount
    conn.execute(sql.SQL("DROP TABLE {}").format(_masked_copy(conn)))
    return rows


def _masked_copy(conn: psycopg.Connection) -> sql.Identifier:
    return sql.Identifier(COPY_SCHEMA, f"copy_{conn.info.backend_pid}")


def _name(plan: TablePlan) -> sql.Identifier:
    return sql.Identifier(plan.table.schema, plan.table.name)


def _relation(plan: TablePlan) -> sql.Composable:
    """The rows of inheritance children are their own tables'; a partitioned table has none but its partitions'."""
    return _name(plan) if plan.table.partitioned else sql.SQL("ONLY {}").format(_name(plan))
