"""One table at a time: COPY the masked SELECT out of the source and into the target, a block in memory and no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.errors import CopyFailedError
from sanitizers.explain import explain
from sanitizers.plan import TablePlan
from sanitizers.select import masked_select
from sanitizers.track import Track

BLOCK = 1 << 17  # bytes handed to the target at once; all of a table that is ever in memory

LOAD_SETTINGS = """
SELECT set_config(name, value, true)
FROM (VALUES ('row_security', 'off'), ('client_encoding', 'UTF8'), ('datestyle', 'ISO, YMD'),
  ('intervalstyle', 'postgres'), ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('lc_monetary', 'C'),
  ('xmloption', 'content'), ('synchronous_commit', 'off')) AS s(name, value)
"""
"""Both ends write and read values alike, and a row that row security would hide is an error, not a gap."""


@dataclass(frozen=True)
class TableCopied:
    """One table that arrived whole. `bytes` are those of the COPY text format."""

    schema: str
    table: str
    rows: int
    bytes: int
    seconds: float


def load_table(plan: TablePlan, source: psycopg.Connection, target: psycopg.Connection, track: Track) -> TableCopied:
    """Fill one empty table of the target; both connections are in the settings of LOAD_SETTINGS or get them.

    Raises:
        CopyFailedError: the copy stopped or did not arrive whole.
    """
    table, started = plan.table, time.monotonic()
    track.say(table.qualified, 0, table.row_estimate)
    target.execute(LOAD_SETTINGS)
    outward, inward = source.cursor(), target.cursor()
    size = 0
    with outward.copy(_copy_out(plan)) as out, inward.copy(_copy_in(plan)) as into:
        for rows, block in _blocks(out, track.about):
            _write(into, block, track.about)
            size += len(block)
            track.say(table.qualified, rows, table.row_estimate)
    if outward.rowcount != inward.rowcount:
        raise CopyFailedError(
            f"{table.qualified}: {outward.rowcount} rows were sent and {inward.rowcount} arrived; discard the target"
        )
    target.commit()
    return TableCopied(table.schema, table.name, inward.rowcount, size, time.monotonic() - started)


def _copy_out(plan: TablePlan) -> sql.Composed:
    return sql.SQL("COPY ({}) TO STDOUT").format(masked_select(plan))


def _copy_in(plan: TablePlan) -> sql.Composed:
    table = sql.Identifier(plan.table.schema, plan.table.name)
    if not plan.columns:
        return sql.SQL("COPY {} FROM STDIN").format(table)
    columns = sql.SQL(", ").join(sql.Identifier(c.column.name) for c in plan.columns)
    return sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)


def _blocks(out: psycopg.Copy, about: Callable[[], str]) -> Iterator[tuple[int, bytes]]:
    """Rows read so far and the next block of them. The library hands out one row at a time."""
    block = bytearray()
    rows = 0
    while True:
        try:
            row = out.read()
        except psycopg.Error as error:
            # The driver tells the other server the text of the error that ends a COPY: let it hold no value.
            raise explain(error, about()) from None
        if not row:
            break
        block += row
        rows += 1
        if len(block) >= BLOCK:
            yield rows, bytes(block)
            block.clear()
    if block:
        yield rows, bytes(block)


def _write(into: psycopg.Copy, block: bytes, about: Callable[[], str]) -> None:
    try:
        into.write(block)
    except psycopg.Error as error:
        raise explain(error, about()) from None
