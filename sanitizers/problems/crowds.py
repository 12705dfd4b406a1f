"""Unique keys whose fakes may meet all the same: too many rows for too few fakes, one sentence each. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sanitizers.problems.place import Place
from sanitizers.schema import Column, Table
from sanitizers.strategies import Strategy
from sanitizers.strategies.digest import Digest
from sanitizers.strategies.permute import Permute
from sanitizers.strategies.phone import MOST_DIGITS, Phone

MOST_RISK = 0.0001
"""The chance that any two fakes of a column are equal, at which it is refused. Ten million rows need 59 bits."""


def find_crowd_problems(place: Place) -> Iterator[str]:
    """Every column of the table that must stay unique and has more rows than its fakes have bits for."""
    for column in place.table.columns:
        strategy = place.strategy(column.name)
        if strategy is not None and (problem := crowded(place.table, column, strategy)):
            yield f"{place}.{column.name}: {strategy.kind} does not fit: {problem}."


def crowded(table: Table, column: Column, strategy: Strategy) -> str | None:
    """Why a column whose fakes differ as long as there are few may not stay unique, as half a sentence, or None."""
    if not strategy.masks or not strategy.keeps_unique:
        return None
    if not column.unique and not table.in_fragile_key(column.name):
        return None
    values = (column.inner if strategy.inside(column) else None) or column
    rows, fakes = table.row_estimate, strategy.different(values)
    if not _meet(rows, fakes):
        return None
    return (
        f"the column must stay unique and {rows:,} rows draw from {fakes:.1e} different fakes, so that two may be"
        f" equal: {_remedy(values, strategy, rows)}"
    )


def _meet(rows: int, fakes: int | None) -> bool:
    return fakes is not None and rows * (rows - 1) / (2 * fakes) > MOST_RISK


def _remedy(column: Column, strategy: Strategy, rows: int) -> str:
    longest, digest = Phone(digits=MOST_DIGITS), Digest()
    if isinstance(strategy, Phone) and longest.fits(column) is None and not _meet(rows, longest.different(column)):
        return f"set digits = {MOST_DIGITS}"
    if digest.fits(column) is None and not _meet(rows, digest.different(column)):
        return "use digest"
    if isinstance(strategy, Permute):
        return "texts that are not ASCII, or longer than 64 characters, have no permutation; use keep"
    return "use permute"
