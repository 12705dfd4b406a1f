"""A hardware address that nobody sold."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import MACHINE, hexadecimal
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, at_least, not_unique

BYTES = 5
BYTES_OF_MACADDR8 = 7
DIGITS, LENGTH = 12, 17


class Mac(PersonalStrategy):
    """`02:` and bytes of the digest: a locally administered address, as no manufacturer burns in."""

    kind: Literal["mac"] = Field(default="mac", alias="strategy")
    draws: ClassVar[Draws] = "detail"

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text or one of Postgres' own types."""
        return (_type, at_least(DIGITS), not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Colons where there is room for them."""
        if column.bare_type == "macaddr8":
            return sql.SQL("('02' || {})::macaddr8").format(hexadecimal(inputs.mark, MACHINE, BYTES_OF_MACADDR8))
        address = sql.SQL("('02' || {})").format(hexadecimal(inputs.mark, MACHINE, BYTES))
        if column.category == "text" and (column.max_length or LENGTH) < LENGTH:
            return address
        return sql.SQL("{}::macaddr").format(address)


def _type(column: Column) -> str | None:
    if column.category == "text" or (column.category == "other" and column.bare_type in {"macaddr", "macaddr8"}):
        return None
    return f"the column is {column.type}, not text, macaddr or macaddr8"
