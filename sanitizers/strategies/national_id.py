"""The number by which a country knows a person, out of a part that it never issues."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import FRONT, NATIONAL_ID, digits, number, spare
from sanitizers.schema import Column
from sanitizers.strategies.numberings import LUHN, Check, Numbering, numbering
from sanitizers.strategies.strategy import Check as ColumnCheck
from sanitizers.strategies.strategy import Draws, Inputs, PersonalStrategy, holder, of

Country = Literal[
    "bg",
    "ca",
    "cn",
    "de",
    "dk",
    "ee",
    "fi",
    "fr",
    "gb",
    "gb_nhs",
    "in",
    "it",
    "kr",
    "lt",
    "nl",
    "no",
    "pl",
    "ro",
    "se",
    "us",
]
TRIES = 3
"""Last digits of a serial that are tried: each of at most two checks refuses one of ten."""

_CHOSEN = sql.SQL("(({fronts}::name[])[1 + ({number} & {most})])::text")
_WITH_SERIAL = sql.SQL("""
(SELECT coalesce({tries}) FROM (SELECT {tried} FROM (SELECT {front} AS f, 1 + {number} % {limit} AS n OFFSET 0) AS a
  OFFSET 0) AS b)
""")


class NationalId(PersonalStrategy):
    """A number with right check digits that was never issued to anybody.

    The docs say for each country which numbers those are. They repeat: a unique column needs `permute` or `digest`.
    """

    kind: Literal["national_id"] = Field(default="national_id", alias="strategy")
    country: Country
    draws: ClassVar[Draws] = "detail"

    @property
    def checks(self) -> tuple[ColumnCheck, ...]:
        """Text with room for the number, without its hyphens at least, and not unique."""
        return (of("text"), self._room, _repeats)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """A front by twelve bits, the serial by seven bytes."""
        form = self._form(column)
        front = _front(form, inputs.mark)
        if not form.serial:
            return front
        count = TRIES if form.checks else 1
        tried = (sql.SQL("f || {} AS {}").format(_serial(form, j), sql.Identifier(f"p{j}")) for j in range(count))
        return _WITH_SERIAL.format(
            tries=sql.SQL(", ").join(_checked(form, sql.Identifier("b", f"p{j}")) for j in range(count)),
            tried=sql.SQL(", ").join(tried),
            front=front,
            number=number(inputs.mark, NATIONAL_ID),
            limit=sql.Literal(10**form.serial - 1),
        )

    def _form(self, column: Column) -> Numbering:
        form = numbering(self.country)
        short = column.max_length is not None and column.max_length < form.length
        return form.plain() if short and form.separators else form

    def _room(self, column: Column) -> str | None:
        needed = self._form(column).length
        if column.max_length is None or column.max_length >= needed:
            return None
        return f"{holder(column)} {column.max_length} characters, such a number has {needed}"


def _front(form: Numbering, digest: sql.Composable) -> sql.Composable:
    if len(form.fronts) == 1:
        return sql.Literal(form.fronts[0])
    array = sql.Literal("{" + ",".join(form.fronts) + "}")
    return _CHOSEN.format(fronts=array, number=spare(digest, FRONT), most=sql.Literal(len(form.fronts) - 1))


def _serial(form: Numbering, moved: int) -> sql.Composable:
    """The serial with its last digit moved on, from 9 to 0."""
    figure = sql.SQL("n - n % 10 + (n % 10 + {}) % 10").format(sql.Literal(moved)) if moved else sql.SQL("n")
    return digits(figure, form.serial)


def _checked(form: Numbering, text: sql.Composable) -> sql.Composable:
    """The number with its checks behind, or NULL."""
    parts = [text, *(_character(check, text) for check in form.checks)]
    return sql.SQL("({})").format(sql.SQL(" || ").join(parts))


def _character(check: Check, text: sql.Composable) -> sql.Composable:
    summands = [_summand(weight, text, place) for place, weight in enumerate(check.weights, start=1) if weight]
    return sql.SQL("({}::text[])[1 + ({}) % {}]").format(
        sql.Literal(list(check.characters)), sql.SQL(" + ").join(summands), sql.Literal(check.modulus)
    )


def _summand(weight: int, text: sql.Composable, place: int) -> sql.Composable:
    digit = sql.SQL("(ascii(substr({}, {}, 1)) - 48)").format(text, sql.Literal(place))
    if weight == LUHN:
        return sql.SQL("2 * {d} + {d} / 5").format(d=digit)
    return sql.SQL("{} * {}").format(sql.Literal(weight), digit)


def _repeats(column: Column) -> str | None:
    return "the column is unique and these numbers repeat: use permute or digest" if column.unique else None
