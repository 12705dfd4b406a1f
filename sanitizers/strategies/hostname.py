"""A machine's name that leads nowhere."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import MARK, MARK_BYTES, hexadecimal
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, at_least, of

START, END = "host-", ".example.net"
AROUND = len(START + END)
FEWEST_BYTES = 2


class Hostname(MaskingStrategy):
    """`host-3f9a1c0b2d4e5f60.example.net`, in a domain that is reserved. Stays unique."""

    kind: Literal["hostname"] = Field(default="hostname", alias="strategy")
    injective: ClassVar[bool] = True

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for some of the digest, all of it where unique."""
        return (of("text"), at_least(AROUND + 2 * FEWEST_BYTES), _all_where_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """64 bits of the digest, fewer in short columns."""
        room = MARK_BYTES if column.max_length is None else (column.max_length - AROUND) // 2
        middle = hexadecimal(inputs.mark, MARK, min(MARK_BYTES, room))
        return sql.SQL("({} || {} || {})").format(sql.Literal(START), middle, sql.Literal(END))


def _all_where_unique(column: Column) -> str | None:
    return at_least(AROUND + 2 * MARK_BYTES)(column) if column.unique else None
