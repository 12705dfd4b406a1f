"""A telephone number that cannot be dialled."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import number
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, Residue, at_least, of

COUNTRY = "999"
UNIQUE_DIGITS = 16  # 53 bits; a bigint or varchar(20) has room for no more
BIGINT_DIGITS = 15  # 999 and 15 digits are still a bigint


class Phone(PersonalStrategy):
    """`+999` and `digits` digits.

    The numbers kept for fiction (+1 NXX 555 01XX) are 80,000, too few for a table of people, and some of them ring.
    Country code 999 is assigned to nobody, so none of these does, and no original begins with it. Set `digits = 16`
    for a unique column: with 12 two of a million people would share a number.
    """

    kind: Literal["phone"] = Field(default="phone", alias="strategy")
    digits: int = Field(default=12, ge=4, le=UNIQUE_DIGITS)
    draws: ClassVar[Draws] = "detail"

    @property
    def keeps_unique(self) -> bool:
        """Whether there are digits enough for a unique column."""
        return self.digits == UNIQUE_DIGITS

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text or bigint with room for the digits, and enough of them where unique."""
        return (of("text", "integer"), at_least(len("+" + COUNTRY) + self.digits), self._bigint, self._enough)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Digits from 56 bits of the digest, zeros in front."""
        figure = sql.SQL("{} % {}").format(number(inputs.mark), sql.Literal(10**self.digits))
        if self.digits <= BIGINT_DIGITS:  # one number, written once, is cheaper than padding
            whole = sql.SQL("({} + {})").format(sql.Literal(int(COUNTRY) * 10**self.digits), figure)
            return whole if column.category == "integer" else sql.SQL("('+' || {}::text)").format(whole)
        padded = sql.SQL("lpad(({})::text, {}, '0')").format(figure, sql.Literal(self.digits))
        return sql.SQL("({} || {})").format(sql.Literal("+" + COUNTRY), padded)

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
        return f"the column is unique: set digits = {UNIQUE_DIGITS}"
