"""A telephone number that cannot be dialled."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import SHIFT, digits, number
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, Residue, at_least, of

COUNTRY = "999"
MOST_DIGITS = 20  # 66 bits: of ten million numbers no two are equal
UNIQUE_DIGITS = 16  # 53 bits, for a million rows; a varchar(20) has room for no more
BIGINT_DIGITS = 15  # 999 and 15 digits are still a bigint


class Phone(PersonalStrategy):
    """`+999` and `digits` digits.

    The numbers kept for fiction (+1 NXX 555 01XX) are 80,000, too few for a table of people, and some of them ring.
    Country code 999 is assigned to nobody, so none of these does, and no original begins with it. Set `digits = 20`
    for a unique column: with 12 two of a million people would share a number, with 16 two of a hundred million.
    """

    kind: Literal["phone"] = Field(default="phone", alias="strategy")
    digits: int = Field(default=12, ge=4, le=MOST_DIGITS)
    draws: ClassVar[Draws] = "detail"

    @property
    def keeps_unique(self) -> bool:
        """Whether there are digits enough for a unique column."""
        return self.digits >= UNIQUE_DIGITS

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text or bigint with room for the digits, and enough of them where unique."""
        return (of("text", "integer"), at_least(len("+" + COUNTRY) + self.digits), self._bigint, self._enough)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Digits from 56 bits of the digest, zeros in front; those above the sixteenth from 56 others."""
        low = min(self.digits, UNIQUE_DIGITS)
        figure = sql.SQL("{} % {}").format(number(inputs.mark), sql.Literal(10**low))
        if self.digits <= BIGINT_DIGITS:  # one number, written once, is cheaper than padding
            whole = sql.SQL("({} + {})").format(sql.Literal(int(COUNTRY) * 10**self.digits), figure)
            return whole if column.category == "integer" else sql.SQL("('+' || {}::text)").format(whole)
        parts = [digits(figure, low)]
        if high := self.digits - low:
            above = sql.SQL("{} % {}").format(number(inputs.mark, SHIFT), sql.Literal(10**high))
            parts.insert(0, digits(above, high))
        return sql.SQL("({})").format(sql.SQL(" || ").join([sql.Literal("+" + COUNTRY), *parts]))

    def different(self, column: Column) -> int:  # noqa: ARG002
        """As many as the digits say."""
        return int(10**self.digits)

    def residue_in(self, column: Column) -> Residue:  # noqa: ARG002
        """Numbers that begin with 999 are nobody's, in an integer column as well."""
        return self.residue

    def _bigint(self, column: Column) -> str | None:
        if column.category != "integer":
            return None
        if column.bare_type not in {"bigint", "int8"}:
            return f"the column is {column.type}, a telephone number needs bigint"
        return None if self.digits <= BIGINT_DIGITS else f"a bigint has room for {BIGINT_DIGITS} digits"

    def _enough(self, column: Column) -> str | None:
        if not column.unique or self.keeps_unique:
            return None
        return f"the column is unique: set digits = {MOST_DIGITS}, or at least {UNIQUE_DIGITS}"
