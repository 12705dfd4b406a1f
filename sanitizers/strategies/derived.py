"""Computed anew from the masked row."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from psycopg import sql
from pydantic import Field, model_validator

from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, not_unique


class Derived(MaskingStrategy):
    """An SQL expression over the masked row: `to_tsvector('english', title)`, `lower(email)`.

    For columns that the application or a trigger fills from others, so that they fit the fakes. The originals are out
    of its reach. The rules for expressions are those of `sql`; columns that are generated or derived themselves cannot
    be used.
    """

    kind: Literal["derived"] = Field(default="derived", alias="strategy")
    expression_: str = Field(alias="expression", min_length=1)
    functions: tuple[str, ...] = ()
    unique: bool = False
    digested: ClassVar[bool] = False

    @model_validator(mode="after")
    def _keeps_nothing(self) -> Self:
        if self.keep_if or self.keep_values:
            raise ValueError("it follows the other columns of the row: keep those")
        return self

    @property
    def masked_expression(self) -> str:
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
        """Nothing yet: the last SELECT computes it."""
        return sql.SQL("NULL")
