"""The residue proof: an independent read of the target, with connections and catalogs of its own.

It fails the run for rows that are missing, for objects that are not as they were, and for any original value of a
masked column that can still be read: in a column, in the statistics, in a definition. Problems name places and counts.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from threading import Event

import psycopg

from sanitizers.engines.rebuild import Connect, prepare_session
from sanitizers.explain import without_values
from sanitizers.plan import DatabasePlan
from sanitizers.proof.alike import differences
from sanitizers.proof.kept import ColumnKept, Counts, count_after, count_before, kept_on_purpose, stayed
from sanitizers.proof.looked import ColumnSearched
from sanitizers.proof.producible import Producible
from sanitizers.proof.residue import Search, find_home
from sanitizers.proof.search import (
    collect,
    journal_left,
    left_behind,
    look,
    not_searched,
    public,
    sentence,
    unseen,
)
from sanitizers.proof.verifiers import Verifiers, read_verifiers, same_verifiers
from sanitizers.select import set_key
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
    kept: tuple[ColumnKept, ...] = ()
    """Masked columns of which the policy keeps something on purpose."""
    warnings: tuple[str, ...] = ()
    """Masked columns that nothing was masked of, a sentence each."""
    unseen: tuple[str, ...] = ()
    """What could not be looked at or searched for in this run, half a sentence each."""
    seconds: float = 0.0

    @property
    def searched(self) -> int:
        """Different original values that were searched for."""
        return sum(column.searched for column in self.columns)

    @property
    def found(self) -> bool:
        """Whether originals of masked columns are left."""
        return any(column.found for column in self.columns)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def remarks(self) -> tuple[str, ...]:
        """What whoever takes the result must know, a sentence each."""
        return (
            *(f"warning: {warning}" for warning in self.warnings),
            *(f"kept on purpose: {column}" for column in self.kept),
            *(f"not looked at: {what}" for what in self.unseen),
        )

    def timed(self, started: float) -> DatabaseProof:
        """The same with how long it took since that moment of the monotonic clock."""
        return replace(self, seconds=time.monotonic() - started)


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
        before = count_before(run.plan, source, run.seed, track)
        after = count_after(run.plan, target, run.seed, track)
        track.step("compare", run.plan.database)
        problems = [*differences(source, target), *journal_left(target), *left_behind(target, run.key)]
        search = Search(find_home(source, target), run.seed)
        track.step("collect")
        problems += collect(run.plan, search, source, track)
        track.step("search")
        look(run.plan, search, target, track)
        track.step("join", run.plan.database)
        compared = Compared(before, after, (*lost_rows(run.plan, before, after), *problems))
        return concluded(run.plan, search, compared, unseen(run.plan, target)).timed(started)


@dataclass(frozen=True)
class Compared:
    """What was found before the originals were looked for."""

    before: Counts
    after: Counts
    problems: tuple[str, ...]


def concluded(plan: DatabasePlan, search: Search, compared: Compared, unseen: tuple[str, ...]) -> DatabaseProof:
    """The proof, when all is collected: the last step of the search, and everything counted."""
    columns, hits = search.judge(Producible(plan).__contains__)
    return DatabaseProof(
        database=plan.database,
        tables=len(plan.tables),
        rows=sum(compared.after.rows.values()),
        columns=columns,
        not_searched=not_searched(plan),
        public=public(plan),
        places=search.places,
        problems=(*compared.problems, *(sentence(plan, hit) for hit in hits)),
        kept=kept_on_purpose(plan, compared.before.columns),
        warnings=tuple(stayed(plan, compared.before.columns, compared.after.columns)),
        unseen=unseen,
    )


def open_reader(connect: Connect, watch: Callable[[psycopg.Connection], None], stack: ExitStack) -> psycopg.Connection:
    """A connection that sees every row or fails."""
    conn = stack.enter_context(connect(None))
    watch(conn)
    prepare_session(conn)
    conn.execute(SESSION)
    conn.commit()
    return conn


def lost_rows(plan: DatabasePlan, before: Counts, after: Counts) -> Iterator[str]:
    """A sentence for every table that has other rows than it must have."""
    for name, had in before.rows.items():
        if had != (has := after.rows[name]):
            yield f"{plan.database}.{'.'.join(name)} has {has} rows, it must have {had}"
