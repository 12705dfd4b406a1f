"""The residue proof: an independent read of the target, with connections and catalogs of its own.

It fails the run for rows that are missing, for objects that are not as they were, and for any original value of a
masked column that can still be read: in a column, in the statistics, in a definition. Problems name places and counts.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from threading import Event

import psycopg
from psycopg import sql

from sanitizers.alike import differences
from sanitizers.explain import without_values
from sanitizers.obstacles import JOURNAL_SCHEMA
from sanitizers.places import literals, read_columns, read_definitions, read_statistics
from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.rebuild import Connect, prepare_session
from sanitizers.residue import ColumnSearched, Hit, Looked, Producible, Search
from sanitizers.strategies.json_only import JsonOnly
from sanitizers.strategies.keep import Keep
from sanitizers.track import Progress, Track
from sanitizers.verifiers import Verifiers, read_verifiers, same_verifiers

__all__ = [
    "ColumnSearched",
    "DatabaseProof",
    "Verifiers",
    "VerifyRun",
    "read_verifiers",
    "same_verifiers",
    "verify_database",
]

Key = tuple[str, str, str]
"""Schema, table, column."""

SESSION = """
SELECT set_config('row_security', 'off', false), set_config('client_encoding', 'UTF8', false),
  set_config('work_mem', '64MB', false)
"""
SETTINGS = "SELECT 'setting ' || name, concat_ws(' ', setting, reset_val) FROM pg_settings WHERE setting <> ''"
LARGE_OBJECTS = "SELECT count(*) FROM pg_largeobject_metadata"


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
        source, target = (_open(run, connect, stack) for connect in (run.source, run.target))
        track.step("count", run.plan.database)
        counted = [_count(table, source, target, track) for table in run.plan.tables]
        track.step("compare", run.plan.database)
        problems = [*_missing_rows(run.plan, counted), *differences(source, target), *_left_behind(target, run.key)]
        search = Search(source, run.seed)
        track.step("collect")
        problems += _collect(run.plan, search, source, track)
        track.step("search")
        _look(run.plan, search, target, track)
        track.step("join", run.plan.database)
        columns, hits = search.judge(Producible(run.plan))
    return DatabaseProof(
        database=run.plan.database,
        tables=len(run.plan.tables),
        rows=sum(there for _, there in counted),
        columns=columns,
        not_searched=tuple(".".join(key) for key, c in _columns(run.plan) if c.masked and c.residue == "none"),
        public=tuple(".".join(key) for key in sorted(_public(run.plan))),
        places=search.places,
        problems=(*problems, *(_sentence(run.plan.database, hit) for hit in hits)),
        seconds=time.monotonic() - started,
    )


def _open(run: VerifyRun, connect: Connect, stack: ExitStack) -> psycopg.Connection:
    conn = stack.enter_context(connect(None))
    run.on_connection(conn)
    prepare_session(conn)
    conn.execute(SESSION)
    conn.commit()
    return conn


def _count(table: TablePlan, source: psycopg.Connection, target: psycopg.Connection, track: Track) -> tuple[int, int]:
    track.say(table.table.qualified)
    only = sql.SQL("" if table.table.partitioned else "ONLY ")
    query = sql.SQL("SELECT count(*) FROM {}{}").format(only, sql.Identifier(table.table.schema, table.table.name))
    here, there = (conn.execute(query).fetchone() for conn in (source, target))
    return (here[0] if here else 0, there[0] if there else 0)


def _missing_rows(plan: DatabasePlan, counted: list[tuple[int, int]]) -> Iterator[str]:
    for table, (here, there) in zip(plan.tables, counted, strict=True):
        if here != there:
            yield f"{plan.database}.{table.table.qualified} has {there} rows, the source has {here}"


def _left_behind(target: psycopg.Connection, key: bytes) -> Iterator[str]:
    """A journal of ours, the key in any spelling, and large objects, which are not masked."""
    if target.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (JOURNAL_SCHEMA,)).fetchone():
        yield f"schema {JOURNAL_SCHEMA} was left behind in the target"
    spellings = (
        key.hex(),
        base64.b64encode(key).decode().rstrip("="),
        base64.urlsafe_b64encode(key).decode().rstrip("="),
    )
    for name, text in (*read_definitions(target), *target.execute(SETTINGS)):
        if key in text.encode() or any(spelling.lower() in text.lower() for spelling in spellings):
            yield f"the masking key is written in {name}"
    row = target.execute(LARGE_OBJECTS).fetchone()
    if row and row[0]:
        yield f"the target has {row[0]} large objects, which nobody masked"


def _collect(plan: DatabasePlan, search: Search, source: psycopg.Connection, track: Track) -> list[str]:
    """Take the originals; a sentence for every column that cannot be read."""
    wanted = {key for key, column in _columns(plan) if column.masked and column.residue != "none"}
    kept = {key: column.strategy.members for key, column in _columns(plan) if isinstance(column.strategy, JsonOnly)}
    places = [place for place in read_columns(source) if place.key in wanted]
    readable = [replace(place, without=kept.get(place.key, ())) for place in places]
    for number, place in enumerate(readable):
        track.say(str(place), number, len(readable))
        search.add_originals(place)
    unread = wanted - {place.key for place in readable}
    return [f"{plan.database}.{'.'.join(key)} could not be searched for" for key in sorted(unread)]


def _look(plan: DatabasePlan, search: Search, target: psycopg.Connection, track: Track) -> None:
    public, places = _public(plan), read_columns(target)
    for number, place in enumerate(places):
        track.say(str(place), number, len(places))
        search.add_column(Looked(f"{plan.database}.{place}", place.derived, place.key in public), place, target)
    for name, texts in read_statistics(target):
        search.add_texts(Looked(f"the statistics of {plan.database}.{name}", derived=True), texts)
    for name, text in read_definitions(target):
        search.add_texts(Looked(f"the definition of {name} in {plan.database}", derived=True), literals(text))


def _columns(plan: DatabasePlan) -> Iterator[tuple[Key, ColumnPlan]]:
    for table in plan.tables:
        yield from (((table.table.schema, table.table.name, c.column.name), c) for c in table.columns)


def _public(plan: DatabasePlan) -> frozenset[Key]:
    return frozenset(
        key for key, column in _columns(plan) if isinstance(column.strategy, Keep) and column.strategy.public
    )


def _sentence(database: str, hit: Hit) -> str:
    values = "original value" if hit.count == 1 else "original values"
    return f"{hit.place} holds {hit.count} {values} of {database}.{hit.column}"
