"""A place near the place."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import SHIFT
from sanitizers.schema import Column
from sanitizers.strategies.noise import scale_of
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, not_unique

FRACTION = 2**24 + 1

_MOVED = sql.SQL("""
(CASE WHEN {v} IN ('NaN', 'Infinity', '-Infinity') THEN {v}
ELSE sign({v}) * (ceil(abs({v}) * {scale}) - (1 + {random})::{type} / {fraction}) / {scale} END)
""")


class Coordinates(MaskingStrategy):
    """A latitude or longitude moved within its cell of a grid; `decimals = 1` makes cells of 11 kilometres.

    Which cell a place is in can still be seen. The sign stays, and so no value leaves the globe.
    """

    kind: Literal["coordinates"] = Field(default="coordinates", alias="strategy")
    decimals: int = Field(default=1, ge=0, le=3)
    residue: ClassVar[Residue] = "none"

    @property
    def checks(self) -> tuple[Check, ...]:
        """A number or a point, and not unique."""
        return (_type, not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Of a point both parts by bytes of their own."""
        if column.bare_type == "point":
            x, y = (sql.SQL("({}::point)[{}]").format(inputs.value, sql.Literal(i)) for i in range(2))
            # A point of NULLs is NULL, but for IS NULL.
            return sql.SQL("point({}, {})").format(
                self._moved(x, inputs.digest, SHIFT), self._moved(y, inputs.digest, SHIFT - 3)
            )
        if column.bare_type in {"numeric", "decimal"}:
            return self._numeric(column, inputs)
        return self._moved(inputs.value, inputs.digest, SHIFT)

    def _numeric(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Cut, not rounded: that could make one digit more than a numeric(p, s) holds."""
        moved = self._moved(inputs.value, inputs.digest, SHIFT, "numeric")
        scale = scale_of(column)
        kept = sql.SQL("greatest(scale({}), {})").format(inputs.value, sql.Literal(self.decimals + 2))
        return sql.SQL("trunc({}, {})").format(moved, kept if scale is None else sql.Literal(scale))

    def _moved(
        self, value: sql.Composable, digest: sql.Composable, at: int, type_: str = "double precision"
    ) -> sql.Composable:
        bytes_ = [sql.SQL("get_byte({}, {})").format(digest, sql.Literal(at + i)) for i in range(3)]
        return _MOVED.format(
            v=value,
            scale=sql.Literal(10**self.decimals),
            random=sql.SQL("(({} << 16) | ({} << 8) | {})").format(*bytes_),
            type=sql.SQL(type_),
            fraction=sql.Literal(FRACTION),
        )


def _type(column: Column) -> str | None:
    if column.category == "number" and column.bare_type != "money":
        return None
    if column.category == "other" and column.bare_type == "point":
        return None
    return f"the column is {column.type}, not a number or a point"
