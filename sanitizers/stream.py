"""The clean-room engine: rows are masked inside the source and streamed with COPY; no raw row reaches the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event

import psycopg
from psycopg import sql

from sanitizers.errors import CatalogsDifferError, CopyFailedError
from sanitizers.explain import without_values
from sanitizers.load import LOAD_SETTINGS, TableCopied, load_table
from sanitizers.obstacles import USER_TABLES, read_obstacles
from sanitizers.plan import DatabasePlan
from sanitizers.rebuild import (
    Connect,
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
from sanitizers.select import set_key
from sanitizers.track import Progress, Track

__all__ = ["Connect", "CopyReport", "CopyRun", "Progress", "TableCopied", "copy_database"]

PARALLEL = "SELECT set_config('parallel_tuple_cost', '0.001', true), set_config('parallel_setup_cost', '10', true)"
"""Digests cost more than the planner thinks: worth a worker even where every row is sent on."""

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


FOREIGN_PARTITIONS = (
    USER_TABLES
    + """
SELECT f.qualified FROM user_relation f JOIN pg_inherits i ON i.inhrelid = f.oid
WHERE f.relkind = 'f' ORDER BY 1 LIMIT 1
"""
)


@dataclass(frozen=True)
class CopyRun:
    """What one copy needs. `source` is a scratch copy of production: helper functions are made in it.

    To abandon it from another thread, set `stop` and cancel_safe() whatever `on_connection` was told of.
    """

    source: Connect
    target: Connect
    plan: DatabasePlan
    key: bytes = field(repr=False)
    stop: Event = field(default_factory=Event)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None


@dataclass(frozen=True)
class CopyReport:
    """What was copied. `seconds` has the wall time of each step by name."""

    tables: tuple[TableCopied, ...]
    seconds: Mapping[str, float]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


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
        set_key(source, run.key)
        tables = _fill(run.plan, source, sessions, track)
        return CopyReport(tables, track.finish())


def _preflight(plan: DatabasePlan, source: psycopg.Connection, target: psycopg.Connection, track: Track) -> None:
    track.step("compare", plan.database)
    here, there = read_schema(source), read_schema(target)
    if not plan.schema.digest == here.digest == there.digest:
        raise CatalogsDifferError(_difference(plan, here, there))
    if row := target.execute(EVENT_TRIGGERS).fetchone():
        raise CopyFailedError(f"event trigger {row[0]} of {plan.database} would fire on our DDL: disable it first")
    if row := source.execute(FOREIGN_PARTITIONS).fetchone():
        raise CopyFailedError(f"{row[0]} is a foreign table: rows of its parent would go to another server, detach it")
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
    source.execute(PARALLEL)
    track.step("load")
    tables = tuple(load_table(table, source, sessions.own, track) for table in plan.tables)
    copy_sequences(source, sessions, track.step("sequences"))
    populated = populated_matviews(source)
    source.commit()
    restore(sessions, obstacles.indexes, track.step("rebuild"))
    restore(sessions, obstacles.foreign_keys, track.step("constrain"))
    refresh_matviews(sessions, populated, track.step("refresh"))
    analyze(sessions, track.step("analyze"))
    restore(sessions, obstacles.triggers, track.step("triggers"))
    return tables
