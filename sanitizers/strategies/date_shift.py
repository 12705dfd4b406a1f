"""A date or time moved by some days."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import shift
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, Residue, not_unique, of


class DateShift(PersonalStrategy):
    """Moves every value by 1 to `days` whole days, back or forth; equal values by as many. Never by none.

    `per` names columns of the row: with equal ones, all move by the same, so that their order and distances stay.
    The time of day stays. What is left of a birth date is its rough age: whoever may not know that takes `null`.
    """

    kind: Literal["date_shift"] = Field(default="date_shift", alias="strategy")
    days: int = Field(default=180, ge=1, le=36500)
    per: tuple[str, ...] = ()
    residue: ClassVar[Residue] = "none"
    draws: ClassVar[Draws] = "detail"

    @property
    def checks(self) -> tuple[Check, ...]:
        """A date or timestamp, and not unique: two values can be moved to the same day."""
        return (of("date", "timestamp"), not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Hours rather than days for timestamps: the length of a day in the session's time zone must not matter."""
        days = shift(inputs.digest, self.days)
        if column.category == "date":
            return sql.SQL("({} + {})").format(inputs.value, days)
        return sql.SQL("({} + make_interval(hours => 24 * {}))").format(inputs.value, days)
