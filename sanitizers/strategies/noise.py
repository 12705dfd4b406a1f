"""A number near the number."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import SHIFT
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, not_unique, of

STEPS = 2**24 - 1
_PRECISION = re.compile(r"\((\d+)(?:,\s*(-?\d+))?\)")
LARGEST = {
    "smallint": "32767",
    "int2": "32767",
    "integer": "2147483647",
    "int4": "2147483647",
    "int": "2147483647",
    "bigint": "9223372036854775807",
    "int8": "9223372036854775807",
    "money": "92233720368547758.07",
    "real": "3.4028234e38",
    "float4": "3.4028234e38",
    "double precision": "1.7976931348623157e308",
    "float8": "1.7976931348623157e308",
}
FLOATS = frozenset({"real", "float4", "double precision", "float8"})

# No ELSE: NULL stays NULL, which least and greatest would leave out.
_NOISY = sql.SQL("""
(CASE WHEN {v} IN ('NaN', 'Infinity', '-Infinity') THEN {v} WHEN {v} < 0 THEN -{moved} WHEN {v} >= 0 THEN {moved} END)
""")
_NOISY_INTEGER = sql.SQL("(CASE WHEN {v} < 0 THEN -{moved} WHEN {v} >= 0 THEN {moved} END)")
_DISTANCE = sql.SQL("((({} << 16) | ({} << 8) | {}) * 2 - {steps})::{type} / {steps}")
"""From -1 to 1."""


class Noise(MaskingStrategy):
    """Moves a number by up to `percent` of itself, or by up to `amount` where that is given; equal ones by as much.

    Its decimals and its sign stay, and it never leaves its type. Small whole numbers can stay what they are.
    """

    kind: Literal["noise"] = Field(default="noise", alias="strategy")
    percent: float = Field(default=20, gt=0, le=100)
    amount: float = Field(default=0, ge=0, allow_inf_nan=False)
    residue: ClassVar[Residue] = "none"

    @property
    def checks(self) -> tuple[Check, ...]:
        """A number, and not unique."""
        return (of("integer", "number"), not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """The magnitude is moved, kept within the type, rounded as the original is, and gets its sign back."""
        floating = column.bare_type in FLOATS
        type_ = sql.SQL("double precision" if floating else "numeric")
        value = inputs.value if column.bare_type != "money" else sql.SQL("{}::numeric").format(inputs.value)
        size = sql.SQL("abs({}::{})").format(value, type_)
        moved = self._within(column, self._moved(size, inputs.digest, type_))
        form = _NOISY_INTEGER if column.category == "integer" or column.bare_type == "money" else _NOISY
        return form.format(v=value, moved=moved if floating else self._rounded(column, value, moved))

    def _moved(self, size: sql.Composable, digest: sql.Composable, type_: sql.Composable) -> sql.Composable:
        bytes_ = [sql.SQL("get_byte({}, {})").format(digest, sql.Literal(SHIFT + i)) for i in range(3)]
        distance = _DISTANCE.format(*bytes_, steps=sql.Literal(STEPS), type=type_)
        if self.amount:
            return sql.SQL("greatest(0, {} + {}::{} * {})").format(
                size, sql.Literal(repr(self.amount)), type_, distance
            )
        return sql.SQL("({} * (1 + {}::{} / 100 * {}))").format(
            sql.SQL("least({}, 8.9e307)").format(size) if type_ == sql.SQL("double precision") else size,
            sql.Literal(repr(self.percent)),
            type_,
            distance,
        )

    def _within(self, column: Column, moved: sql.Composable) -> sql.Composable:
        """What would leave the type turns back at its end, so that the largest values move as well."""
        largest = LARGEST.get(column.bare_type) or _largest_numeric(column)
        if largest is None:
            return moved
        if column.bare_type in {"double precision", "float8"}:
            return sql.SQL("least({}, {})").format(moved, sql.SQL(largest))
        twice = format(2 * Decimal(largest), "f")  # not in SQL, where twice an integer is one
        return sql.SQL("greatest(0, least({m}, {twice} - {m}))").format(m=moved, twice=sql.SQL(twice))

    def _rounded(self, column: Column, value: sql.Composable, moved: sql.Composable) -> sql.Composable:
        if column.category == "integer":
            return sql.SQL("round({})").format(moved)
        if column.bare_type == "money":
            return sql.SQL("round({}, 2)").format(moved)
        return sql.SQL("round({}, scale({}))").format(moved, value)


def scale_of(column: Column) -> int | None:
    """The s of numeric(p, s); None where there is no limit."""
    found = _PRECISION.search(column.base_type or column.type)
    return int(found[2] or 0) if found else None


def _largest_numeric(column: Column) -> str | None:
    """What numeric(p, s) holds: 10^(p-s) less one unit of its last place; None where there is no limit."""
    found, scale = _PRECISION.search(column.base_type or column.type), scale_of(column)
    if found is None or scale is None:
        return None
    return format(Decimal(10 ** int(found[1]) - 1).scaleb(-scale), "f")
