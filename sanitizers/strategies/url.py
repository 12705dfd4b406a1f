"""An address on the web where nothing is."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import MARK_BYTES, mark
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, at_least, of, shortened

START = "https://example.com/"
FEWEST = 8
"""Hexadecimal digits."""


class Url(MaskingStrategy):
    """`https://example.com/3f9a1c0b2d4e5f60`: nothing of host, path and query is left. Stays unique."""

    kind: Literal["url"] = Field(default="url", alias="strategy")
    injective: ClassVar[bool] = True

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for some of the digest, all of it where unique."""
        return (of("text"), at_least(len(START) + FEWEST), _all_where_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """64 bits of the digest behind the reserved host, fewer in short columns."""
        fake = sql.SQL("({} || {})").format(sql.Literal(START), mark(inputs.mark))
        whole = len(START) + 2 * MARK_BYTES
        return fake if (column.max_length or whole) >= whole else shortened(fake, column.max_length)


def _all_where_unique(column: Column) -> str | None:
    return at_least(len(START) + 2 * MARK_BYTES)(column) if column.unique else None
