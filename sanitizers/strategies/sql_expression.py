"""What people's own SQL yields."""

from __future__ import annotations

from typing import Literal

from psycopg import sql
from pydantic import Field

from sanitizers.schema import Column
from sanitizers.strategies.strategy import Inputs
from sanitizers.strategies.written import WrittenStrategy


class SqlExpression(WrittenStrategy):
    """An SQL expression over the row's originals; `value` is the column's own. Cast to the column's type.

    One expression of this row's columns, with harmless functions: no subquery, no other table, nothing that sleeps,
    reads or writes. `functions` names further ones of the database, which must not be volatile. NULL is not looked
    after: `left(value, 2)` leaves it, `coalesce(value, '')` does not. `unique = true` says that the fakes do not
    repeat, and Postgres will know.
    """

    kind: Literal["sql"] = Field(default="sql", alias="strategy")

    @property
    def row_expression(self) -> str:
        """The expression."""
        return self.expression_

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """What the row computed."""
        return inputs.computed
