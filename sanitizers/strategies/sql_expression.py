"""What people's own SQL yields."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, not_unique


class SqlExpression(MaskingStrategy):
    """An SQL expression over the row's originals; `value` is the column's own. Cast to the column's type.

    One expression of this row's columns, with harmless functions: no subquery, no other table, nothing that sleeps,
    reads or writes. `functions` names further ones of the database, which must not be volatile. NULL is not looked
    after: `left(value, 2)` leaves it, `coalesce(value, '')` does not. `unique = true` says that the fakes do not
    repeat, and Postgres will know.
    """

    kind: Literal["sql"] = Field(default="sql", alias="strategy")
    expression_: str = Field(alias="expression", min_length=1)
    functions: tuple[str, ...] = ()
    unique: bool = False
    digested: ClassVar[bool] = False

    @property
    def row_expression(self) -> str:
        """The expression."""
        return self.expression_

    @property
    def keeps_unique(self) -> bool:
        """As its author says."""
        return self.unique

    @property
    def checks(self) -> tuple[Check, ...]:
        """Any type; Postgres judges the cast."""
        return () if self.unique else (not_unique,)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """What the row computed."""
        return inputs.computed
