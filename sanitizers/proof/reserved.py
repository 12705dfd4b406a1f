"""Space that belongs to nobody: what may be read in a masked database although it looks like somebody's.

Our fakes are all in it, and so are the numbers that authorities set aside for films and documentation. The constants of
the strategies are used as they are, so that a strategy that changes changes this too.
"""

from __future__ import annotations

import ipaddress
import re
from functools import cache

from sanitizers.strategies.card import TEST_NUMBERS
from sanitizers.strategies.iban import ACCOUNTS
from sanitizers.strategies.numberings import numbering
from sanitizers.strategies.phone import COUNTRY

DOMAINS = frozenset({"example.com", "example.org", "example.net"})
"""RFC 2606, section 3."""
TOP_LEVEL = frozenset({"example", "test", "invalid", "localhost"})
"""RFC 2606, section 2."""
CARDS = frozenset(
    {
        *TEST_NUMBERS,
        "378282246310005",
        "371449635398431",
        "30569309025904",
        "38520000023237",
        "6011000990139424",
        "3530111333300000",
        "3566002020360505",
        "5200828282828210",
        "4000000000000002",
    }
)
"""Numbers that networks and processors publish for tests."""
_FICTION = re.compile(
    r"1?[2-9]\d\d55501\d\d"  # North America (NANPA)
    r"|(?:44|0)(?:7700900\d{3}|1632960\d{3}|2079460\d{3}|1(?:13|14|15|16|17|18|21|31|41|51|61)4960\d{3}|8081570\d{3})"
    r"|(?:49|0)(?:3023125\d{3}|6990009\d{3}|4066969\d{3}|2214710\d{3}|8999998\d{3})"  # Bundesnetzagentur
    r"|(?:33|0)(?:19900|26191|35301|46571|53649|63998)\d{4}"  # ARCEP
)
"""Digits without plus and leading 00; the second line is Ofcom's."""


def reserved_host(host: str) -> bool:
    """Whether a name, or the domain of an address, can never be anybody's."""
    labels = host.lower().rstrip(".").split(".")
    return labels[-1] in TOP_LEVEL or ".".join(labels[-2:]) in DOMAINS


def reserved_email(address: str) -> bool:
    """Whether nobody can receive mail there."""
    return reserved_host(address.rpartition("@")[2])


def reserved_phone(number: str) -> bool:
    """Whether nobody can be called there: country code 999, and numbers for fiction."""
    digits = re.sub(r"[^0-9]", "", number).removeprefix("00")
    return digits.startswith(COUNTRY) or _FICTION.fullmatch(digits) is not None


def reserved_ip(written: str) -> bool:
    """Whether it is no address of the public net: documentation, private use, loopback and the like (RFC 6890)."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return True
    return not address.is_global or address.is_multicast


def reserved_iban(plain: str) -> bool:
    """Whether its bank is one that there is not; letters in upper case, no blanks."""
    form = next((form for country, form in ACCOUNTS.items() if plain.startswith(country.upper())), None)
    return form is not None and plain[4:].startswith(form.bank)


def reserved_card(digits: str) -> bool:
    """Whether it is a test number, or begins as no card does."""
    return digits in CARDS or digits.startswith("0")


def reserved_national_id(country: str, written: str) -> bool:
    """Whether it is of the part that the country never issues."""
    plain = re.sub(r"[^0-9A-Z]", "", written.upper())
    fronts, length = _fronts(country)
    return plain[:length] in fronts


@cache
def _fronts(country: str) -> tuple[frozenset[str], int]:
    fronts = frozenset(front.replace("-", "") for front in numbering(country).fronts)
    return fronts, len(next(iter(fronts)))
