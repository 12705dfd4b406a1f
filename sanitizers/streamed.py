"""Tables of which Python makes some values: what must be read for that, and how the rows change as they stream by.

The masked SELECT gives a stand-in for such a value. This one gives the original, and behind the columns of the table
what texts may hold besides: the originals of the row's masked columns, and those of the rows that it refers to, with
their fakes. None of that goes on: `sanitizers.fields.rows` drops what is behind the columns of the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from psycopg import sql

from sanitizers.plan import ColumnPlan, Parent, TablePlan
from sanitizers.select import OUTER, WHOLE, Slice, masked_select
from sanitizers.strategies.encrypt import Encrypt
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.scrub import Scrub
from sanitizers.wanted import Rows

TELLING = frozenset({"text", "integer", "number", "date", "timestamp", "uuid", "inet"})
"""Categories whose values can be recognized in a text."""
ENCRYPTED = "[encrypted]"
"""What a text gets in place of a value that is encrypted in its own column."""
REMOVED = "[removed]"
"""The same where the fake is NULL."""

_ROWS, _PARENT = "m", "p{}"
_ORIGINAL, _KEY, _VALUE = "branchwarden original {}", "branchwarden key {}", "branchwarden value {}"


@dataclass(frozen=True)
class Pair:
    """Where in a row of the stream an original is that texts may hold, and its fake."""

    original: int
    fake: int | None
    """None: what comes instead is `ENCRYPTED`."""
    name: bool = False
    """Whether it is somebody's whole name, of which texts may hold a part."""


@dataclass(frozen=True)
class Stream:
    """The rows of a table, or a part of it, as they are read where Python makes some of the values."""

    table: TablePlan
    part: Slice = WHOLE
    pairs: tuple[Pair, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", tuple(self._pairs()))

    @property
    def width(self) -> int:
        """Columns of the stream, those behind the table's among them."""
        parents = sum(2 * len(_telling(parent.plan)) for parent in self._parents)
        return len(self.table.columns) + len(self._others) + len(self._known) + parents

    def place(self, number: int) -> int:
        """Where in a row of the stream the value is that the column's token is made of."""
        names = list(self._others)
        return len(self.table.columns) + names.index(number) if number in self._others else number

    def origin(self, number: int) -> ColumnPlan:
        """The column whose value that is, as the catalog has it."""
        return self.table.columns[self._others.get(number, number)]

    @property
    def select(self) -> sql.Composed:
        """SELECT the columns of the plan, masked but for those that Python makes, and what texts may hold behind."""
        more: dict[str, sql.Composable] = {_VALUE.format(n): _as_text(other) for n, other in self._others.items()}
        more |= {_ORIGINAL.format(n): _as_text(n) for n in self._known}
        behind = list(more)
        if not self._parents:
            return masked_select(_raw(self.table), self.part, more)
        keys = [self._number(name) for parent in self._parents for name in parent.key.columns]
        more |= {_KEY.format(n): sql.Identifier(OUTER, f"c{n}") for n in keys}
        names = [*(p.column.name for p in self.table.columns), *behind]
        columns: list[sql.Composable] = [sql.Identifier(_ROWS, name) for name in names]
        columns += [name for at, parent in enumerate(self._parents) for name in _beside(at, parent)]
        return sql.SQL("SELECT {} FROM ({}) AS {} {}").format(
            sql.SQL(", ").join(columns),
            masked_select(_raw(self.table), self.part, more),
            sql.Identifier(_ROWS),
            sql.SQL(" ").join(self._joined(at, parent) for at, parent in enumerate(self._parents)),
        )

    def _pairs(self) -> Iterator[Pair]:
        at = len(self.table.columns) + len(self._others)
        for n in self._known:
            plan = self.table.columns[n]
            yield Pair(at, None if isinstance(plan.strategy, Encrypt) else n, name=_is_name(plan))
            at += 1
        for parent in self._parents:
            for n in _telling(parent.plan):
                plan = parent.plan.columns[n]
                yield Pair(at, None if isinstance(plan.strategy, Encrypt) else at + 1, name=_is_name(plan))
                at += 2

    @cached_property
    def _others(self) -> Mapping[int, int]:
        """Columns that hold the tokens of others, and which those are."""
        asked = {n: p.strategy.of for n, p in enumerate(self.table.columns) if isinstance(p.strategy, Encrypt)}
        return {n: self._number(name) for n, name in asked.items() if name}

    @cached_property
    def _known(self) -> tuple[int, ...]:
        """Columns of the table whose originals its texts may hold."""
        scrubs = any(isinstance(plan.strategy, Scrub) for plan in self.table.columns)
        return _telling(self.table) if scrubs else ()

    @cached_property
    def _parents(self) -> tuple[Parent, ...]:
        """Those whose rows can be found by what is copied of both tables."""
        there = {plan.column.name for plan in self.table.columns}
        return tuple(
            p for p in self.table.parents if there.issuperset(p.key.columns) and _covers(p.plan, p.key.targets)
        )

    def _number(self, name: str) -> int:
        return next(n for n, plan in enumerate(self.table.columns) if plan.column.name == name)

    def _joined(self, at: int, parent: Parent) -> sql.Composed:
        """The rows that are referred to, every one of the table: also those that a sample leaves out."""
        everybody = parent.plan.rule.model_copy(update={"rows": "all"})
        plan = replace(_raw(parent.plan), rows=Rows(), rule=everybody)
        numbers = {p.column.name: n for n, p in enumerate(plan.columns)}
        more: dict[str, sql.Composable] = {_ORIGINAL.format(n): _as_text(n) for n in _telling(parent.plan)}
        more |= {_KEY.format(numbers[name]): sql.Identifier(OUTER, f"c{numbers[name]}") for name in parent.key.targets}
        alias = _PARENT.format(at)
        same = (
            sql.SQL("{} = {}").format(
                sql.Identifier(_ROWS, _KEY.format(self._number(column))),
                sql.Identifier(alias, _KEY.format(numbers[target])),
            )
            for column, target in zip(parent.key.columns, parent.key.targets, strict=True)
        )
        return sql.SQL("LEFT JOIN ({}) AS {} ON {}").format(
            masked_select(plan, more=more), sql.Identifier(alias), sql.SQL(" AND ").join(same)
        )


def _raw(table: TablePlan) -> TablePlan:
    """The table with the originals of what Python makes."""
    columns = (replace(p, strategy=Keep()) if p.strategy.streamed else p for p in table.columns)
    return replace(table, columns=tuple(columns))


def _telling(table: TablePlan) -> tuple[int, ...]:
    """Masked columns whose originals can be recognized in a text."""
    return tuple(
        n
        for n, plan in enumerate(table.columns)
        if plan.masked and plan.column.category in TELLING and not isinstance(plan.strategy, Scrub)
    )


def _beside(at: int, parent: Parent) -> Iterator[sql.Composable]:
    """Originals and fakes of the row that is referred to."""
    alias = _PARENT.format(at)
    for n in _telling(parent.plan):
        yield sql.Identifier(alias, _ORIGINAL.format(n))
        yield sql.SQL("{}::text").format(sql.Identifier(alias, parent.plan.columns[n].column.name))


def _as_text(number: int) -> sql.Composed:
    return sql.SQL("{}::text").format(sql.Identifier(OUTER, f"c{number}"))


def _is_name(plan: ColumnPlan) -> bool:
    return plan.strategy.kind == "full_name"


def _covers(plan: TablePlan, names: tuple[str, ...]) -> bool:
    return {p.column.name for p in plan.columns}.issuperset(names)
