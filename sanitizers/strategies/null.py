"""Nothing at all."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy


class Null(MaskingStrategy):
    """NULL in every row, in a column of any type that allows it."""

    kind: Literal["null"] = Field(default="null", alias="strategy")
    digested: ClassVar[bool] = False
    injective: ClassVar[bool] = True

    @property
    def checks(self) -> tuple[Check, ...]:
        """NULL is allowed."""
        return (_nullable,)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """The keyword."""
        return sql.SQL("NULL")


def _nullable(column: Column) -> str | None:
    return "the column is NOT NULL: use constant" if column.not_null else None
