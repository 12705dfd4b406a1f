"""What is right as the policy says it and may still not be what was meant, one sentence each, for readers of a plan."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sanitizers.joins import find_torn_numbers
from sanitizers.persons import decides
from sanitizers.plan import ColumnPlan, MaskingPlan, TablePlan
from sanitizers.rules import ColumnPath, pattern_of
from sanitizers.strategies.document import Document
from sanitizers.strategies.leaves import leaves_out

LOGIN = "user_name"
ROWS_PER_SECOND = {"encrypt": 26_000, "scrub": 1_400}
"""Of one such column, as `benchmarks/fields_runs.py` measures it on two cores; a text of 200 bytes."""

_Place = tuple[ColumnPath, ColumnPlan]


def find_notes(plan: MaskingPlan) -> tuple[str, ...]:
    """Every note on a plan."""
    return (*plan.notes, *_rows(plan), *_logins(plan), *find_torn_numbers(plan), *_unread(plan), *_slow(plan))


def _rows(plan: MaskingPlan) -> Iterator[str]:
    """Tables of which the policy leaves rows out, those without any in one sentence."""
    tables = [(f"{d.database}.{table.table.qualified}", table) for d in plan.databases for table in d.tables]
    if empty := [name for name, table in tables if table.empty]:
        yield f"no row is taken of {', '.join(empty)}"
    for name, table in tables:
        if table.rule.condition or table.rule.share is not None:
            which = table.rule.rows if table.rule.share is not None else f"those where {table.rule.condition}"
            yield f"{name}: of its rows are taken {which}"


def _logins(plan: MaskingPlan) -> Iterator[str]:
    """Logins that follow another key of their row, while elsewhere they decide."""
    alone: list[_Place] = []
    following: list[_Place] = []
    for path, table, column in _columns(plan):
        if column.strategy.kind == LOGIN and not column.inside:
            (alone if decides(table, column) else following).append((path, column))
    if alone:
        yield from (_torn(place, alone[0], len(alone) - 1) for place in following)


def _unread(plan: MaskingPlan) -> Iterator[str]:
    """Documents whose strategies cannot read some numbers."""
    for path, _, column in _columns(plan):
        if isinstance(column.strategy, Document):
            parts = [f"{name} ({inner.kind})" for name, inner in column.strategy.named if leaves_out(inner)]  # type: ignore[attr-defined]  # every subclass has it
            if parts:
                numbers = "numbers with decimals or of more than 18 digits"
                yield f"{'.'.join(path)}: {numbers} become null at {', '.join(parts)}, which cannot read them"


def _slow(plan: MaskingPlan) -> Iterator[str]:
    """Tables whose rows pass through Python, where that takes a while."""
    for database in plan.databases:
        for table in database.tables:
            kinds = [c.strategy.kind for c in table.columns if c.strategy.streamed]
            if kinds and (minutes := round(_seconds(table.table.row_estimate, kinds) / 60)):
                yield (
                    f"{database.database}.{table.table.qualified}: {' and '.join(dict.fromkeys(kinds))} of about"
                    f" {table.table.row_estimate:,} rows are done in Python, which takes about {minutes:,} min"
                )


def _seconds(rows: int, kinds: Sequence[str]) -> float:
    return rows * sum(1 / ROWS_PER_SECOND.get(kind, 1) for kind in kinds)


def _columns(plan: MaskingPlan) -> Iterator[tuple[ColumnPath, TablePlan, ColumnPlan]]:
    for database in plan.databases:
        for table in database.tables:
            place = (database.database, table.table.schema, table.table.name)
            yield from (((*place, column.column.name), table, column) for column in table.columns)


def _torn(place: _Place, other: _Place, more: int) -> str:
    """The sentence, with the link to add: from a column of many rows to one that has each value once."""
    child, parent = (place, other) if other[1].column.unique and not place[1].column.unique else (other, place)
    from_, to = (json.dumps(pattern_of(path), ensure_ascii=False) for path, _ in (child, parent))
    here, there = ".".join(place[0]), ".".join(other[0]) + (f" (and {more} more)" if more else "")
    return (
        f"{here} is drawn by its row's person and {there} by itself, so that the same login gets different fakes:"
        f" where they are joined, add [[links]] with from = {from_} and to = {to}"
    )
