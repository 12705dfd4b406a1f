"""The fakes that SQL strategies give, computed in Python for values that stand inside a text.

Same key, same label, same bytes of the digest as in `sanitizers.strategies` with their defaults, so that an address in
a comment gets the fake that it gets in a column of its own.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache

from sanitizers.digests import KEY_BYTES, SUBKEY_BYTES
from sanitizers.folding import small_letters
from sanitizers.formulas import (
    ACCOUNT,
    CARD,
    DOMAIN,
    FIRST_NAME,
    FRONT,
    LAST_NAME,
    MACHINE,
    MARK,
    MARK_BYTES,
    NATIONAL_ID,
    NUMBER,
)
from sanitizers.persons import PERSON
from sanitizers.pools import FALLBACK, PoolName, pool
from sanitizers.strategies.card import TEST_NUMBERS
from sanitizers.strategies.email import FIRST, TITLE, TITLED, WORDS
from sanitizers.strategies.iban import ACCOUNTS, Country
from sanitizers.strategies.ip import NETS
from sanitizers.strategies.national_id import TRIES
from sanitizers.strategies.numberings import LUHN, Check, Numbering, numbering
from sanitizers.strategies.phone import COUNTRY
from sanitizers.strategies.url import START

DOMAINS = ("example.com", "example.org", "example.net")
PHONE_DIGITS = 12
IBAN_COUNTRY: Country = "de"


class Fakes:
    """Fakes of one masking key, names from the pools of one locale."""

    def __init__(self, key: bytes, locale: str = FALLBACK) -> None:
        """Take the key.

        Raises:
            ValueError: the key is not 32 bytes long.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"a masking key has {KEY_BYTES} bytes, this one has {len(key)}")
        self._key, self._locale = key, locale
        self._subkeys: dict[str, bytes] = {}
        self._makers: Mapping[str, Callable[[str], str]] = {
            "email": self.email,
            "url": self.url,
            "ip": self.ip,
            "card": self.card,
            "iban": self.iban,
            "phone": self.phone,
        }

    def of(self, kind: str, original: str) -> str:
        """The fake of a value of a kind: one of the strategies, or `national_id:<country>`."""
        kind, _, country = kind.partition(":")
        return self.national_id(original, country) if country else self._makers[kind](original)

    def email(self, address: str) -> str:
        """As `email`, by the address itself; one without blanks around it."""
        composed, caseless = unicodedata.normalize("NFC", address), _caseless(address)
        digest = self._digest(PERSON.format("email"), _caseless(composed))
        first, last = self._pick("first_handle", digest, FIRST_NAME), self._pick("last_handle", digest, LAST_NAME)
        # Letters in parts (e and an accent) make another address of the same person.
        marking = digest if composed == address else self._digest("blanks around an address", caseless)
        mark = marking[MARK : MARK + MARK_BYTES].hex()
        name, rest = f"{first}.{last}.", f"{mark}@{DOMAINS[digest[DOMAIN] % len(DOMAINS)]}"
        if address == caseless:
            return name + rest
        if address.isascii() and (spelt := _spelt(address, name, rest)):
            return spelt
        return _drawn(name + rest, self._digest("spelling of an address", address))

    def url(self, address: str) -> str:
        """As `url`."""
        return START + self._digest("url", address)[MARK : MARK + MARK_BYTES].hex()

    def ip(self, address: str) -> str:
        """As `ip` of a text."""
        digest = self._digest("ip", address)
        if ":" in address:
            return str(ipaddress.IPv6Address(b"\x20\x01\x0d\xb8" + digest[MACHINE : MACHINE + 12]))
        return f"{NETS[digest[MACHINE] % len(NETS)]}.{1 + digest[MACHINE + 1] % 254}"

    def card(self, number: str) -> str:
        """As `card`, one of the published test numbers."""
        return TEST_NUMBERS[self._digest("card", number)[CARD] % len(TEST_NUMBERS)]

    def phone(self, number: str) -> str:
        """As `phone`."""
        return f"+{COUNTRY}{_number(self._digest('phone', number), NUMBER) % 10**PHONE_DIGITS:0{PHONE_DIGITS}}"

    def iban(self, number: str) -> str:
        """As `iban`, of Germany."""
        form, country = ACCOUNTS[IBAN_COUNTRY], IBAN_COUNTRY.upper()
        account = f"{form.bank}{_number(self._digest('iban', number), ACCOUNT) % 10**form.digits:0{form.digits}}"
        figures = "".join(str(int(c, 36)) for c in f"{account}{country}00")
        return f"{country}{98 - int(figures) % 97:02}{account}"

    def national_id(self, number: str, country: str) -> str:
        """As `national_id` of the country, in its official form."""
        form, digest = numbering(country), self._digest("national_id", number)
        front = form.fronts[_spare(digest, FRONT) & (len(form.fronts) - 1)]
        if not form.serial:
            return front
        serial = 1 + _number(digest, NATIONAL_ID) % (10**form.serial - 1)
        tried = (_with_serial(form, front, serial - serial % 10 + (serial % 10 + n) % 10) for n in range(TRIES))
        return next(fake for fake in tried if fake is not None)

    def _pick(self, name: PoolName, digest: bytes, at: int) -> str:
        values = pool(name, self._locale)
        return values[(digest[at] << 8 | digest[at + 1]) & (len(values) - 1)]

    def _digest(self, label: str, text: str) -> bytes:
        if label not in self._subkeys:
            self._subkeys[label] = hashlib.sha256(self._key + label.encode()).digest()[:SUBKEY_BYTES]
        return hashlib.sha256(self._subkeys[label] + text.encode(errors="surrogatepass")).digest()


def check_character(check: Check, text: str) -> str | None:
    """What follows the text of a number by one of its checks; None: no such number exists."""
    total = sum(
        2 * int(c) + int(c) // 5 if weight == LUHN else weight * int(c)
        for weight, c in zip(check.weights, text, strict=False)
        if weight
    )
    return check.characters[total % check.modulus]


def _with_serial(form: Numbering, front: str, serial: int) -> str | None:
    text = f"{front}{serial:0{form.serial}}"
    behind = [check_character(check, text) for check in form.checks]
    return None if None in behind else text + "".join(c for c in behind if c is not None)


def _number(digest: bytes, at: int) -> int:
    return int.from_bytes(digest[at : at + 7], "big")


def _spare(digest: bytes, at: tuple[int, int, int]) -> int:
    """12 bits: the upper halves of three bytes."""
    high, middle, low = (digest[place] >> 4 for place in at)
    return high << 8 | middle << 4 | low


def _caseless(text: str) -> str:
    """In small letters as `sanitizers.folding` has them, whatever the locale."""
    small = text.encode(errors="surrogatepass").lower().decode(errors="surrogatepass")
    return small if small.isascii() else small.translate(_small_letters())


@cache
def _small_letters() -> dict[int, str]:
    return {ord(letter): small for letter, small in small_letters().items()}


def _spelt(address: str, name: str, rest: str) -> str | None:
    """Capitals where the address, which is ASCII, has a pattern of them that the strategy gives its fake as well."""
    if address == address.upper():
        return (name + rest).upper()
    if re.search(TITLED, address):
        rest = rest.replace("@e", "@E")
    if re.fullmatch(WORDS, address):
        return re.sub("[a-z0-9]+", lambda word: word[0].capitalize(), name) + rest
    if re.fullmatch(FIRST, address):
        return name[0].upper() + name[1:] + rest
    return name + rest if re.fullmatch(TITLE, address) else None


def _drawn(fake: str, bits: bytes) -> str:
    """Capitals where the bits of the spelling are set; of the domain's first two letters the second alone has one."""
    at = fake.index("@") + 2  # as SQL counts
    capitals = (n != at and (bits[n // 8] >> n % 8 & 1 or n == at + 1) for n in range(1, len(fake) + 1))
    return "".join(c.upper() if capital else c for c, capital in zip(fake, capitals, strict=True))
