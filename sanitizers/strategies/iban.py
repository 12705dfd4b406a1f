"""An account number at a bank that there is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import ACCOUNT, NUMBER_BITS, digits, number
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, Draws, Inputs, PersonalStrategy, at_least, of

Country = Literal["at", "ch", "de", "dk", "fr", "gb", "ie", "nl", "se"]
ENOUGH = 16
"""Digits that keep a unique column unique, as for telephone numbers."""


@dataclass(frozen=True)
class Account:
    """A country's form: a bank code that no bank has, and how many digits follow."""

    bank: str
    digits: int
    key: bool = False
    """Whether two more digits follow that check the others (France)."""


ACCOUNTS: Mapping[Country, Account] = {
    "at": Account("00000", 11),
    "ch": Account("00000", 12),
    "de": Account("9", 17),  # the first digit is one of eight regions, 1 to 8
    "dk": Account("0000", 10),
    "fr": Account("0000000000", 11, key=True),
    "gb": Account("ZZZZ", 14),  # no bank has a BIC that begins with ZZZZ
    "ie": Account("ZZZZ", 14),
    "nl": Account("ZZZZ", 10),
    "se": Account("000", 17),
}
_IBAN = sql.SQL("(SELECT {country} || {check} || {bank} || {account}{key} FROM (SELECT {n} AS n OFFSET 0) AS iban)")


class Iban(PersonalStrategy):
    """An IBAN of the country with right check digits, at a bank code that no bank has.

    Those of Germany and Sweden have 17 digits of the digest, enough for a unique column.
    """

    kind: Literal["iban"] = Field(default="iban", alias="strategy")
    country: Country = "de"
    draws: ClassVar[Draws] = "detail"

    @property
    def keeps_unique(self) -> bool:
        """Whether the country's account numbers are long enough."""
        return ACCOUNTS[self.country].digits >= ENOUGH

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text with room for all characters."""
        form = ACCOUNTS[self.country]
        length = 4 + len(form.bank) + form.digits + (2 if form.key else 0)
        return (of("text"), at_least(length), self._enough)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:  # noqa: ARG002
        """ISO 13616: 98 less the remainder by 97 of bank, account, country and 00, with letters as 10 to 35."""
        form = ACCOUNTS[self.country]
        figure = sql.SQL("{} % {}").format(number(inputs.mark, ACCOUNT), sql.Literal(10**form.digits))
        key = sql.SQL(" || {}").format(digits(_french_key(), 2)) if form.key else sql.SQL("")
        return _IBAN.format(
            country=sql.Literal(self.country.upper()),
            check=digits(self._check(form), 2),
            bank=sql.Literal(form.bank),
            account=digits(sql.SQL("n"), form.digits),
            key=key,
            n=figure,
        )

    def different(self, column: Column) -> int:  # noqa: ARG002
        """As the digits say, or the 56 bits."""
        return int(min(2**NUMBER_BITS, 10 ** ACCOUNTS[self.country].digits))

    def _check(self, form: Account) -> sql.Composable:
        behind = f"{'00' if form.key else ''}{self.country.upper()}00"
        fixed = _remainder(form.bank + "0" * form.digits + behind)
        weight = 10 ** len(_figures(behind)) % 97
        last = sql.SQL(" + {} * {}").format(_french_key(), sql.Literal(10**6 % 97)) if form.key else sql.SQL("")
        return sql.SQL("(98 - ({} + (n % 97) * {}{}) % 97)").format(sql.Literal(fixed), sql.Literal(weight), last)

    def _enough(self, column: Column) -> str | None:
        if not column.unique or self.keeps_unique:
            return None
        return "the column is unique and accounts of this country are too short: use the country de or se, or digest"


def _french_key() -> sql.Composable:
    # The bank and branch are zeros, so that only the account counts, thrice.
    return sql.SQL("(97 - (3 * n) % 97)")


def _figures(text: str) -> str:
    """Letters as 10 to 35."""
    return "".join(str(int(c, 36)) for c in text)


def _remainder(text: str) -> int:
    return int(_figures(text)) % 97
