"""A range moved as a whole."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import shift
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Inputs, MaskingStrategy, Residue, not_unique

_MOVED = sql.SQL("""
(CASE WHEN NOT isempty({r}) THEN {make}({lower}, {upper},
  CASE WHEN lower_inc({r}) THEN '[' ELSE '(' END || CASE WHEN upper_inc({r}) THEN ']' ELSE ')' END) ELSE {r} END)
""")
# Compared before it is added: what lies beyond a type's ends cannot even be computed. Infinity lies beyond them, too.
_HELD = sql.SQL("""
(CASE WHEN {end} <= {first} OR {end} >= {last} THEN {end} WHEN {by} > 0 AND {end} > {last} - {step} THEN {last}
  WHEN {by} < 0 AND {end} < {first} - {step} THEN {first} ELSE {moved} END)
""")
_DAYS = ("4714-11-24 BC", "5874897-12-31")
_MOMENTS = ("4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00")
_ENDS = {
    **dict.fromkeys(("smallint", "int2"), (-(2**15), 2**15 - 1)),
    **dict.fromkeys(("integer", "int", "int4"), (-(2**31), 2**31 - 1)),
    **dict.fromkeys(("bigint", "int8"), (-(2**63), 2**63 - 1)),
    "date": _DAYS,
}
"""First and last value of a type. Numbers that are no integers have none that a shift would reach."""


class RangeShift(MaskingStrategy):
    """Moves both ends of a range, and every range of a multirange, by the same: its width stays, open ends stay open.

    Ranges of days and moments move by 1 to `days` whole days, back or forth, ranges of numbers by 1 to `most`. With
    `per`, all whose named columns are equal move by the same, so that what did not overlap does not overlap: for
    exclusion constraints, name the columns that these compare with `=`. An end at the first or last value of its type
    stays there like an open one, and one that would leave the type stops there.
    """

    kind: Literal["range_shift"] = Field(default="range_shift", alias="strategy")
    days: int = Field(default=180, ge=1, le=36500)
    most: int = Field(default=1000, ge=1, le=1_000_000_000)
    per: tuple[str, ...] = ()
    residue: ClassVar[Residue] = "none"

    @property
    def checks(self) -> tuple[Check, ...]:
        """A range with ends that can be moved, and not unique."""
        return (_movable, not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """Each end and the same shift."""
        if column.kind != "m":
            return self._moved(column, inputs.value, inputs.digest)
        each = self._moved(column, sql.SQL('"one"'), inputs.digest)
        return sql.SQL('coalesce((SELECT range_agg({}) FROM unnest({}) AS "one"), {})').format(
            each, inputs.value, inputs.value
        )

    def _moved(self, column: Column, value: sql.Composable, digest: sql.Composable) -> sql.Composable:
        schema, name = column.range_type
        lower, upper = (sql.SQL("{}({})").format(sql.SQL(end), value) for end in ("lower", "upper"))
        return _MOVED.format(
            r=value,
            make=sql.Identifier(schema, name),
            lower=self._bound(column, lower, digest),
            upper=self._bound(column, upper, digest),
        )

    def _bound(self, column: Column, end: sql.Composable, digest: sql.Composable) -> sql.Composable:
        subtype = column.subtype
        category = subtype.category if subtype else "other"
        by = shift(digest, self.most if category in {"integer", "number"} else self.days)
        name = sql.SQL(subtype.type if subtype else "date")
        step = sql.SQL("make_interval(hours => 24 * {})").format(by) if category == "timestamp" else by
        moved = sql.SQL("({} + {})::{}").format(end, step, name)
        limits = _MOMENTS if category == "timestamp" else _ENDS.get(subtype.bare_type if subtype else "date")
        if limits is None:
            return moved
        first, last = (sql.SQL("{}::{}").format(sql.Literal(str(limit)), name) for limit in limits)
        return _HELD.format(end=end, first=first, last=last, by=by, step=step, moved=moved)


def _movable(column: Column) -> str | None:
    unknown = column.kind == "" and column.category == "other"
    if column.kind not in {"r", "m"} and not unknown:
        return f"the column is {column.type}, not a range"
    if column.subtype is not None and column.subtype.category not in {"date", "timestamp", "integer", "number"}:
        return f"the ends of {column.type} are neither days, moments nor numbers"
    return None
