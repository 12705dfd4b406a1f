"""What a proof searches for and where: every masked column's originals, in every place of the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import psycopg
from psycopg import sql

from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.proof.decided import OPAQUE, called
from sanitizers.proof.definitions import literals, read_definitions, read_labels
from sanitizers.proof.inside import WHOLE, Inside, common_of, inside_of, strategies_in
from sanitizers.proof.kept import keeping
from sanitizers.proof.looked import Looked
from sanitizers.proof.places import Place, read_columns, read_statistics
from sanitizers.proof.residue import Search
from sanitizers.strategies.json_only import JsonOnly
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.scrub import Scrub
from sanitizers.track import Track

Key = tuple[str, str, str]
"""Schema, table, column."""
T = TypeVar("T")

MATVIEWS = "SELECT schemaname::text, matviewname::text FROM pg_matviews"
DAYS = r"\d{4}-\d\d-\d\d([ t]00:00(:00(\.0+)?)?(z|[+-]\d\d(:?\d\d)?)?)?"
AMOUNTS = r"-?\d+(\.\d+)?"
MOVING_DAYS = frozenset({"date_shift", "generalize"})
MOVING_AMOUNTS = frozenset({"noise", "generalize", "coordinates"})


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
        search.add_originals(place)
    search.add_named(names_of_kept(plan))
    return found.problems


def names_of_kept(plan: DatabasePlan) -> list[str]:
    """What documents that repeat kept columns of texts call their values."""
    return sorted({called for kept, called in map(_kept, _columns(plan).values()) if kept and called})


def look(plan: DatabasePlan, search: Search, target: psycopg.Connection, track: Track) -> None:
    """Look into every column, all statistics and all definitions of the target."""
    pairs = columns_to_look_at(plan, target)
    for number, (looked, place) in enumerate(pairs):
        track.say(str(place), number, len(pairs))
        search.add_column(looked, place)
    search.add_labels(read_labels(target))
    for looked, sampled in sampled_to_look_at(plan, target, read_statistics(target)):
        search.add_texts(looked, sampled)
    for looked, texts in quoted_to_look_at(plan, target):
        search.add_texts(looked, texts)


def columns_to_look_at(plan: DatabasePlan, target: psycopg.Connection) -> list[tuple[Looked, Place]]:
    """Every column, masked or not."""
    secret, columns, roads = frozenset(_public(plan)), _columns(plan), read_roads(target)
    found = []
    for place in read_columns(target):
        name, road = f"{plan.database}.{place}", _road(place, roads)
        looked, lists = Looked(name, place.derived, place.key in secret, place.labels, road=road), WHOLE
        if place.key in columns:
            column = columns[place.key][1]
            lists = Inside(separators=inside_of(column).separators)
            kept, said = _kept(columns[place.key])
            looked = replace(looked, drawn=_drawn(column), kept=kept, called=said)
        found.append((looked, replace(place, inside=lists)))
    return found


def sampled_to_look_at(
    plan: DatabasePlan, target: psycopg.Connection, sampled: Iterable[tuple[str, T]]
) -> Iterator[tuple[Looked, T]]:
    """What the planner has sampled, given by name."""
    labelled = {str(place) for place in read_columns(target) if place.labels}
    for name, what in sampled:
        about = f"the statistics of {plan.database}.{name}"
        yield Looked(about, derived=True, labels=name in labelled, road="statistics"), what


def quoted_to_look_at(plan: DatabasePlan, target: psycopg.Connection) -> Iterator[tuple[Looked, Iterable[str]]]:
    """What definitions quote."""
    for it in read_definitions(target):
        about = f"the definition of {it.name} in {plan.database}"
        yield Looked(about, derived=True, road="definitions"), literals(it.text, it.labels)


def read_roads(target: psycopg.Connection) -> Mapping[tuple[str, str], str]:
    """Of relations whose columns Postgres computes, the road that answers for them."""
    return dict.fromkeys(target.execute(MATVIEWS), "matviews")


def _road(place: Place, roads: Mapping[tuple[str, str], str]) -> str:
    computed = "generated" if place.derived or place.kind == "words" else "columns"
    return roads.get((place.schema, place.table), computed)


def not_searched(plan: DatabasePlan) -> tuple[str, ...]:
    """Masked columns whose originals and fakes share one small domain."""
    return tuple(".".join(key) for key, (_, c) in _columns(plan).items() if _drawn(c))


def _drawn(column: ColumnPlan) -> bool:
    """Whether fakes are of one small domain with originals; of a scrubbed text most is what somebody wrote."""
    return column.masked and column.residue == "none" and not isinstance(column.strategy, Scrub)


def public(plan: DatabasePlan) -> tuple[str, ...]:
    """Kept columns that the policy calls public."""
    return tuple(".".join(key) for key in _public(plan))


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
    """Whether the policy keeps or scrubs a column, and what documents that repeat it call it, where that matters."""
    column = pair[1].column
    return isinstance(pair[1].strategy, Keep | Scrub), None if column.category in OPAQUE else called(column.name)


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
