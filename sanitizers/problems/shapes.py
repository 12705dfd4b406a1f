"""What speaks against strategies on this table's types and constraints, one sentence each. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sanitizers.conditions import condition_problem, read_expression
from sanitizers.problems.keys import not_together
from sanitizers.problems.place import Place
from sanitizers.schema import Column, Exclusion
from sanitizers.strategies import Strategy
from sanitizers.strategies.date_shift import DateShift
from sanitizers.strategies.derived import Derived
from sanitizers.strategies.encrypt import Encrypt
from sanitizers.strategies.null import Null
from sanitizers.strategies.permute import Permute
from sanitizers.strategies.range_shift import RangeShift
from sanitizers.strategies.scrub import Scrub
from sanitizers.strategies.shuffle import Shuffle
from sanitizers.strategies.sql_expression import SqlExpression

VALUE = "value"


def find_shape_problems(place: Place) -> Iterator[str]:
    """Every problem with expressions, orders, labels, partitions and exclusion constraints."""
    for column in place.table.columns:
        strategy = place.strategy(column.name)
        if strategy is not None and not column.generated:
            yield from (f"{place}.{column.name}: {problem}." for problem in _problems(place, column, strategy))
    for exclusion in place.table.exclusions:
        if problem := _exclusion(place, exclusion):
            yield f"{place}: {problem}."


def _problems(place: Place, column: Column, strategy: Strategy) -> Iterator[str]:
    match strategy:
        case SqlExpression():
            yield from _expression(place, column, strategy)
        case Derived():
            yield from _derived(place, column, strategy)
        case Shuffle():
            yield from _shuffle(place, column, strategy)
        case DateShift() | RangeShift():
            missing = [name for name in strategy.per if place.table.column(name) is None]
            yield from (f"{strategy.kind}: per: there is no column {name}" for name in missing)
            if strategy.per and place.linked(column.name):
                yield f"{strategy.kind}: per would tear it from the columns that it refers to or that refer to it"
    yield from (*_streamed(place, column, strategy), *_of(place, strategy))
    if column.partition_key and place.table.closed and strategy.masks and not isinstance(strategy, Shuffle):
        yield (
            f"{strategy.kind} does not fit: rows go to partitions by this column, and a fake may have none to go to:"
            " keep it, or add a default partition"
        )


def _of(place: Place, strategy: Strategy) -> Iterator[str]:
    if not isinstance(strategy, Encrypt) or not strategy.of:
        return
    other = place.table.column(strategy.of)
    if other is None or other.generated:
        what = "there is no column" if other is None else "Postgres generates the column"
        yield f"encrypt: of: {what} {strategy.of}"


def _streamed(place: Place, column: Column, strategy: Strategy) -> Iterator[str]:
    """Values that Python makes: of all rows, and alike at both ends of a reference."""
    if not strategy.streamed:
        return
    if place.rule.keep_rows:
        yield f"{strategy.kind} is for all rows, and keep_rows would leave some as they are: take keep_rows out"
    if place.linked(column.name) and not (isinstance(strategy, Encrypt) and strategy.deterministic):
        remedy = "set deterministic = true" if isinstance(strategy, Encrypt) else "choose another strategy"
        yield f"{strategy.kind} would tear it from the columns that it refers to or that refer to it: {remedy}"
    elif place.linked(column.name) and isinstance(strategy, Encrypt) and strategy.of:
        yield "encrypt: of would tear it from the columns that it refers to or that refer to it"
    elif place.linked(column.name) and column.case_insensitive:
        yield "encrypt would tear it from texts that are equal to it but for their case (citext): keep it or use digest"


def _expression(place: Place, column: Column, strategy: SqlExpression) -> Iterator[str]:
    names = {VALUE, *(c.name for c in place.table.columns)}
    try:
        used = read_expression(strategy.expression_, names, strategy.functions).columns
    except ValueError as error:
        yield f"sql: {error}"
        return
    if place.linked(column.name) and used - {VALUE}:
        yield "sql: other columns would tear it from the columns that it refers to or that refer to it: use value alone"


def _derived(place: Place, column: Column, strategy: Derived) -> Iterator[str]:
    if place.linked(column.name):
        yield "derived would tear it from the columns that it refers to or that refer to it"
    if problem := condition_problem(strategy.expression_, _masked_names(place), strategy.functions):
        yield f"derived: {problem}"


def _masked_names(place: Place) -> Collection[str]:
    """Columns that are there when others are derived from them."""
    later = (Derived, Encrypt, Scrub)
    return {c.name for c in place.table.columns if not c.generated and not isinstance(place.strategy(c.name), later)}


def _shuffle(place: Place, column: Column, strategy: Shuffle) -> Iterator[str]:
    if place.linked(column.name):
        yield "shuffle would tear it from the columns that it refers to or that refer to it"
    group = strategy.group(column.name)
    for name in group:
        other = place.strategy(name)
        if not isinstance(other, Shuffle) or other.group(name) != group:
            yield f"shuffle: with names {name}, which is not shuffled together with {', '.join(group)}"


def _exclusion(place: Place, exclusion: Exclusion) -> str | None:
    """Rows with equal columns must move together, and rows with other ones must stay apart."""
    columns = [*exclusion.equal, *exclusion.others]
    if not any(map(place.masked, columns)) or any(isinstance(place.strategy(c), Null) for c in columns):
        return None
    merged = [name for name in exclusion.equal if not _stays_apart(place, name)]
    if merged:
        return f"exclusion constraint {exclusion.name}: the fakes of {', '.join(merged)} repeat: use keep or digest"
    if not any(map(place.masked, exclusion.others)):
        return None
    shifts = [place.strategy(c) for c in exclusion.others]
    problem = _apart(place, shifts, exclusion)
    return f"exclusion constraint {exclusion.name}: {problem}" if problem else None


def _stays_apart(place: Place, name: str) -> bool:
    strategy, column = place.strategy(name), place.table.column(name)
    if strategy is None or not strategy.keeps_unique or (isinstance(strategy, Permute) and column and column.loose):
        return False
    return not strategy.masks or not strategy.whole_table


def _apart(place: Place, strategies: Sequence[Strategy | None], exclusion: Exclusion) -> str | None:
    """Why they do not all shift by the same, which the equal columns decide; or None."""
    shifts = [s for s in strategies if isinstance(s, DateShift | RangeShift)]
    alike = {(s.days, s.per, getattr(s, "most", 0), s.keep_if, s.keep_values) for s in shifts}
    if len(shifts) == len(strategies) and len(alike) == 1 and shifts[0].per:
        return not_together(place, shifts[0], exclusion.equal)
    equal = ", ".join(exclusion.equal)
    how = f"date_shift or range_shift with per = [{equal}] for each, or keep" if equal else "keep"
    return f"{', '.join(exclusion.others)} must move together where {equal or 'nothing'} is equal: {how}"
