"""Less of the value: a month for a day, a band for a number, the beginning of a text."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field, StrictFloat, StrictInt, field_validator

from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, not_unique, of

# The largest ones would leave the type by the rounding of the product.
_FLOAT_BAND = sql.SQL("(CASE WHEN abs({v}::float8) < 1e300 THEN trunc({v}::float8 / {w}) * {w} ELSE {v} END)")


class Generalize(MaskingStrategy):
    """Dates and times become the first of their `to`, numbers the near end of a band of `width`, texts a beginning.

    Bands count from 0 either way: of width 10, 47 becomes 40 and -47 becomes -40. Of texts the first `characters` stay;
    `star` stands in the place of each that goes, or nothing.
    """

    kind: Literal["generalize"] = Field(default="generalize", alias="strategy")
    to: Literal["month", "quarter", "year", "decade"] = "month"
    width: StrictInt | StrictFloat = 10
    characters: int = Field(default=3, ge=0)
    star: str = Field(default="", max_length=1)
    digested: ClassVar[bool] = False
    residue: ClassVar[Residue] = "none"

    @field_validator("width")
    @classmethod
    def _positive(cls, value: float) -> float:
        if not 0 < value < float("inf"):
            raise ValueError("a band is wider than 0")
        return value

    @property
    def checks(self) -> tuple[Check, ...]:
        """A type with something to leave out, and not unique."""
        return (of("text", "integer", "number", "date", "timestamp"), not_unique, self._whole)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """One form per category, none of which leaves the range of its type."""
        match column.category:
            case "text":
                return self._text(inputs.value)
            case "date" | "timestamp":
                return self._time(column, inputs.value)
            case _:
                return self._band(column, inputs.value)

    def _text(self, value: sql.Composable) -> sql.Composable:
        kept = sql.Literal(self.characters)
        start = sql.SQL("left({}::text, {})").format(value, kept)
        if not self.star:
            return start
        rest = sql.SQL("repeat({}, length({}::text) - {})").format(sql.Literal(self.star), value, kept)
        return sql.SQL("({} || {})").format(start, rest)

    def _time(self, column: Column, value: sql.Composable) -> sql.Composable:
        # The session's time zone must have no say: dates are truncated without any, the others in UTC.
        if column.bare_type in {"timestamptz", "timestamp with time zone"}:
            return sql.SQL("date_trunc({}, {}, 'UTC')").format(sql.Literal(self.to), value)
        return sql.SQL("date_trunc({}, {}::timestamp)").format(sql.Literal(self.to), value)

    def _band(self, column: Column, value: sql.Composable) -> sql.Composable:
        width = sql.Literal(self.width)
        if column.category == "integer":
            return sql.SQL("({v} - {v} % {w})").format(v=value, w=width)
        if column.bare_type in {"real", "float4", "double precision", "float8"}:
            return _FLOAT_BAND.format(v=value, w=width)
        return sql.SQL("(div({}::numeric, {w}) * {w})").format(value, w=sql.SQL("{}::numeric").format(width))

    def _whole(self, column: Column) -> str | None:
        if column.category != "integer" or float(self.width).is_integer():
            return None
        return f"the column is {column.type}: width must be a whole number"
