"""A payment card's number that pays for nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import CARD, NUMBER_BITS, chosen, luhn, number
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, Residue, at_least, of

TEST_NUMBERS = (
    "4111111111111111",
    "4012888888881881",
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "6011111111111117",
)
"""Published by card networks and processors for tests; all have 16 digits and a right check digit."""
LONGEST = 19
PAYLOAD = 17
_UNIQUE = sql.SQL("(SELECT {} FROM (SELECT {} % {} AS n OFFSET 0) AS card)")


class Card(PersonalStrategy):
    """One of eight published test numbers.

    `unique = true`: 19 digits with a right check digit that begin with 0, as no card of any network does.
    """

    kind: Literal["card"] = Field(default="card", alias="strategy")
    unique: bool = False
    draws: ClassVar[Draws] = "detail"
    residue: ClassVar[Residue] = "pool"

    @property
    def keeps_unique(self) -> bool:
        """Whether there are digits enough for a unique column."""
        return self.unique

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text; without `unique` a bigint will do as well."""
        if self.unique:
            return (of("text"), at_least(LONGEST))
        return (of("text", "integer"), at_least(len(TEST_NUMBERS[0])), _wide_enough, _repeats)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """A look-up, or 56 bits of the digest and a check digit."""
        if not self.unique:
            return chosen(TEST_NUMBERS, inputs.mark, CARD)
        written = luhn(LONGEST - PAYLOAD - 1, sql.SQL("n"), PAYLOAD)
        return _UNIQUE.format(written, number(inputs.mark, CARD), sql.Literal(10**PAYLOAD))

    def different(self, column: Column) -> int:  # noqa: ARG002
        """56 bits, fewer than 17 digits would hold."""
        return 2**NUMBER_BITS if self.unique else len(TEST_NUMBERS)

    def residue_in(self, column: Column) -> Residue:  # noqa: ARG002
        """No original begins with 0; a test number can be one."""
        return "search" if self.unique else "pool"

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:  # noqa: ARG002
        """The test numbers."""
        return frozenset() if self.unique else frozenset(TEST_NUMBERS)


def _wide_enough(column: Column) -> str | None:
    narrow = column.category == "integer" and column.bare_type not in {"bigint", "int8"}
    return f"the column is {column.type}, a card's number needs bigint" if narrow else None


def _repeats(column: Column) -> str | None:
    return "the column is unique and there are few test numbers: set unique = true" if column.unique else None
