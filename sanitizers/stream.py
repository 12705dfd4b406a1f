"""The clean-room engine: rows are masked inside the source and streamed with COPY; no raw row reaches the target."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event

import psycopg
from psycopg import sql

from sanitizers.errors import CatalogsDifferError, CopyFailedError
from sanitizers.explain import explain, without_values
from sanitizers.obstacles import USER_TABLES, read_obstacles
from sanitizers.plan import DatabasePlan, TablePlan
from sanitizers.pools import Pools
from sanitizers.rebuild import (
    Connect,
    Say,
    Sessions,
    analyze,
    copy_sequences,
    populated_matviews,
    prepare_session,
    refresh_matviews,
    remove,
    restore,
)
from sanitizers.schema import Schema, read_schema
from sanitizers.select import masked_select, prepare_source, remove_source_helpers, set_key

BLOCK = 1 << 17  # bytes handed to the target at once; all of a table that is ever in memory

LOAD_SETTINGS = """
SELECT set_config(name, value, true)
FROM (VALUES ('row_security', 'off'), ('client_encoding', 'UTF8'), ('datestyle', 'ISO, YMD'),
  ('intervalstyle', 'postgres'), ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('lc_monetary', 'C'),
  ('xmloption', 'content'), ('synchronous_commit', 'off')) AS s(name, value)
"""
"""Both ends write and read values alike, and a row that row security would hide is an error, not a gap."""

EVENT_TRIGGERS = """
SELECT evtname FROM pg_event_trigger
WHERE evtenabled IN ('O', 'A') AND evtevent <> 'login'
  AND coalesce(current_setting('neon.event_triggers', true), 'on') NOT IN ('off', 'false', 'no', '0')
ORDER BY 1 LIMIT 1
"""

LEAVES = (
    USER_TABLES
    + """
SELECT nspname, relname FROM user_table WHERE relkind = 'r'
"""
)


@dataclass(frozen=True)
class Progress:
    """Where a run stands: step, the object that it is at, and how much of the step is done (rows while loading)."""

    step: str
    about: str
    done: int = 0
    total: int = 0
    """0 where nobody knows; while loading the estimate of the last ANALYZE, which `done` may pass."""


@dataclass(frozen=True)
class CopyRun:
    """What one copy needs. `stop` and `on_connection` let another thread abandon it: set, then cancel_safe() each."""

    source: Connect
    target: Connect
    plan: DatabasePlan
    pools: Pools
    key: bytes = field(repr=False)
    stop: Event = field(default_factory=Event)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None


@dataclass(frozen=True)
class TableCopied:
    """One table that arrived whole. `bytes` are those of the COPY text format."""

    schema: str
    table: str
    rows: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class CopyReport:
    """What was copied. `seconds` has the wall time of each step by name."""

    tables: tuple[TableCopied, ...]
    seconds: Mapping[str, float]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


class Track:
    """Tells the caller where the run is, times the steps, and ends the run when it was stopped."""

    def __init__(self, progress: Callable[[Progress], None], stop: Event) -> None:
        self._progress = progress
        self._stop = stop
        self._now = Progress("connect", "databases")
        self._since = time.monotonic()
        self.seconds: dict[str, float] = {}

    def step(self, name: str, about: str = "") -> Say:
        """Begin a step; the answer is to be told about each thing in it."""
        self._book()
        self._now = Progress(name, "")
        self.say(about)
        return self.say

    def say(self, about: str, done: int = 0, total: int = 0) -> None:
        """Report progress; raises CopyFailedError when the run was stopped."""
        if self._stop.is_set():
            raise CopyFailedError(f"{self.about()}: stopped on request; the target is incomplete, discard it")
        self._now = Progress(self._now.step, about, done, total)
        self._progress(self._now)

    def about(self) -> str:
        """What is being done, for a person."""
        return f"{self._now.step} {self._now.about}".strip()

    def finish(self) -> Mapping[str, float]:
        """End the last step; seconds by step."""
        self._book()
        return self.seconds

    def _book(self) -> None:
        now = time.monotonic()
        self.seconds[self._now.step] = self.seconds.get(self._now.step, 0.0) + now - self._since
        self._since = now


def copy_database(run: CopyRun, progress: Callable[[Progress], None]) -> CopyReport:
    """Copy every row of the source, masked, into the empty complete schema of the target.

    Raises:
        CatalogsDifferError: source, target and plan do not have the same tables; discard the target and try once more.
        CopyFailedError: anything else; names the object, never a value. The target is then to be discarded.
    """
    track = Track(progress, run.stop)
    return without_values(track.about, lambda: _copy(run, track))


def _copy(run: CopyRun, track: Track) -> CopyReport:
    with ExitStack() as stack:
        source = stack.enter_context(run.source(None))
        run.on_connection(source)
        prepare_session(source)
        sessions = Sessions(run.target, run.on_connection, stack)
        _preflight(run.plan, source, sessions.own, track)
        track.step("prepare", run.plan.database)
        prepare_source(source, run.plan, run.pools)
        set_key(source, run.key)
        source.commit()
        tables = _fill(run.plan, source, sessions, track)
        track.step("clean", run.plan.database)
        remove_source_helpers(source)
        source.commit()
        return CopyReport(tables, track.finish())


def _preflight(plan: DatabasePlan, source: psycopg.Connection, target: psycopg.Connection, track: Track) -> None:
    track.step("compare", plan.database)
    here, there = read_schema(source), read_schema(target)
    if not plan.schema.digest == here.digest == there.digest:
        raise CatalogsDifferError(_difference(plan, here, there))
    row = target.execute(EVENT_TRIGGERS).fetchone()
    if row:
        raise CopyFailedError(f"event trigger {row[0]} of {plan.database} would fire on our DDL: disable it first")
    for schema, name in target.execute(LEAVES).fetchall():
        _refuse_rows(target, schema, name)
    source.commit()
    target.commit()


def _difference(plan: DatabasePlan, source: Schema, target: Schema) -> str:
    names = {t.qualified for t in source.tables} ^ {t.qualified for t in target.tables}
    pairs = {t.qualified: t for t in target.tables}
    changed = {t.qualified for t in source.tables if t.qualified in pairs and not _alike(t.qualified, source, target)}
    if source.digest == target.digest:
        return f"the schema of {plan.database} changed after the masking plan was compiled: plan and run again"
    return f"source and target of {plan.database} differ in {', '.join(sorted(names | changed))}: discard the target"


def _alike(qualified: str, source: Schema, target: Schema) -> bool:
    def only(schema: Schema) -> Schema:
        return Schema(schema.database, tuple(t for t in schema.tables if t.qualified == qualified))

    return only(source).digest == only(target).digest


def _refuse_rows(target: psycopg.Connection, schema: str, name: str) -> None:
    query = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {})").format(sql.Identifier(schema, name))
    row = target.execute(query).fetchone()
    if row and row[0]:
        raise CopyFailedError(f"table {schema}.{name} of the target holds rows: only an empty schema can be filled")


def _fill(plan: DatabasePlan, source: psycopg.Connection, sessions: Sessions, track: Track) -> tuple[TableCopied, ...]:
    obstacles = read_obstacles(sessions.own)
    clear = track.step("clear")
    for group in (obstacles.foreign_keys, obstacles.indexes, obstacles.triggers):
        remove(sessions, group, clear)
    source.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")  # one snapshot for all tables
    source.execute(LOAD_SETTINGS)
    track.step("load")
    tables = tuple(_load(table, source, sessions, track) for table in plan.tables)
    copy_sequences(source, sessions, track.step("sequences"))
    populated = populated_matviews(source)
    source.commit()
    restore(sessions, obstacles.indexes, track.step("rebuild"))
    restore(sessions, obstacles.foreign_keys, track.step("constrain"))
    refresh_matviews(sessions, populated, track.step("refresh"))
    analyze(sessions, track.step("analyze"))
    restore(sessions, obstacles.triggers, track.step("triggers"))
    return tables


def _load(plan: TablePlan, source: psycopg.Connection, sessions: Sessions, track: Track) -> TableCopied:
    table, started = plan.table, time.monotonic()
    track.say(table.qualified, 0, table.row_estimate)
    target = sessions.own
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
