"""The connections of one copy: pairs of source and target, all sources in one snapshot, opened as they are needed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event

import psycopg
from psycopg import IsolationLevel, sql

from sanitizers.engines.crew import Crew
from sanitizers.engines.load import LOAD_SETTINGS, Hand
from sanitizers.engines.rebuild import Connect, Sessions, prepare_session, stay_beside
from sanitizers.engines.units import PIECE
from sanitizers.fields.keyring import Keyring
from sanitizers.plan import DatabasePlan
from sanitizers.protection import Protection
from sanitizers.select import set_key

STATE = """
SELECT concat_ws(' ', c.system_identifier, d.oid, pg_current_snapshot())
FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
"""

PARALLEL = """
SELECT set_config('parallel_tuple_cost', '0.001', true), set_config('parallel_setup_cost', '10', true)
"""
"""Digests cost more than the planner thinks: worth a worker even where every row is sent on."""


@dataclass(frozen=True)
class CopyRun:
    """What one copy needs. `source` is only read, nothing is created in it: it may be a standby.

    To abandon it from another thread, set `stop` and cancel_safe() whatever `on_connection` was told of.
    """

    source: Connect
    target: Connect
    plan: DatabasePlan
    key: bytes = field(repr=False)
    stop: Event = field(default_factory=Event)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None
    streams: int = 2
    """Pairs of connections that copy at once, and that build indexes at once in the target."""

    allow_event_triggers: tuple[str, ...] = ()
    """Those of the target that may fire on what the run takes away and puts back."""
    piece: int = PIECE
    """Bytes that a part of a table has at least, where a table is cut for several streams."""
    keyring: Keyring | None = None
    """The field keys; needed where the plan encrypts something."""

    def __post_init__(self) -> None:
        if self.streams < 1 or self.piece < 1:
            raise ValueError(f"a copy needs a stream and a byte at least, not {self.streams} and {self.piece}")

    @property
    def protection(self) -> Protection:
        """What makes the values that Python makes."""
        return Protection(self.key, self.keyring)


class Team:
    """Begins with one connection to each end; the source's stays in the transaction whose snapshot is copied."""

    def __init__(self, run: CopyRun, stack: ExitStack) -> None:
        self._run = run
        self._stack = stack
        self._connections: list[psycopg.Connection] = []
        self._sources = [self._open_source()]
        self._targets = [self._open_target()]
        self._read(self.source)

    @property
    def source(self) -> psycopg.Connection:
        """The first connection to the source, in the transaction of the snapshot."""
        return self._sources[0]

    @property
    def target(self) -> Sessions:
        """The first sessions of the target."""
        return self._targets[0]

    def state(self) -> str:
        """Which database is read, and which of its transactions are seen: where it is the same, so are the rows."""
        row = self.source.execute(STATE).fetchone()
        return str(row[0]) if row else ""

    def builders(self, jobs: int) -> Crew[Sessions]:
        """As many sessions of the target as there are streams, or jobs if those are fewer."""
        while len(self._targets) < min(jobs, self._run.streams):
            self._targets.append(self._open_target())
            stay_beside(self._targets[-1].own)
        return Crew(self._targets[: max(1, jobs)], lambda: tuple(self._connections))

    def loaders(self, jobs: int) -> Crew[Hand]:
        """As many pairs as there are streams, or jobs if those are fewer; all sources see the same snapshot."""
        targets = self.builders(jobs).hands
        if len(targets) > len(self._sources):
            row = self.source.execute("SELECT pg_export_snapshot()").fetchone()
            self._join(str(row[0]) if row else "", len(targets))
        hands = [Hand(source, target.own) for source, target in zip(self._sources, targets, strict=True)]
        return Crew(hands, lambda: tuple(self._connections))

    def _join(self, snapshot: str, number: int) -> None:
        while len(self._sources) < number:
            source = self._open_source()
            source.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
            self._read(source)
            self._sources.append(source)

    def release(self) -> None:
        """End the snapshot."""
        for source in self._sources:
            source.commit()

    def _open_source(self) -> psycopg.Connection:
        source = self._stack.enter_context(self._run.source(None))
        self._watch(source)
        prepare_session(source)
        set_key(source, self._run.key)
        source.isolation_level = IsolationLevel.REPEATABLE_READ
        source.read_only = True
        return source

    def _read(self, source: psycopg.Connection) -> None:
        source.execute(LOAD_SETTINGS)
        if self._run.streams == 1:
            source.execute(PARALLEL)

    def _open_target(self) -> Sessions:
        return Sessions(self._run.target, self._watch, self._stack, self._run.streams)

    def _watch(self, connection: psycopg.Connection) -> None:
        self._connections.append(connection)
        self._run.on_connection(connection)
