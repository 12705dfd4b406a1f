"""A date or time moved by some days."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import shift
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, Residue, not_unique, of

MOST_DAYS = 36500
DATES, MOMENTS = ("4612-01-01 BC", "5874796-12-31"), ("4612-01-01 BC", "294175-12-31")
"""Between which MOST_DAYS can be added and taken away: the last days that Postgres knows, by 101 years less."""
_INWARD = sql.SQL("""
(CASE WHEN {value} > {last} THEN -abs({days}) WHEN {value} < {first} THEN abs({days}) ELSE {days} END)
""")


class DateShift(PersonalStrategy):
    """Moves every value by 1 to `days` whole days, back or forth; equal values by as many. Never by none.

    `per` names columns of the row: with equal ones, all move by the same, so that their order and distances stay.
    The time of day stays. A value near the first or last day that Postgres knows moves away from it. What is left of a
    birth date is its rough age: whoever may not know that takes `null`.
    """

    kind: Literal["date_shift"] = Field(default="date_shift", alias="strategy")
    days: int = Field(default=180, ge=1, le=MOST_DAYS)
    per: tuple[str, ...] = ()
    residue: ClassVar[Residue] = "none"
    draws: ClassVar[Draws] = "detail"

    @property
    def checks(self) -> tuple[Check, ...]:
        """A date or timestamp, and not unique: two values can be moved to the same day."""
        return (of("date", "timestamp"), not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Hours rather than days for timestamps: the length of a day in the session's time zone must not matter."""
        days = self._inward(column, inputs)
        if column.category == "date":
            return sql.SQL("({} + {})").format(inputs.value, days)
        return sql.SQL("({} + make_interval(hours => 24 * {}))").format(inputs.value, days)

    def _inward(self, column: Column, inputs: Inputs) -> sql.Composable:
        """The days; away from an end of the type where one is near, so that no value leaves it."""
        first, last = DATES if column.category == "date" else MOMENTS
        # Literals without a type take that of the value, so that columns of either kind of timestamp get equal fakes.
        return _INWARD.format(
            value=inputs.value,
            days=shift(inputs.digest, self.days),
            first=sql.Literal(first),
            last=sql.Literal(last),
        )
