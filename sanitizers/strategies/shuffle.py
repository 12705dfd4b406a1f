"""The column's own values in another order."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from psycopg import sql
from pydantic import Field, model_validator

from sanitizers.schema import Column
from sanitizers.strategies.strategy import Inputs, MaskingStrategy, Residue


class Shuffle(MaskingStrategy):
    """Every row gets the value of some row, NULL like any other: a permutation by the key, so that all values are kept.

    Same key and same rows, same order. Distributions and uniqueness stay, and so do the values themselves: not for what
    names somebody. A row may by chance get its own, and with few rows it often does. `with` lists columns that move
    together, each of them shuffled with the others.
    """

    kind: Literal["shuffle"] = Field(default="shuffle", alias="strategy")
    with_: tuple[str, ...] = Field(default=(), alias="with")
    digested: ClassVar[bool] = False
    injective: ClassVar[bool] = True
    whole_table: ClassVar[bool] = True
    residue: ClassVar[Residue] = "none"

    @model_validator(mode="after")
    def _keeps_nothing(self) -> Self:
        if self.keep_if or self.keep_values:
            raise ValueError("a value that stayed would be there twice: take no keep_if or keep_values")
        return self

    def group(self, column: str) -> tuple[str, ...]:
        """The columns that move together with this one, itself among them."""
        return tuple(sorted({column, *self.with_}))

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """What the other row has."""
        return inputs.computed
