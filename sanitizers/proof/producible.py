"""What the pools and constants of a plan can put into a target by chance: found there, it proves nothing.

The same holds for numbers that no authority gives to anybody, where the plan draws fakes out of those: a source with
such numbers, a sanitized one for example, has originals that are fakes of other rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sanitizers.plan import DatabasePlan
from sanitizers.proof.inside import strategies_in
from sanitizers.proof.reserved import reserved_national_id
from sanitizers.strategies.full_name import FullNames
from sanitizers.strategies.imei import LENGTH as IMEI_LENGTH
from sanitizers.strategies.imei import Imei
from sanitizers.strategies.national_id import NationalId
from sanitizers.strategies.numberings import numbering
from sanitizers.strategies.strategy import MaskingStrategy, Several


class Producible:
    """Every text that the plan's pools and constants can put somewhere, compared as `places.normal` writes values."""

    def __init__(self, plan: DatabasePlan) -> None:
        self._texts: set[str] = set()
        self._names: set[tuple[frozenset[str], frozenset[str], int | None]] = set()
        countries = {s.country for s in _strategies(plan) if isinstance(s, NationalId)}
        self._ids = {country: numbering(country).plain().length for country in countries}
        self._devices = any(isinstance(s, Imei) for s in _strategies(plan))
        for collection in {id(c): c for c in _producible(plan)}.values():
            self._add(collection)

    @property
    def texts(self) -> Collection[str]:
        """Those that are written out; names made of two pools are not."""
        return self._texts

    def __contains__(self, value: str) -> bool:
        return value in self._texts or any(_is_name(value, *names) for names in self._names) or self._is_nobodys(value)

    def _is_nobodys(self, value: str) -> bool:
        if not any(character.isdigit() for character in value):
            return False
        ids = (_is_id(country, length, value) for country, length in self._ids.items())
        return any(ids) or (self._devices and _is_device(value))

    def _add(self, collection: Collection[str]) -> None:
        if isinstance(collection, FullNames):
            first, last = frozenset(map(folded, collection.first)), frozenset(map(folded, collection.last))
            self._names.add((first, last, collection.length))
        else:
            self._texts.update(map(folded, collection))


def _producible(plan: DatabasePlan) -> Iterator[Collection[str]]:
    for table in plan.tables:
        for column in table.columns:
            found = column.producible(table.locales.all)
            yield from found.parts if isinstance(found, Several) else [found]


def _strategies(plan: DatabasePlan) -> Iterator[MaskingStrategy]:
    for table in plan.tables:
        for column in table.columns:
            yield from strategies_in(column.strategy)


def _is_id(country: str, length: int, value: str) -> bool:
    """Whether it is written as an id of the country is, hyphens apart, and was never issued."""
    plain = "".join(c for c in value if c.isalnum())
    return len(plain) == length and reserved_national_id(country, plain)


def _is_device(value: str) -> bool:
    """Whether it is the number of a test device."""
    return len(value) == IMEI_LENGTH and value.isdigit() and value.startswith("00")


def _is_name(value: str, first: frozenset[str], last: frozenset[str], length: int | None) -> bool:
    """Whether a first and a last name of the pools make it, cut at `length`."""
    if length is not None and len(value) >= length:
        return any(f"{one} "[:length] == value[: len(one) + 1] for one in first)
    cuts = (i for i, character in enumerate(value) if character == " ")
    return any(value[:i] in first and value[i + 1 :] in last for i in cuts)


def folded(text: str) -> str:
    """As `places.normal` does it in SQL: only ASCII letters change."""
    return "".join(c.lower() if c.isascii() else c for c in text.strip(" \t\n\r"))
