"""What is right as the policy says it and may still not be what was meant, one sentence each, for readers of a plan."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sanitizers.persons import decides
from sanitizers.plan import ColumnPlan, MaskingPlan
from sanitizers.rules import ColumnPath, pattern_of

LOGIN = "user_name"

_Place = tuple[ColumnPath, ColumnPlan]


def find_notes(plan: MaskingPlan) -> tuple[str, ...]:
    """Every note on a plan."""
    return tuple(_logins(plan))


def _logins(plan: MaskingPlan) -> Iterator[str]:
    """Logins that follow another key of their row, while elsewhere they decide."""
    alone: list[_Place] = []
    following: list[_Place] = []
    for database in plan.databases:
        for table in database.tables:
            for column in table.columns:
                if column.strategy.kind == LOGIN and not column.inside:
                    path = (database.database, table.table.schema, table.table.name, column.column.name)
                    (alone if decides(table, column) else following).append((path, column))
    if alone:
        yield from (_torn(place, alone[0], len(alone) - 1) for place in following)


def _torn(place: _Place, other: _Place, more: int) -> str:
    """The sentence, with the link to add: from a column of many rows to one that has each value once."""
    child, parent = (place, other) if other[1].column.unique and not place[1].column.unique else (other, place)
    from_, to = (json.dumps(pattern_of(path), ensure_ascii=False) for path, _ in (child, parent))
    here, there = ".".join(place[0]), ".".join(other[0]) + (f" (and {more} more)" if more else "")
    return (
        f"{here} is drawn by its row's person and {there} by itself, so that the same login gets different fakes:"
        f" where they are joined, add [[links]] with from = {from_} and to = {to}"
    )
