"""A table with its database, the decisions on it and the policy's word on its rows."""

from __future__ import annotations

from dataclasses import dataclass

from sanitizers.decisions import Decisions
from sanitizers.rules import EVERY_ROW, ColumnPath, TableRule
from sanitizers.schema import Table
from sanitizers.strategies import Strategy


@dataclass(frozen=True)
class Place:
    """What problems are looked for in, and what they are told of."""

    database: str
    table: Table
    decisions: Decisions
    rule: TableRule = EVERY_ROW

    def path(self, column: str) -> ColumnPath:
        """The full name of a column."""
        return (self.database, self.table.schema, self.table.name, column)

    def strategy(self, column: str) -> Strategy | None:
        """What the policy says about a column, or None."""
        return self.decisions.strategy(self.path(column))

    def linked(self, column: str) -> bool:
        """Whether a column refers to another one or is referred to."""
        return self.path(column) in self.decisions.linked

    def masked(self, column: str) -> bool:
        """Whether the values of a column change."""
        strategy = self.strategy(column)
        return strategy is not None and strategy.masks

    def __str__(self) -> str:
        return f"{self.database}.{self.table.qualified}"
