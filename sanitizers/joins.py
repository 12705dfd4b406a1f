"""Identifying numbers that are equal in two tables and get different fakes, since a person decides one of them. Pure.

What a row's person decides (`persons`) joins with nothing but what the same person decides. Whether two columns of the
same class of numbers are joined, nobody can see in a schema: so it is told, with the line that makes them join.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sanitizers.persons import decides
from sanitizers.plan import ColumnPlan, MaskingPlan, TablePlan
from sanitizers.problems.links import form_of_fakes
from sanitizers.rules import ColumnPath, pattern_of
from sanitizers.schema import Column
from sanitizers.strategies import MaskingStrategy
from sanitizers.strategies.composite import Composite
from sanitizers.strategies.document import Document
from sanitizers.strategies.hstore import Hstore
from sanitizers.strategies.inner import Parts
from sanitizers.strategies.listed import PART, Listed

IDENTIFYING: Mapping[str, str] = {
    "phone": "telephone numbers",
    "national_id": "national ids",
    "card": "card numbers",
    "iban": "IBANs",
    "imei": "IMEI numbers",
    "vin": "vehicle numbers",
    "ip": "IP addresses",
    "mac": "hardware addresses",
}
"""Strategies whose originals say who or what they are about, so that tables are joined by them; and what those are."""


@dataclass(frozen=True)
class _Use:
    """A column, or a part of its values, that such a strategy masks."""

    path: ColumnPath
    kind: str
    strategy: MaskingStrategy
    key: str = ""
    """The label of the person that decides; empty: the value."""
    plan: ColumnPlan | None = None
    """The column; None for parts of values, which no link can name."""
    part: str = ""

    @property
    def values(self) -> Column:
        """What the strategy sees."""
        return self.plan.column if self.plan else PART

    def __str__(self) -> str:
        return ".".join(self.path) + (f" ({self.part})" if self.part else "")


def find_torn_numbers(plan: MaskingPlan) -> Iterator[str]:
    """A sentence for each class of numbers that are not drawn alike everywhere."""
    classes: defaultdict[str, list[_Use]] = defaultdict(list)
    for database in plan.databases:
        for table in (t for t in database.tables if not t.empty):
            for use in _uses((database.database, table.table.schema, table.table.name), table):
                classes[form_of_fakes(use.strategy, use.values)].append(use)
    for uses in classes.values():
        yield from _told(uses)


def _uses(place: tuple[str, str, str], table: TablePlan) -> Iterator[_Use]:
    """The first column of each class: a second telephone number of a row is meant to be another one."""
    seen = set[str]()
    for column in table.columns:
        path, strategy = (*place, column.column.name), column.strategy
        for name, inner in _parts(strategy):
            if (kind := str(inner.kind)) in IDENTIFYING:  # type: ignore[attr-defined]  # every subclass has it
                yield _Use(path, kind, inner, part=name)
        if strategy.kind not in IDENTIFYING or getattr(strategy, "by", "") == "person":
            continue
        if column.inside:
            yield _Use(path, strategy.kind, strategy)
        elif strategy.kind not in seen:
            seen.add(strategy.kind)
            draws = table.draws
            key = "" if decides(table, column) else draws.sources[draws.of[column.column.name].digest].label
            yield _Use(path, strategy.kind, strategy, key, column)


def _parts(strategy: MaskingStrategy) -> Parts:
    match strategy:
        case Document() | Hstore():
            return strategy.named
        case Composite():
            return strategy.attributes
        case Listed():
            return (("", strategy.of),)
        case _:
            return ()


def _told(uses: list[_Use]) -> Iterator[str]:
    """One sentence, or none: a value before another person, and what can be linked before what cannot."""
    for here in (use for use in uses if use.key):
        others = [use for use in uses if use.path[:3] != here.path[:3] and use.key != here.key]
        others.sort(key=lambda use: (use.key != "", use.plan is None))
        if others:
            more = [sum(use.key == one.key for use in uses) - 1 for one in (here, others[0])]
            yield _sentence(here, others[0], *map(_more, more))
            return


def _sentence(here: _Use, there: _Use, more_here: str, more_there: str) -> str:
    other = "another key of its row" if there.key else "itself"
    return (
        f"{here}{more_here} is drawn by its row's person and {there}{more_there} by {other}, so that equal"
        f" {IDENTIFYING[here.kind]} get different fakes: where they are joined, add {_link(here, there)}"
        'by = "value" to each that is drawn by a person'
    )


def _more(count: int) -> str:
    return f" (and {count} more)" if count else ""


def _link(here: _Use, there: _Use) -> str:
    """The link to add, from a column of many rows to one that has each value once; nothing where there can be none."""
    if there.plan is None or here.plan is None or here.strategy.masking != there.strategy.masking:
        return ""
    child, parent = (here, there) if there.plan.column.unique else (there, here)
    from_, to = (json.dumps(pattern_of(use.path), ensure_ascii=False) for use in (child, parent))
    return f"[[links]] with from = {from_} and to = {to}, or "
