"""The residue proof: an independent read of the target, with connections and catalogs of its own.

It fails the run for rows that are missing, for objects that are not as they were, and for any original value of a
masked column that can still be read: in a column, in the statistics, in a definition. Problems name places and counts.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event

import psycopg
from psycopg import sql

from sanitizers.engines.rebuild import Connect, prepare_session
from sanitizers.explain import without_values
from sanitizers.plan import DatabasePlan, TablePlan
from sanitizers.proof.alike import differences
from sanitizers.proof.producible import Producible
from sanitizers.proof.residue import ColumnSearched, Search, find_home
from sanitizers.proof.search import collect, left_behind, look, not_searched, public, sentence, unseen
from sanitizers.proof.verifiers import Verifiers, read_verifiers, same_verifiers
from sanitizers.select import counted_select, set_key
from sanitizers.track import Progress, Track

__all__ = [
    "ColumnSearched",
    "DatabaseProof",
    "Verifiers",
    "VerifyRun",
    "read_verifiers",
    "same_verifiers",
    "verify_database",
]

SESSION = """
SELECT set_config('row_security', 'off', false), set_config('client_encoding', 'UTF8', false),
  set_config('work_mem', '64MB', false)
"""


@dataclass(frozen=True)
class VerifyRun:
    """What one proof needs. `seed` salts the hashes that are compared; chance suffices."""

    source: Connect
    target: Connect
    plan: DatabasePlan
    key: bytes = field(repr=False)
    stop: Event = field(default_factory=Event)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None
    seed: int = field(default_factory=lambda: secrets.randbits(62))


@dataclass(frozen=True)
class DatabaseProof:
    """What was looked at and what was found; holds names and counts, never a value."""

    database: str
    tables: int
    rows: int
    columns: tuple[ColumnSearched, ...]
    """Every masked column whose originals were searched for."""
    not_searched: tuple[str, ...]
    """Masked columns whose originals and fakes share one small domain, so that equal values would prove nothing."""
    public: tuple[str, ...]
    """Kept columns that the policy calls public: not looked at."""
    places: int
    """Columns, statistics and definitions of the target that were looked at."""
    problems: tuple[str, ...]
    seconds: float
    unseen: tuple[str, ...] = ()
    """What could not be looked at or searched for in this run, half a sentence each."""

    @property
    def searched(self) -> int:
        """Different original values that were searched for."""
        return sum(column.searched for column in self.columns)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify_database(run: VerifyRun, progress: Callable[[Progress], None]) -> DatabaseProof:
    """Prove that the target holds the source's rows, built alike, and no original of a masked column.

    The source must be as it was copied. Raises CopyFailedError, without any value, when it cannot be looked at.
    """
    track = Track(progress, run.stop)
    return without_values(track.about, lambda: _verify(run, track))


def _verify(run: VerifyRun, track: Track) -> DatabaseProof:
    started = time.monotonic()
    with ExitStack() as stack:
        source, target = (open_reader(connect, run.on_connection, stack) for connect in (run.source, run.target))
        set_key(source, run.key)  # it may decide which rows are taken
        track.step("count", run.plan.database)
        counted = [_count(table, source, target, track) for table in run.plan.tables]
        track.step("compare", run.plan.database)
        problems = [*_missing_rows(run.plan, counted), *differences(source, target), *left_behind(target, run.key)]
        search = Search(find_home(source, target), run.seed)
        track.step("collect")
        problems += collect(run.plan, search, source, track)
        track.step("search")
        look(run.plan, search, target, track)
        track.step("join", run.plan.database)
        columns, hits = search.judge(Producible(run.plan).__contains__)
        not_seen = unseen(run.plan, target)
    return DatabaseProof(
        database=run.plan.database,
        tables=len(run.plan.tables),
        rows=sum(there for _, there in counted),
        columns=columns,
        not_searched=not_searched(run.plan),
        public=public(run.plan),
        places=search.places,
        problems=(*problems, *(sentence(run.plan, hit) for hit in hits)),
        seconds=time.monotonic() - started,
        unseen=not_seen,
    )


def open_reader(connect: Connect, watch: Callable[[psycopg.Connection], None], stack: ExitStack) -> psycopg.Connection:
    """A connection that sees every row or fails."""
    conn = stack.enter_context(connect(None))
    watch(conn)
    prepare_session(conn)
    conn.execute(SESSION)
    conn.commit()
    return conn


def count_rows(table: TablePlan, conn: psycopg.Connection) -> int:
    """The rows of a table."""
    only, name = "" if table.table.partitioned else "ONLY ", sql.Identifier(table.table.schema, table.table.name)
    return number_of(conn, sql.SQL("SELECT count(*) FROM {}{}").format(sql.SQL(only), name))


def _count(table: TablePlan, source: psycopg.Connection, target: psycopg.Connection, track: Track) -> tuple[int, int]:
    track.say(table.table.qualified)
    return number_of(source, counted_select(table)), count_rows(table, target)


def number_of(conn: psycopg.Connection, query: sql.Composed) -> int:
    """The one number that a query gives."""
    row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0


def _missing_rows(plan: DatabasePlan, counted: list[tuple[int, int]]) -> Iterator[str]:
    for table, (here, there) in zip(plan.tables, counted, strict=True):
        if here != there:
            yield f"{plan.database}.{table.table.qualified} has {there} rows, the source has {here}"
