"""Unique columns whose fakes may meet all the same: too many rows for too few fakes, one sentence each. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sanitizers.decisions import Decisions
from sanitizers.schema import Column, Table
from sanitizers.strategies.permute import Permute
from sanitizers.strategies.strategy import MaskingStrategy

MOST_RISK = 0.01
"""The chance that any two fakes of a column are equal, at which it is refused."""


def find_crowd_problems(database: str, table: Table, decisions: Decisions) -> Iterator[str]:
    """Every unique column of the table with more rows than its fakes have bits for."""
    for column in table.columns:
        strategy = decisions.strategy((database, table.schema, table.name, column.name))
        if strategy is None or not strategy.masks or not column.unique:
            continue
        if problem := _crowded(table, column, strategy):
            yield f"{database}.{table.qualified}.{column.name}: {strategy.kind} does not fit: {problem}."


def _crowded(table: Table, column: Column, strategy: MaskingStrategy) -> str | None:
    values = (column.inner if strategy.inside(column) else None) or column
    rows, fakes = table.row_estimate, strategy.different(values)
    if fakes is None or rows * (rows - 1) / (2 * fakes) <= MOST_RISK:
        return None
    return (
        f"the column is unique and {rows:,} rows draw from {fakes:.1e} different fakes, so that two may be equal:"
        f" {_remedy(strategy)}"
    )


def _remedy(strategy: MaskingStrategy) -> str:
    if isinstance(strategy, Permute):
        return "texts that are not ASCII, or longer than 64 characters, have no permutation; use keep"
    return "use permute, or a longer form"
