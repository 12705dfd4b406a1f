"""A login or handle."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import mark
from sanitizers.pools import PoolName
from sanitizers.schema import Column
from sanitizers.strategies.email import named
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, at_least, of

DIGITS = 16


class UserName(PersonalStrategy):
    """`anna_meyer_3f9a1c0b2d4e5f60`: 64 bits of the digest keep it unique. Lower-case letters, digits and `_` only."""

    kind: Literal["user_name"] = Field(default="user_name", alias="strategy")
    injective: ClassVar[bool] = True
    needs: ClassVar[tuple[PoolName, ...]] = ("first_handle", "last_handle")
    draws: ClassVar[Draws] = "identity"

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for the digest."""
        return (of("text"), at_least(DIGITS))

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """As much of the person's name as the column has room for, then the digest."""
        return sql.SQL("({}{})").format(named(column, inputs, DIGITS + 1, "_"), mark(inputs.mark))
