"""One unit at a time: COPY the masked SELECT out of the source and into the target. A table is done with its last unit.

The units of one table become visible one after the other. What says that the table is there is its `done` row in the
journal, which the transaction of the last unit writes: a run that goes on after a crash empties a table without one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from sanitizers.engines.journal import Filled, mark_done
from sanitizers.engines.pump import Flow, Moved, pump
from sanitizers.engines.rebuild import Sessions
from sanitizers.engines.units import Name, Unit
from sanitizers.explain import without_values
from sanitizers.plan import TablePlan
from sanitizers.protection import Protection
from sanitizers.schema import Column
from sanitizers.select import masked_select
from sanitizers.spelling import SPELLING
from sanitizers.streamed import Stream
from sanitizers.track import Track

LOAD_SETTINGS = f"""
SELECT set_config(name, value, true)
FROM (VALUES ('row_security', 'off'), ('synchronous_commit', 'off'), {SPELLING}) AS s(name, value)
"""  # noqa: S608  constants alone
"""Both ends write and read values alike, and a row that row security would hide is an error, not a gap."""


PLAIN_TYPES = frozenset(
    {
        *("smallint", "integer", "bigint", "boolean", "double precision", "uuid", "bytea", "date"),
        *("text", "character varying", "character", "timestamp without time zone", "timestamp with time zone"),
        *("json", "jsonb", "numeric"),
    }
)
"""Types that every server sends and reads alike in binary, which takes the target a third less time to read.

All others go as text: in arrays and composites the binary format would name types by numbers of the source.
"""

TableCopied = Filled
"""One table that arrived whole. `bytes` are those that COPY sent."""


@dataclass(frozen=True)
class Hand:
    """A pair of connections that moves one unit at a time; `source` is in the snapshot that all share."""

    source: psycopg.Connection
    target: psycopg.Connection


@dataclass
class _Account:
    """What has come of one table so far."""

    left: int = 0
    """Units that are not committed."""
    told: int = 0
    """Rows that passed, committed or not."""
    rows: int = 0
    bytes: int = 0
    started: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Loading:
    """Fills the tables of the units; each unit is to be loaded once, by any hand."""

    def __init__(self, units: Iterable[Unit], protection: Protection, track: Track) -> None:
        self._protection = protection
        self._track = track
        self._accounts: dict[Name, _Account] = {}
        for unit in units:
            self._accounts.setdefault(table_name(unit.table), _Account()).left += 1

    def load(self, hand: Hand, unit: Unit) -> None:
        """Move one unit and commit it, its table's `done` row included when it is the last one.

        Raises:
            CopyFailedError: the copy stopped, was refused or did not arrive whole.
        """
        without_values(self._track.about, lambda: self._load(hand, unit))

    def _load(self, hand: Hand, unit: Unit) -> None:
        table, account = unit.table.table, self._accounts[table_name(unit.table)]
        account.started = account.started or time.monotonic()

        def say(rows: int) -> None:
            with account.lock:
                account.told += rows
            self._track.say(table.qualified, account.told, table.row_estimate)

        say(0)
        hand.target.execute(LOAD_SETTINGS)
        moved = pump(_flow(hand, unit, self._protection), self._track.about(), say)
        with account.lock:
            self._settle(hand.target, unit, moved)

    def _settle(self, target: psycopg.Connection, unit: Unit, moved: Moved) -> None:
        account = self._accounts[table_name(unit.table)]
        account.rows += moved.rows
        account.bytes += moved.bytes
        if account.left == 1:
            seconds = time.monotonic() - account.started
            mark_done(target, Filled(*table_name(unit.table), account.rows, account.bytes, seconds))
        target.commit()
        account.left -= 1  # not before: a unit that is lost at its COMMIT must leave the table unfinished


def table_name(plan: TablePlan) -> Name:
    """Schema and table."""
    return (plan.table.schema, plan.table.name)


def empty_again(sessions: Sessions, tables: Iterable[TablePlan]) -> None:
    """Take out the rows that a run which was cut off may have left in tables that it did not finish."""
    for plan in tables:
        only = sql.SQL("" if plan.table.partitioned else "ONLY ")
        owner = sessions.of(plan.table.owner)
        owner.execute(sql.SQL("TRUNCATE {}{}").format(only, sql.Identifier(*table_name(plan))))
        owner.commit()


def _flow(hand: Hand, unit: Unit, protection: Protection) -> Flow:
    plan = unit.table
    if plan.streamed:
        stream = Stream(plan, unit.piece)
        read = sql.SQL("COPY ({}) TO STDOUT").format(stream.select)
        return Flow(hand.source, hand.target, read, _copy_in(plan, sql.SQL("")), protection.transformer(stream))
    form = sql.SQL(" (FORMAT binary)" if plan.columns and all(_plain(c.column) for c in plan.columns) else "")
    copy_out = sql.SQL("COPY ({}) TO STDOUT{}").format(masked_select(plan, unit.piece), form)
    return Flow(hand.source, hand.target, copy_out, _copy_in(plan, form))


def _plain(column: Column) -> bool:
    """Whether the type is one of Postgres' own; those of a user have a schema before their name."""
    own = "." not in (column.base_type or column.type)
    return own and not column.array and not column.enum and column.bare_type in PLAIN_TYPES


def _copy_in(plan: TablePlan, form: sql.SQL) -> sql.Composed:
    """Always into the root: a masked partition key may send a row elsewhere."""
    names = sql.SQL(", ").join(sql.Identifier(c.column.name) for c in plan.columns)
    columns = sql.SQL(" ({})").format(names) if plan.columns else sql.SQL("")
    return sql.SQL("COPY {}{} FROM STDIN{}").format(sql.Identifier(*table_name(plan)), columns, form)
