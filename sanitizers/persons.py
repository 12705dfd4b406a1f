"""Who a row is about, and so what the fakes of its columns are drawn by. Pure.

Names, login and e-mail address of a row are those of one fake person. That person is drawn by the row's key: the
columns that the policy names, or else the first of e-mail address, login and name that is not NULL in the row. Each has
a label of its own, so that the same login is the same person in every row in which it is the login that decides. An
address is always drawn by itself, so that it is the same fake in every table. Details (phone, street, dates) are the
person's where every row is about another one; where they are not, or where something refers to the column, they are
drawn by their own value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sanitizers.digests import DigestSource
from sanitizers.schema import Column

if TYPE_CHECKING:
    from sanitizers.plan import ColumnPlan, TablePlan
    from sanitizers.strategies.strategy import MaskingStrategy

KEYS = ("email", "user_name", "full_name")
"""Strategies whose column says alone who somebody is, the best first."""
NAMES = ("first_name", "last_name")
FULL = (*NAMES, "full_name")
NAME = "person name"
MOVED_TOGETHER = ("date_shift", "range_shift")
FOLDED = ("email", *FULL)
PERSON = "person {}"
NAMED = {"email": PERSON.format("email"), "user_name": PERSON.format("user_name"), **dict.fromkeys(FULL, NAME)}
"""Label of the digests of a value that says by itself who somebody is, by its strategy."""
PER = "shift per {}"
MOST_COLUMNS = 90  # a function takes a hundred arguments


@dataclass(frozen=True)
class Draw:
    """What one column's fakes are drawn by; numbers of `Draws.sources`."""

    digest: int
    mark: int
    guarded: bool
    """Whether NULL must be seen to, because the digest is not NULL where the value is."""


@dataclass(frozen=True)
class Draws:
    """The digests of a row, each computed once, and which column uses which."""

    sources: tuple[DigestSource, ...]
    of: Mapping[str, Draw]


def find_draws(table: TablePlan) -> Draws:
    """Decide for every column of the table that uses a digest."""
    key = _key(table)
    sources: dict[DigestSource, int] = {}
    of: dict[str, Draw] = {}
    for plan in _whole(table):
        if plan.strategy.digested:
            digest, mark = _sources(table, plan, key)
            first, second = (sources.setdefault(source, len(sources)) for source in (digest, mark))
            of[plan.column.name] = Draw(first, second, guarded=not _follows(digest, plan.column))
    return Draws(tuple(sources), of)


def decides(table: TablePlan, plan: ColumnPlan) -> bool:
    """Whether a column's value alone decides its fake."""
    return table.draws.sources[table.draws.of[plan.column.name].digest].columns == (plan.column,)


def person_of_each_row(table: TablePlan) -> DigestSource | None:
    """The key of the person where every row is about another one, or None."""
    key = _key(table)
    return key if key is not None and _one_row_each(key) else None


def _sources(table: TablePlan, plan: ColumnPlan, key: DigestSource | None) -> tuple[DigestSource, DigestSource]:
    own = _own(plan)
    if per := getattr(plan.strategy, "per", ()):
        together = _shared(table, plan, per)
        return together, together
    if key is not None and _is_key(key, plan):
        return key, key
    if key is None or plan.strategy.by_value or plan.column.name in table.linked or _repeated(table, plan):
        return own, own
    if plan.strategy.draws == "identity":
        alone = plan.strategy.kind == "email" and not table.rule.person
        return (own, own) if alone else (key, own if plan.strategy.keeps_unique else key)
    asked = getattr(plan.strategy, "by", "") == "person"
    if not asked and (plan.column.unique or not _one_row_each(key)):
        return own, own
    return key, own if plan.strategy.keeps_unique else key


def _shared(table: TablePlan, plan: ColumnPlan, per: Sequence[str]) -> DigestSource:
    """By other columns of the row, or by the value where they are NULL; alike for every column that says the same."""
    columns = tuple(column for name in per if (column := table.table.column(name)))
    return DigestSource(PER.format(_origin(table, columns)), columns, fold=True, otherwise=(plan.column,))


def own_source(strategy: MaskingStrategy, column: Column) -> DigestSource:
    """By the value alone: under the label by which a person is known, where it is such a value."""
    kind = str(strategy.kind)  # type: ignore[attr-defined]  # every subclass has it
    if kind in KEYS or kind in NAMES:
        return DigestSource(NAMED[kind], (column,), fold=kind in FOLDED)
    return DigestSource(strategy.label, (column,))


def _own(plan: ColumnPlan) -> DigestSource:
    return own_source(plan.strategy, plan.column)


def _key(table: TablePlan) -> DigestSource | None:
    """What says who a row is about, or None where nothing does."""
    if table.rule.person:
        return _declared(table)
    return next((_always(table, key) for key in _keys(table)), None)


def _keys(table: TablePlan) -> Iterator[DigestSource]:
    """All that says who a row is about, the best first."""
    for kind in KEYS:
        leading = [p for p in _whole(table) if p.strategy.kind == kind and _may_lead(p)]
        leading.sort(key=lambda p: (p.column.name not in table.linked, not p.column.unique))
        yield from map(_own, leading)
    names = [next((p.column for p in _whole(table) if p.strategy.kind == kind), None) for kind in NAMES]
    if present := tuple(column for column in names if column is not None):
        yield DigestSource(NAME, present, fold=True)


def _may_lead(plan: ColumnPlan) -> bool:
    return getattr(plan.strategy, "by", "") != "value"


def _declared(table: TablePlan) -> DigestSource:
    columns = tuple(c for name in table.rule.person if (c := table.table.column(name)))
    plan = next((p for p in _whole(table) if p.column.name == table.rule.person[0]), None)
    if len(columns) == 1 and plan is not None and plan.strategy.kind in {*KEYS, *NAMES}:
        return _always(table, _own(plan))
    people = table.rule.person_of or _origin(table, columns)
    if people in NAMED:
        return _always(table, DigestSource(NAMED[people], columns, people in FOLDED))
    label = PERSON.format(people)
    # A policy may call its people "name", which is not to be the label of everybody's name.
    free = label if label not in NAMED.values() else f"{label} of the policy"
    return _always(table, DigestSource(free, columns, fold=True))


def _always(table: TablePlan, key: DigestSource) -> DigestSource:
    """The key with what a row falls back on where it is NULL: who the person is by other keys, or only its row."""
    if any(column.not_null for column in key.columns):
        return key
    others = tuple(other for other in _keys(table) if other.columns != key.columns)
    names = next(iter(table.table.identities), ())
    row = [column for name in names if (column := table.table.column(name))] or table.table.columns[:MOST_COLUMNS]
    return replace(key, instead=others, row=tuple(row), table=table.table.qualified)


def _origin(table: TablePlan, columns: Sequence[Column]) -> str:
    """Where such numbers come from: the column that a foreign key leads to, or else this one."""
    if columns and columns[0].references:
        return str(columns[0].references[0])
    return ".".join((table.table.schema, table.table.name, *(c.name for c in columns)))


def _is_key(key: DigestSource, plan: ColumnPlan) -> bool:
    return key.columns == (plan.column,) and key.label == _own(plan).label


def _follows(source: DigestSource, column: Column) -> bool:
    """Whether the digest is NULL exactly where the column is."""
    return source.nullable and source.columns == (column,)


def _one_row_each(key: DigestSource) -> bool:
    return len(key.columns) == 1 and key.columns[0].distinct


def _repeated(table: TablePlan, plan: ColumnPlan) -> bool:
    """Whether an earlier column is of the same kind: a second telephone number must not be the first one again.

    Dates are to move together, so that what came first stays first.
    """
    kind = plan.strategy.kind
    same = [p.column.name for p in _whole(table) if p.strategy.kind == kind and p.strategy.draws != "value"]
    return kind not in MOVED_TOGETHER and plan.column.name in same[1:]


def _whole(table: TablePlan) -> Iterator[ColumnPlan]:
    """All but arrays whose elements are masked one by one: each of those is drawn by itself alone."""
    yield from (p for p in table.columns if not p.inside)
