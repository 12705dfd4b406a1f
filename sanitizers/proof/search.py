"""What a proof searches for and where: every masked column's originals, in every place of the target."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from sanitizers.engines.obstacles import JOURNAL_SCHEMA
from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.proof.decided import OPAQUE, called
from sanitizers.proof.definitions import literals, read_definitions, read_labels
from sanitizers.proof.inside import WHOLE, Inside, common_of, inside_of, strategies_in
from sanitizers.proof.kept import keeping
from sanitizers.proof.looked import Hit, Looked
from sanitizers.proof.places import Place, read_columns, read_statistics
from sanitizers.proof.residue import Search
from sanitizers.strategies.json_only import JsonOnly
from sanitizers.strategies.keep import Keep
from sanitizers.track import Track

Key = tuple[str, str, str]
"""Schema, table, column."""

SETTINGS = "SELECT 'setting ' || name, concat_ws(' ', setting, reset_val) FROM pg_settings WHERE setting <> ''"
LARGE_OBJECTS = "SELECT count(*) FROM pg_largeobject_metadata"
DAYS = r"\d{4}-\d\d-\d\d([ t]00:00(:00(\.0+)?)?(z|[+-]\d\d(:?\d\d)?)?)?"
AMOUNTS = r"-?\d+(\.\d+)?"
MOVING_DAYS = frozenset({"date_shift", "generalize"})
MOVING_AMOUNTS = frozenset({"noise", "generalize", "coordinates"})
UNSEEN = """
SELECT format('%I.%I', n.nspname, s.stxname) FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid
JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1
"""
"""Postgres shows the values in extended statistics to the owner of the table alone."""


@dataclass(frozen=True)
class Wanted:
    """Columns whose originals are to be searched for."""

    places: tuple[Place, ...]
    problems: tuple[str, ...]
    """A sentence for every column that cannot be read."""


def wanted(plan: DatabasePlan, source: psycopg.Connection) -> Wanted:
    """What is to be searched for; in the same order in every run with the same plan."""
    columns = {key: pair for key, pair in _columns(plan).items() if pair[1].masked and pair[1].residue != "none"}
    readable = tuple(_original(place, *columns[place.key]) for place in read_columns(source) if place.key in columns)
    unread = columns.keys() - {place.key for place in readable}
    return Wanted(
        readable, tuple(f"{plan.database}.{'.'.join(key)} could not be searched for" for key in sorted(unread))
    )


def collect(plan: DatabasePlan, search: Search, source: psycopg.Connection, track: Track) -> tuple[str, ...]:
    """Take the originals; a sentence for every column that cannot be read."""
    found = wanted(plan, source)
    for number, place in enumerate(found.places):
        track.say(str(place), number, len(found.places))
        search.add_originals(place, source)
    search.add_named(
        sorted({called for kept, called in map(_kept, _columns(plan).values()) if kept and called}), source
    )
    return found.problems


def look(plan: DatabasePlan, search: Search, target: psycopg.Connection, track: Track) -> None:
    """Look into every column, all statistics and all definitions of the target."""
    secret, places, columns = frozenset(_public(plan)), read_columns(target), _columns(plan)
    for number, place in enumerate(places):
        track.say(str(place), number, len(places))
        looked = Looked(f"{plan.database}.{place}", place.derived, place.key in secret, place.labels)
        lists = WHOLE
        if place.key in columns:
            column = columns[place.key][1]
            lists = Inside(separators=inside_of(column).separators)
            kept, name = _kept(columns[place.key])
            looked = replace(looked, drawn=column.masked and column.residue == "none", kept=kept, called=name)
        search.add_column(looked, replace(place, inside=lists), target)
    labelled = {str(place) for place in places if place.labels}
    search.add_labels(read_labels(target))
    for name, texts in read_statistics(target):
        looked = Looked(f"the statistics of {plan.database}.{name}", derived=True, labels=name in labelled)
        search.add_texts(looked, texts)
    for it in read_definitions(target):
        looked = Looked(f"the definition of {it.name} in {plan.database}", derived=True)
        search.add_texts(looked, literals(it.text, it.labels))


def journal_left(target: psycopg.Connection) -> Iterator[str]:
    """A journal of ours where none is needed any more."""
    if target.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (JOURNAL_SCHEMA,)).fetchone():
        yield f"schema {JOURNAL_SCHEMA} was left behind in the target"


def left_behind(target: psycopg.Connection, key: bytes) -> Iterator[str]:
    """The key in any spelling, and large objects, which are not masked."""
    spellings = (
        key.hex(),
        base64.b64encode(key).decode().rstrip("="),
        base64.urlsafe_b64encode(key).decode().rstrip("="),
    )
    defined = ((it.name, it.text) for it in read_definitions(target))
    for name, text in (*defined, *target.execute(SETTINGS)):
        if key in text.encode() or any(spelling.lower() in text.lower() for spelling in spellings):
            yield f"the masking key is written in {name}"
    row = target.execute(LARGE_OBJECTS).fetchone()
    if row and row[0]:
        yield f"the target has {row[0]} large objects, which nobody masked"


def unseen(plan: DatabasePlan, target: psycopg.Connection) -> tuple[str, ...]:
    """Where the run's role may not look, half a sentence each."""
    return tuple(f"the extended statistics {plan.database}.{row[0]}" for row in target.execute(UNSEEN))


def not_searched(plan: DatabasePlan) -> tuple[str, ...]:
    """Masked columns whose originals and fakes share one small domain."""
    return tuple(".".join(key) for key, (_, c) in _columns(plan).items() if c.masked and c.residue == "none")


def public(plan: DatabasePlan) -> tuple[str, ...]:
    """Kept columns that the policy calls public."""
    return tuple(".".join(key) for key in _public(plan))


def sentence(plan: DatabasePlan, hit: Hit) -> str:
    """What was found, without the value."""
    values = "original value" if hit.count == 1 else "original values"
    return f"{hit.place} holds {hit.count} {values} of {plan.database}.{hit.column}"


def _original(place: Place, table: TablePlan, column: ColumnPlan) -> Place:
    """The column as originals are taken from it: without what the policy keeps on purpose."""
    members = column.strategy.members if isinstance(column.strategy, JsonOnly) else ()
    reasons = keeping(table, column).values()
    return replace(
        place,
        without=members,
        common=common_of(column.strategy) or ("word" if place.kind == "words" else ""),
        kept=sql.SQL(" OR ").join(reasons) if reasons else None,
        inside=inside_of(column),
        unsaid=_unsaid(column) if place.is_document else "",
    )


def _kept(pair: tuple[TablePlan, ColumnPlan]) -> tuple[bool, str | None]:
    """Whether the policy keeps a column, and what documents that repeat it call its values, where that matters."""
    column = pair[1].column
    return isinstance(pair[1].strategy, Keep), None if column.category in OPAQUE else called(column.name)


def _unsaid(column: ColumnPlan) -> str:
    """Leaves that others are moved to when days and amounts in documents are: one is another's fake by chance."""
    kinds = {str(s.kind) for s in strategies_in(column.strategy) if s.masks}  # type: ignore[attr-defined]
    patterns = [pattern for pattern, some in ((DAYS, MOVING_DAYS), (AMOUNTS, MOVING_AMOUNTS)) if kinds & some]
    return "|".join(f"^({pattern})$" for pattern in patterns)


def _columns(plan: DatabasePlan) -> dict[Key, tuple[TablePlan, ColumnPlan]]:
    return {(t.table.schema, t.table.name, c.column.name): (t, c) for t in plan.tables for c in t.columns}


def _public(plan: DatabasePlan) -> list[Key]:
    kept = ((key, c.strategy) for key, (_, c) in _columns(plan).items())
    return sorted(key for key, strategy in kept if isinstance(strategy, Keep) and strategy.public)
