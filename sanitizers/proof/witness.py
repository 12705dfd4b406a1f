"""The proof for a database that is masked where it is: its originals are looked at before, and searched for after.

There is no source to compare with later. So hashes of the originals are taken before the first row is masked, into
temporary tables of a session that stays open; they are gone with it. What another run, that was cut off, has masked
already cannot be taken any more: the proof says so.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from threading import Event

import psycopg

from sanitizers.engines.journal import done_tables
from sanitizers.engines.rebuild import Connect
from sanitizers.explain import without_values
from sanitizers.plan import DatabasePlan, TablePlan
from sanitizers.proof.alike import compared, read_objects
from sanitizers.proof.producible import Producible
from sanitizers.proof.residue import Home, Search
from sanitizers.proof.search import collect, left_behind, look, not_searched, public, sentence, unseen
from sanitizers.proof.verify import DatabaseProof, count_rows, number_of, open_reader
from sanitizers.select import counted_select, set_key
from sanitizers.track import Progress, Track

Name = tuple[str, str]
"""Schema and table."""


@dataclass(frozen=True)
class WitnessRun:
    """What one proof needs; `seed` salts the hashes."""

    connect: Connect
    plan: DatabasePlan
    key: bytes = field(repr=False)
    going_on: bool = False
    """Whether an earlier run was cut off in this database: what it has changed cannot be compared any more."""
    stop: Event = field(default_factory=Event)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None
    seed: int = field(default_factory=lambda: secrets.randbits(62))


@dataclass(frozen=True)
class _Before:
    rows: Mapping[Name, int]
    objects: Mapping[tuple[str, str], object] | None
    """None where an earlier run has taken some away."""
    problems: tuple[str, ...]
    done: frozenset[Name]


class Witness:
    """Has seen the originals of a database. `judge` comes after the rewrite."""

    def __init__(self, run: WitnessRun, conn: psycopg.Connection, track: Track) -> None:
        self._run = run
        self._conn = conn
        self._track = track
        self._started = time.monotonic()
        self._search = Search(Home(conn, in_target=True, lasting=True), run.seed)
        self._before = without_values(track.about, self._look_before)

    @property
    def masked_before(self) -> frozenset[Name]:
        """Tables that a run that was cut off had masked: nobody can search for their originals any more."""
        return self._before.done

    def judge(self) -> DatabaseProof:
        """Prove that the database holds its rows, is built as before, and no original of a masked column is left.

        Raises CopyFailedError, without any value, when it cannot be looked at.
        """
        return without_values(self._track.about, self._judge)

    def _look_before(self) -> _Before:
        run, conn, track = self._run, self._conn, self._track
        done = done_tables(conn) if run.going_on else frozenset()
        left = tuple(t for t in run.plan.tables if _name(t) not in done)
        track.step("count", run.plan.database)
        set_key(conn, run.key)
        rows = {_name(table): number_of(conn, counted_select(table)) for table in left}
        track.step("collect")
        problems = collect(replace(run.plan, tables=left), self._search, conn, track)
        objects = None if run.going_on else read_objects(conn)
        conn.commit()  # lets go of every table
        return _Before(rows, objects, tuple(problems), done)

    def _judge(self) -> DatabaseProof:
        run, conn, before, track = self._run, self._conn, self._before, self._track
        track.step("compare", run.plan.database)
        counted = {_name(table): count_rows(table, conn) for table in run.plan.tables}
        problems = [
            *before.problems,
            *_lost_rows(run.plan, before.rows, counted),
            *left_behind(conn, run.key, journaled=True),
        ]
        if before.objects is not None:
            problems += compared(before.objects, read_objects(conn), conn)
        track.step("search")
        look(run.plan, self._search, conn, track)
        track.step("join", run.plan.database)
        columns, hits = self._search.judge(Producible(run.plan).__contains__)
        conn.commit()
        return DatabaseProof(
            database=run.plan.database,
            tables=len(run.plan.tables),
            rows=sum(counted.values()),
            columns=columns,
            not_searched=not_searched(run.plan),
            public=public(run.plan),
            places=self._search.places,
            problems=(*problems, *(sentence(run.plan, hit) for hit in hits)),
            seconds=time.monotonic() - self._started,
            unseen=(*_gone(run, before.done), *unseen(run.plan, conn)),
        )


@contextmanager
def witness_database(run: WitnessRun, progress: Callable[[Progress], None]) -> Iterator[Witness]:
    """Look at a database before it is masked where it is, and stay connected.

    Raises CopyFailedError, without any value, when it cannot be looked at.
    """
    with ExitStack() as stack:
        conn = open_reader(run.connect, run.on_connection, stack)
        yield Witness(run, conn, Track(progress, run.stop))


def _name(plan: TablePlan) -> Name:
    return (plan.table.schema, plan.table.name)


def _lost_rows(plan: DatabasePlan, before: Mapping[Name, int], after: Mapping[Name, int]) -> Iterator[str]:
    for schema, table in sorted(before):
        had, has = before[schema, table], after[schema, table]
        if had != has:
            yield f"{plan.database}.{schema}.{table} has {has} rows, it must have {had}"


def _gone(run: WitnessRun, done: Collection[Name]) -> Iterator[str]:
    for schema, table in sorted(done):
        yield f"the originals of {run.plan.database}.{schema}.{table}, which an earlier run had masked already"
    if run.going_on:
        yield "whether every index, constraint and trigger is as before the earlier run"
