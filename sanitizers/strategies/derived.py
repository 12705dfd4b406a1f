"""Computed anew from the masked row."""

from __future__ import annotations

from typing import Literal, Self

from psycopg import sql
from pydantic import Field, model_validator

from sanitizers.schema import Column
from sanitizers.strategies.strategy import Inputs
from sanitizers.strategies.written import WrittenStrategy


class Derived(WrittenStrategy):
    """An SQL expression over the masked row: `to_tsvector('english', title)`, `lower(email)`.

    For columns that the application or a trigger fills from others, so that they fit the fakes. The originals are out
    of its reach. The rules for expressions are those of `sql`; columns that are generated or derived themselves cannot
    be used.
    """

    kind: Literal["derived"] = Field(default="derived", alias="strategy")

    @model_validator(mode="after")
    def _keeps_nothing(self) -> Self:
        if self.keep_if or self.keep_values:
            raise ValueError("it follows the other columns of the row: keep those")
        return self

    @property
    def masked_expression(self) -> str:
        """The expression."""
        return self.expression_

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """Nothing yet: the last SELECT computes it."""
        return sql.SQL("NULL")
