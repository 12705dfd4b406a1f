"""What in a text looks like somebody's contact data or number, outside the space that is nobody's. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from sanitizers.fields.addresses import Found, emails, machines, urls
from sanitizers.fields.numbers import ibans, numbers
from sanitizers.proof.reserved import (
    reserved_card,
    reserved_email,
    reserved_host,
    reserved_iban,
    reserved_ip,
    reserved_national_id,
    reserved_phone,
)
from sanitizers.strategies.phone import COUNTRY

Kind = Literal["email", "phone", "ip", "iban", "card", "national_id"]
KINDS: tuple[Kind, ...] = ("email", "phone", "ip", "iban", "card", "national_id")
ALL = frozenset(KINDS)

_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*\.(?:example\.(?:com|org|net)|example|test|invalid|localhost)\b", re.IGNORECASE)
_FAKE = re.compile(rf"[\w.+-]{{1,128}}@example\.(?:com|org|net)|\+?{COUNTRY}[0-9]{{4,16}}", re.ASCII | re.IGNORECASE)
"""Whole values as our strategies write them: most of a masked database, told at once."""
_BARE = re.compile(r"[0-9]{9,19}")
CHANCE = 0.1
"""Of digits alone, at most so many pass a check of cards or ids by chance, or begin as telephone numbers do."""
SIGMAS = 6


class Sighting(NamedTuple):
    """Something found; the text itself is not kept."""

    kind: Kind
    bare: bool
    """Whether the value is nothing but digits, of which a tenth looks so by chance."""


@dataclass
class Tally:
    """The sightings of one column."""

    values: int = 0
    bare: int = 0
    """Values of nothing but digits."""
    sure: Counter[Kind] = field(default_factory=Counter)
    maybe: Counter[Kind] = field(default_factory=Counter)

    def add(self, text: str) -> None:
        """Look at one value."""
        self.values += 1
        self.bare += bool(_BARE.fullmatch(text.strip()))
        seen = set(sightings(text))
        self.sure.update(kind for kind, bare in seen if not bare)
        self.maybe.update(kind for kind, bare in seen if bare)

    def found(self, kinds: Iterable[Kind] = KINDS) -> Mapping[Kind, int]:
        """How many values hold something of each kind; of bare digits more than chance explains, or none."""
        chance = self.bare * CHANCE + SIGMAS * math.sqrt(self.bare * CHANCE * (1 - CHANCE))
        counts = {kind: self.sure[kind] + (self.maybe[kind] if self.maybe[kind] > chance else 0) for kind in kinds}
        return {kind: count for kind, count in counts.items() if count}


def sightings(text: str) -> Iterator[Sighting]:
    """Everything in a text that is not reserved."""
    if _FAKE.fullmatch(text):
        return
    rest = text
    for found in emails(text):
        rest = _without(rest, found.start, found.end)
        if not reserved_email(found.plain):
            yield Sighting("email", bare=False)
    rest = _without_reserved_hosts(rest)
    for found in machines(rest):
        rest = _without(rest, found.start, found.end)
        if not reserved_ip(found.plain):
            yield Sighting("ip", bare=False)
    yield from _numbers(rest)


def _without_reserved_hosts(text: str) -> str:
    """Without addresses of the web, and names of machines, where nothing is; digits in them are nobody's."""
    for found in urls(text):
        if reserved_host(_host_of(found)):
            text = _without(text, found.start, found.end)
    for host in _HOST.finditer(text):
        text = _without(text, *host.span())
    return text


def _numbers(text: str) -> Iterator[Sighting]:
    bare = _BARE.fullmatch(text.strip()) is not None
    for found in ibans(text):
        text = _without(text, found.start, found.end)
        if not reserved_iban(found.plain):
            yield Sighting("iban", bare=False)
    for found in numbers(text):
        kind, _, country = found.kind.partition(":")
        match kind:
            case "card" if not reserved_card(found.plain):
                yield Sighting("card", bare)
            case "national_id" if not reserved_national_id(country, found.plain):
                yield Sighting("national_id", bare)
            case "phone" if not reserved_phone(found.plain) and (not bare or found.plain.startswith("0")):
                yield Sighting("phone", bare)


def _host_of(found: Found) -> str:
    written = found.plain if "://" in found.plain else f"http://{found.plain}"
    try:
        return urlsplit(written).hostname or ""
    except ValueError:  # a bracket that is no address of IPv6
        return ""


def _without(text: str, start: int, end: int) -> str:
    """Line ends in its place, which no number goes on over."""
    return f"{text[:start]}{(end - start) * chr(10)}{text[end:]}"
