"""What a strategy does inside values: which parts it keeps on purpose, and what it takes texts apart by. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from sanitizers.plan import ColumnPlan
from sanitizers.strategies.composite import Composite
from sanitizers.strategies.constant import Constant
from sanitizers.strategies.document import Document
from sanitizers.strategies.hstore import Hstore
from sanitizers.strategies.json_only import JsonOnly
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.listed import Listed
from sanitizers.strategies.nested import masked_value
from sanitizers.strategies.null import Null
from sanitizers.strategies.paths import parse_path
from sanitizers.strategies.scrub import Scrub
from sanitizers.strategies.strategy import Inputs, MaskingStrategy


@dataclass(frozen=True)
class Inside:
    """How single leaves of a column's values count."""

    kept: tuple[str, ...] = ()
    """Patterns, as of `keep_values`, of leaves that stay."""
    names: tuple[str, ...] = ()
    """Texts that the paths of the policy name, as `email` in `attrs[key=email]`: nobody's data."""
    separators: tuple[str, ...] = ()
    """What lists in one text are taken apart by."""
    staying: sql.Composable | None = None
    """SQL for the value of row `t` with nothing in it but the parts that the policy keeps, where it keeps some."""


WHOLE = Inside()


def inside_of(plan: ColumnPlan) -> Inside:
    """What counts inside the values of a column."""
    strategies = [strategy for _, strategy in _below("", plan.strategy)]
    inner = strategies if plan.inside else strategies[1:]
    return Inside(
        kept=tuple(dict.fromkeys(pattern for s in inner for pattern in s.keep_values)),
        names=tuple(dict.fromkeys(name for s in strategies for name in _named(s))),
        separators=tuple(dict.fromkeys(s.separator for s in strategies if isinstance(s, Listed))),
        staying=_staying_value(plan),
    )


def _staying_value(plan: ColumnPlan) -> sql.Composable | None:
    strategy, value = _staying(plan.strategy), sql.Identifier("t", plan.column.name)
    if strategy is None:
        return None
    nothing = sql.SQL("NULL::bytea")
    made = masked_value(strategy, plan.column, Inputs(value, nothing, nothing))
    return sql.SQL("({})::{}").format(made, sql.SQL(plan.column.type))


def _staying(strategy: MaskingStrategy) -> MaskingStrategy | None:
    """A strategy that leaves the kept parts as they are and takes all others out; None where none is kept."""
    left = {name: s if isinstance(s, Keep) else _staying(s) for name, s in _parts(strategy) if name != "rest"}
    rest = getattr(strategy, "rest", "")
    if rest != "keep" and not any(left.values()):
        return None
    alone: dict[str, object] = {"keep_values": (), "keep_if": ""}
    match strategy:
        case Document():  # a text, not NULL, is for strings and numbers alone: what is no leaf goes on to the rest
            paths = tuple((path, s if isinstance(s, Keep | Null) else Constant(value="")) for path, s in strategy.paths)
            return strategy.model_copy(update={**alone, "paths": paths, "rest": "keep" if rest == "keep" else "drop"})
        case Hstore():
            keys = tuple((key, s if isinstance(s, Keep) else Null()) for key, s in strategy.keys)
            return strategy.model_copy(update={**alone, "keys": keys, "rest": "keep" if rest == "keep" else "drop"})
        case Composite():
            attributes = tuple((name, left[name] or Null()) for name, _ in strategy.attributes)
            return strategy.model_copy(update={**alone, "attributes": attributes})
    return None


def kept_parts(plan: ColumnPlan) -> tuple[str, ...]:
    """The names of the parts of a masked column's values that stay as they are, or some of whose values do."""
    below = list(_below("", plan.strategy))
    parts = [name for name, s in below[1:] if isinstance(s, Keep) or s.keep_values]
    rests = [f"{name} rest".strip() for name, s in below if getattr(s, "rest", "") == "keep"]
    texts = ["what does not look personal"] if isinstance(plan.strategy, Scrub) else []
    members = [member for _, s in below if isinstance(s, JsonOnly) for member in s.members]
    elements = ["elements"] if plan.inside and plan.strategy.keep_values else []
    return tuple(dict.fromkeys([*elements, *parts, *rests, *texts, *members]))


def strategies_in(strategy: MaskingStrategy) -> tuple[MaskingStrategy, ...]:
    """The strategy and all that are inside it."""
    return tuple(one for _, one in _below("", strategy))


def common_of(strategy: MaskingStrategy) -> str:
    """How much a few originals elsewhere say; see `strategies.strategy`."""
    return common_of(strategy.of) if isinstance(strategy, Listed) else strategy.common


def _below(name: str, strategy: MaskingStrategy) -> Iterator[tuple[str, MaskingStrategy]]:
    """The strategy and those inside it, with the names of their places."""
    yield name, strategy
    for part, inner in _parts(strategy):
        yield from _below(f"{name} {part}".strip(), inner)


def _parts(strategy: MaskingStrategy) -> Iterator[tuple[str, MaskingStrategy]]:
    match strategy:
        case Document():
            yield from strategy.paths
        case Hstore():
            yield from strategy.keys
        case Composite():
            yield from strategy.attributes
        case Listed():
            yield "each", strategy.of
    rest = getattr(strategy, "rest", None)
    if isinstance(rest, MaskingStrategy):
        yield "rest", rest


def _named(strategy: MaskingStrategy) -> Iterator[str]:
    if isinstance(strategy, Document):
        for path, _ in strategy.paths:
            yield from (value for _, value in parse_path(path).conditions)
