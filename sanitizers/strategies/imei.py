"""The number of a telephone that was never built."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import DEVICE, luhn, number
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, at_least, not_unique, of

LENGTH = 15
PAYLOAD = 12
_IMEI = sql.SQL("(SELECT {} FROM (SELECT {} % {} AS n OFFSET 0) AS imei)")


class Imei(PersonalStrategy):
    """15 digits with a right check digit that begin with 00, the range of test devices."""

    kind: Literal["imei"] = Field(default="imei", alias="strategy")
    draws: ClassVar[Draws] = "detail"

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for all digits, and not unique: 40 bits repeat."""
        return (of("text"), at_least(LENGTH), not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """Twelve digits of the digest and a check digit."""
        written = luhn(LENGTH - PAYLOAD - 1, sql.SQL("n"), PAYLOAD)
        return _IMEI.format(written, number(inputs.mark, DEVICE), sql.Literal(10**PAYLOAD))
