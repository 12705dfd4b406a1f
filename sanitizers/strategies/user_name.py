"""A login or handle."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.pools import PoolName
from sanitizers.schema import Column
from sanitizers.strategies.email import named
from sanitizers.strategies.strategy import Check, MaskingStrategy, at_least, hexadecimal, of

DIGITS = 16


class UserName(MaskingStrategy):
    """`anna_meyer_3f9a1c0b2d4e5f60`: 64 bits of the digest keep it unique. Lower-case letters, digits and `_` only."""

    kind: Literal["user_name"] = Field(default="user_name", alias="strategy")
    injective: ClassVar[bool] = True
    needs: ClassVar[tuple[PoolName, ...]] = ("handle",)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for the digest."""
        return (of("text"), at_least(DIGITS))

    def expression(self, column: Column, value: sql.Composable, digest: sql.Composable) -> sql.Composable:  # noqa: ARG002
        """As much of a pooled name as the column has room for, then the digest."""
        name = named(column, digest, DIGITS + 1)
        return sql.SQL("translate({}{}, '.', '_')").format(name, hexadecimal(digest, 9, 8))
