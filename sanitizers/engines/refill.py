"""Tables rewritten in place: a masked copy, then the table emptied and filled from it, all in one transaction.

TRUNCATE gives the table, its TOAST and its indexes new files, so no old row version stays; identity, generated columns,
views, policies and grants are those of before, since the table itself stays.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg
from psycopg import sql

from sanitizers.engines.journal import Filled, mark_done
from sanitizers.engines.neutral import overwrite_statistics
from sanitizers.engines.restream import copy_streamed
from sanitizers.errors import CopyFailedError
from sanitizers.plan import TablePlan
from sanitizers.protection import Protection
from sanitizers.select import masked_select
from sanitizers.spelling import SPELLING
from sanitizers.streamed import Stream

SETTINGS = f"""
SELECT set_config(name, value, true)
FROM (VALUES ('row_security', 'off'), ('synchronous_commit', 'off'), ('parallel_tuple_cost', '0.001'),
  ('parallel_setup_cost', '10'), ('min_parallel_table_scan_size', '1MB'), {SPELLING}) AS s(name, value)
"""  # noqa: S608  constants alone
"""As in the clean room; a row that row security would hide is an error. Digests are worth a worker of their own."""

STORED_OTHERWISE = """
SELECT a.attname,
  CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  AND a.attstorage <> t.typstorage
ORDER BY a.attnum
"""
"""Columns whose values are compressed or not, or stored beside the row, other than their type has it."""


def refill_tables(conn: psycopg.Connection, plans: Sequence[TablePlan], protection: Protection) -> None:
    """Rewrite tables and write their `done` rows; `conn` may do what their owner may, and has the masking key.

    All are copied before any is changed: their SELECTs may look one another up.

    Raises:
        CopyFailedError: not every row of a masked copy came back; the tables are as they were.
        psycopg.Error: Postgres refused something; may carry a value. The tables are as they were.
    """
    started = time.monotonic()
    with conn.transaction():
        conn.execute(SETTINGS)
        for plan in plans:
            conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_relation(plan)))
        copied = [0 if p.empty else _copy(conn, p, number, protection) for number, p in enumerate(plans)]
        for number, (plan, rows) in enumerate(zip(plans, copied, strict=True)):
            conn.execute(sql.SQL("TRUNCATE {}").format(_relation(plan)))
            _fill(conn, plan, rows, number)
            seconds = time.monotonic() - started
            mark_done(conn, Filled(plan.table.schema, plan.table.name, rows, 0, seconds))


def _copy(conn: psycopg.Connection, plan: TablePlan, number: int, protection: Protection) -> int:
    """Rows of the masked copy, which nobody else ever sees."""
    storage = conn.execute(STORED_OTHERWISE, (plan.table.schema, plan.table.name)).fetchall()
    name, select = _masked_copy(conn, number), masked_select(plan)
    # CREATE TABLE AS may use parallel workers, INSERT may not.
    create = sql.SQL("CREATE UNLOGGED TABLE {} AS {} {}")
    if not storage and not plan.streamed:
        return conn.execute(create.format(name, select, sql.SQL("WITH DATA"))).rowcount
    conn.execute(create.format(name, select, sql.SQL("WITH NO DATA")))
    for column, how in storage:
        alter = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STORAGE {}")
        conn.execute(alter.format(name, sql.Identifier(column), sql.SQL(how)))
    if plan.streamed:
        return copy_streamed(conn, Stream(plan), name, protection)
    return conn.execute(sql.SQL("INSERT INTO {} {}").format(name, select)).rowcount


def _fill(conn: psycopg.Connection, plan: TablePlan, rows: int, number: int) -> None:
    back = 0 if plan.empty else _bring_back(conn, plan, number)
    if rows != back:
        raise CopyFailedError(f"{plan.table.qualified}: of {rows} masked rows {back} came back; nothing was changed")
    if rows == 0:
        overwrite_statistics(conn, plan.table)


def _bring_back(conn: psycopg.Connection, plan: TablePlan, number: int) -> int:
    names = sql.SQL(", ").join(sql.Identifier(c.column.name) for c in plan.columns)
    table = _name(plan)
    into = sql.SQL("{} ({})").format(table, names) if plan.columns else table
    insert = sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT {} FROM {}")
    rows = conn.execute(insert.format(into, names, _masked_copy(conn, number))).rowcount
    conn.execute(sql.SQL("DROP TABLE {}").format(_masked_copy(conn, number)))
    return rows


def _masked_copy(conn: psycopg.Connection, number: int) -> sql.Identifier:
    return sql.Identifier("branchwarden_journal", f"copy_{conn.info.backend_pid}_{number}")


def _name(plan: TablePlan) -> sql.Identifier:
    return sql.Identifier(plan.table.schema, plan.table.name)


def _relation(plan: TablePlan) -> sql.Composable:
    """The rows of inheritance children are their own tables'; a partitioned table has none but its partitions'."""
    return _name(plan) if plan.table.partitioned else sql.SQL("ONLY {}").format(_name(plan))
