"""What keeps unique keys from holding after masking, one sentence each. Pure.

Of a key of one plain column its strategy says so itself (`Strategy.fits`). Here is what a strategy cannot see alone:
keys of several columns, keys for which NULL is equal to NULL, keys of the rows that a WHERE clause describes, and rows
that the policy leaves as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from psycopg import sql

from sanitizers.problems.place import Place
from sanitizers.schema import Column, PartialKey
from sanitizers.strategies import Strategy
from sanitizers.strategies.date_shift import DateShift
from sanitizers.strategies.derived import Derived
from sanitizers.strategies.null import Null
from sanitizers.strategies.permute import BLURRED, Permute
from sanitizers.strategies.range_shift import RangeShift
from sanitizers.strategies.shuffle import Shuffle
from sanitizers.strategies.sql_expression import SqlExpression

EXACT = frozenset({"text", "integer", "date", "timestamp", "uuid", "boolean", "enum", "bytea"})
"""Categories of which equal values are written in one way; of the numbers 1.0 and 1.00 it is not so."""
_SCALED = re.compile(r"numeric\(\d+(,\d+)?\)")
_STAYING = "keep it, or shuffle it"
_NAME = r'(?<![\w"]){}(?![\w"])'
_NULLNESS = r"\(?{}\)?(?:::[\w .\"]+)? IS (?:NOT )?NULL"
_PRESENT = r"\(?{}\)?(?:::[\w .\"]+)? IS NOT NULL"
_FILLED = r"\(?{}\)?(?:::[\w .\"]+)? <> ''(?:::[\w .\"]+)?"


def find_key_problems(place: Place) -> Iterator[str]:
    """Every problem of the table's keys."""
    for key in dict.fromkeys((*place.table.unique_keys, *place.table.computed_keys)):
        columns = [column for name in key if (column := place.table.column(name))]
        if key in place.table.strict_keys or (len(key) > 1 and not place.table.holds_anyway(key)):
            yield from _told(place, ((c, _breaks(place, c, key)) for c in columns))
    for key in place.table.unique_keys:
        yield from _told(place, ((c, _makes_equal(place, c, key)) for c in _sources(place, key)))
    yield from _told(place, ((c, _stays_in_part(place, c)) for c in place.table.columns))
    for partial in place.table.partial_keys:
        columns = [column for name in partial.about if (column := place.table.column(name))]
        yield from _told(place, ((c, _changes_rows(place, c, partial)) for c in columns))
    yield from _periods(place)


def _told(place: Place, found: Iterator[tuple[Column, str | None]]) -> Iterator[str]:
    for column, problem in found:
        if problem and (strategy := place.strategy(column.name)):
            yield f"{place}.{column.name}: {strategy.kind} does not fit: {problem}."


def _breaks(place: Place, column: Column, key: tuple[str, ...]) -> str | None:
    """Why rows of which the whole key differs may become equal in it."""
    strategy, named = place.strategy(column.name), ", ".join(key)
    if strategy is None:
        return None
    if strategy.keeps_unique:
        problem = _merges(place, column, key)
        return f"the key ({named}) {problem}" if problem else None
    problem = "" if len(key) > 1 else None
    if isinstance(strategy, DateShift | RangeShift) and not (key in place.table.strict_keys and _computed(place, key)):
        more = not_together(place, strategy, [name for name in key if name != column.name])
        problem = more and f": {more}"
    return None if problem is None else f"its fakes repeat and the key ({named}) must stay unique{problem}"


def _merges(place: Place, column: Column, key: tuple[str, ...]) -> str | None:
    """The same of a strategy whose fakes differ as the originals do."""
    match place.strategy(column.name):
        case Null() if key in place.table.strict_keys:
            return "holds NULL for equal to NULL, or computes something of it"
        case Permute() if key in place.table.computed_keys and column.category == "text":
            return f"computes something of it, in which fakes may be equal: {_STAYING}"
        case Permute() if column.loose:
            return f"must stay unique and {BLURRED}"
        case Shuffle() as shuffle if len(key) > 1 and not set(key) <= set(shuffle.group(column.name)):
            return "must stay unique: shuffle all of its columns together, by with"
        case strategy if strategy and strategy.masks and not isinstance(strategy, Null | Shuffle) and _lost(place, key):
            return f"computes something of it, in which fakes may be equal: {_STAYING}"
        case _:
            return None


def _lost(place: Place, key: tuple[str, ...]) -> bool:
    return key in place.table.lossy_keys and not place.table.holds_anyway(key)


def _computed(place: Place, key: tuple[str, ...]) -> bool:
    return key in place.table.computed_keys or not all(c.not_null for n in key if (c := place.table.column(n)))


def not_together(place: Place, strategy: DateShift | RangeShift, group: Collection[str]) -> str | None:
    """Why rows of which `group` is equal would not all be moved by the same, or None."""
    wanted = f"write per = [{', '.join(group)}], or keep it" if group else "keep it"
    if not strategy.per or not set(strategy.per) <= set(group):
        return f"rows must move together where {', '.join(group) or 'nothing'} is equal: {wanted}"
    if strategy.keep_if or strategy.keep_values or place.rule.keep_rows:
        return "rows that stay as they are would meet those that move: keep all of them, or none"
    columns = [column for name in strategy.per if (column := place.table.column(name))]
    vague = [column.name for column in columns if not _exact(column)]
    if vague:
        return f"values of {', '.join(vague)} can be equal and written in two ways, which would not move alike: keep it"
    return None


def _exact(column: Column) -> bool:
    """Whether equal values have one text, which is what a group is told by."""
    if (part := column.element or column.subtype) is not None:
        return _exact(part)
    scaled = _SCALED.fullmatch(column.base_type or column.type) is not None
    return scaled or (column.category in EXACT and not column.loose and not column.case_insensitive)


def _sources(place: Place, key: tuple[str, ...]) -> list[Column]:
    """The columns that generated ones of the key are made of, where nothing else keeps its rows apart."""
    columns = [column for name in key if (column := place.table.column(name))]
    made = [column for column in columns if column.generated]
    found = [c for c in place.table.columns if not c.generated and any(_named(c, m.generated_as) for m in made)]
    generated = {column.name for column in made}
    known = {*key, *(c.name for c in found)} - generated
    return [] if place.table.holds_anyway(known, itself=True) else found


def _named(column: Column, expression: str) -> bool:
    return re.search(_NAME.format(re.escape(column.name)), expression) is not None or _quoted(column) in expression


def _quoted(column: Column) -> str:
    return sql.Identifier(column.name).as_string()


def _makes_equal(place: Place, column: Column, key: tuple[str, ...]) -> str | None:
    """What is made of a document depends on a part of it, which nobody but Postgres knows."""
    strategy = place.strategy(column.name)
    if strategy is None or strategy.keeps_unique or column.category not in EXACT:
        return None
    return f"its fakes repeat and the key ({', '.join(key)}) is generated of it and must stay unique"


def _stays_in_part(place: Place, column: Column) -> str | None:
    """A fake that is the original of a row which stays as it is would be there twice."""
    strategy = place.strategy(column.name)
    if not isinstance(strategy, Permute | Shuffle):
        return None
    if not column.unique and not place.table.in_fragile_key(column.name):
        return None
    how = [name for name, said in _kept(place, strategy) if said]
    return f"with {', '.join(how)}, fakes may be values that stay, and the column must stay unique" if how else None


def _kept(place: Place, strategy: Strategy) -> tuple[tuple[str, object], ...]:
    return (
        ("keep_rows", place.rule.keep_rows),
        ("keep_if", strategy.keep_if),
        ("keep_values", strategy.keep_values),
    )


def _changes_rows(place: Place, column: Column, key: PartialKey) -> str | None:
    """Whether rows that were not in the index may come into it; which ones they are, the plan cannot know."""
    strategy = place.strategy(column.name)
    if strategy is None or not strategy.masks or _never_equal(place, key):
        return None
    name = f"(?:{re.escape(_quoted(column))}|{re.escape(column.name)})"
    condition = key.condition
    if isinstance(strategy, Null):
        condition = re.sub(_PRESENT.format(name), "", condition) if " OR " not in condition else condition
    elif not isinstance(strategy, Shuffle | SqlExpression | Derived):
        condition = re.sub(_NULLNESS.format(name), "", condition)
    if "" in strategy.keep_values:
        condition = re.sub(_FILLED.format(name), "", condition)
    if condition != key.condition and re.search(_NAME.format(name), condition) is None:
        return None
    return (
        f"{key.name} is unique where {key.condition}, and rows would come under that by their fakes: keep it, or"
        " rather the values that are told apart by it (keep_values)"
    )


def _never_equal(place: Place, key: PartialKey) -> bool:
    """Whether no two rows can be equal in the key, whichever they are."""
    if key.key not in place.table.strict_keys and any(isinstance(place.strategy(n), Null) for n in key.key):
        return True
    return place.table.holds_anyway(key.key, itself=True)


def _periods(place: Place) -> Iterator[str]:
    """A range that is moved by itself leaves the one that contains it."""
    for key in place.table.foreign_keys:
        if key.period:
            parent = (place.database, key.schema, key.table, key.targets[-1])
            there = place.decisions.strategy(parent)
            if place.masked(key.columns[-1]) or (there is not None and there.masks):
                yield (
                    f"{place}.{key.columns[-1]} refers to the PERIOD {'.'.join(parent)}, which must contain it after"
                    " masking as well: keep both."
                )
