"""The number of a vehicle that nobody built."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import VEHICLE, digits, number
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, at_least, of

LENGTH = 17
MAKER = "A00"
CHARACTERS = "123456789ABCDEFGHJKLMNPRSTVWXY"
"""What may stand for a model year, and so anywhere: neither I, O and Q, which look like digits, nor U, Z and 0."""
FIGURES = "123456789123456781234579235678"
"""What each of them counts for the check digit."""
BEFORE, BEHIND, SERIAL = 5, 2, 6
WEIGHTS = (5, 4, 3, 2, 10, 9, 8, 7, 6, 5, 4, 3, 2)
"""Of the characters behind the maker's but for the check digit, which stands for the remainder by 11; X is 10."""
MAKER_SUM = 8
"""Of the maker's characters: an A counts 1, eight times."""

_VIN = sql.SQL("""
(SELECT {maker} || {before} || substr('0123456789X', 1 + ({sum}) % 11, 1) || {behind} || {serial}
FROM (SELECT {number} AS n OFFSET 0) AS vin)
""")


class Vin(PersonalStrategy):
    """17 characters with a right check digit, of a maker in a country that there is not: A00.

    54 bits of the digest, enough for a unique column.
    """

    kind: Literal["vin"] = Field(default="vin", alias="strategy")
    draws: ClassVar[Draws] = "detail"

    @property
    def keeps_unique(self) -> bool:
        """Seven characters and six digits are."""
        return True

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for all characters."""
        return (of("text"), at_least(LENGTH))

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """Six digits of a number are the serial, the rest of it the characters before."""
        count = BEFORE + BEHIND
        places = [
            sql.SQL("(n / {} % {})").format(
                sql.Literal(10**SERIAL * len(CHARACTERS) ** i), sql.Literal(len(CHARACTERS))
            )
            for i in range(count)
        ]
        last = [sql.SQL("(n / {} % 10)").format(sql.Literal(10**i)) for i in reversed(range(SERIAL))]
        written = [_nth(CHARACTERS, place) for place in places]
        figures = [*(sql.SQL("{}::int").format(_nth(FIGURES, place)) for place in places), *last]
        summands = [sql.SQL("{} * {}").format(sql.Literal(w), f) for w, f in zip(WEIGHTS, figures, strict=True)]
        return _VIN.format(
            maker=sql.Literal(MAKER),
            before=sql.SQL(" || ").join(written[:BEFORE]),
            behind=sql.SQL(" || ").join(written[BEFORE:]),
            serial=digits(sql.SQL("n % 1000000"), SERIAL),
            sum=sql.SQL("({} + {})::int").format(sql.Literal(MAKER_SUM), sql.SQL(" + ").join(summands)),
            number=number(inputs.mark, VEHICLE),
        )

    def different(self, column: Column) -> int:  # noqa: ARG002
        """54 bits."""
        return int(len(CHARACTERS) ** (BEFORE + BEHIND) * 10**SERIAL)


def _nth(text: str, place: sql.Composable) -> sql.Composable:
    return sql.SQL("substr({}, 1 + {}::int, 1)").format(sql.Literal(text), place)
