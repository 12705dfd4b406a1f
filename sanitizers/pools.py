"""Faker → pools of fake values, and the SQL that picks from them by the bytes of a digest.

Faker fills a pool once, from a constant seed: pools are public, the key alone decides who gets which value. A pool is
a power of two long, so that some bits of a digest are an index without bias. Its values have at most 63 bytes: inside
a statement the pool is a constant array of the fixed-width type `name`, where a look-up costs the same everywhere (an
array of text is walked from the front). Nothing is created in the source.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from faker import Faker
from psycopg import sql

from sanitizers.errors import PolicyError

PoolName = Literal[
    "first_name",
    "last_name",
    "first_handle",
    "last_handle",
    "street",
    "city",
    "postcode",
    "company",
    "region",
    "job",
    "sentence",
    "user_agent",
]

LARGEST_POOL = 4096
MOST_BYTES = 63  # of a value of type name
HANDLE_LENGTH = 14  # characters of each of its two parts
SEED = 20261121  # any constant: another one makes other fakes of the same originals
DRAWS = 4 * LARGEST_POOL  # a provider that has fewer different values than asked for must end, too
SHORTEST_SENTENCE = 12  # characters; how many sentences fill a text is counted by it
FALLBACK = "en_US"  # for what a locale does not have: names in ASCII, regions

HANDLES: Mapping[PoolName, PoolName] = {"first_handle": "first_name", "last_handle": "last_name"}
REGIONS = ("administrative_unit", "state", "region", "province", "prefecture", "county", "department_name")
"""What Faker's locales call the part of a country that is in an address."""
USER_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64) Gecko/20100101 Firefox/128",
    "Mozilla/5.0 (Macintosh) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Android 14; Mobile) Gecko/128.0 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (iPhone) Version/17.5 Mobile Safari/604.1",
    "Mozilla/5.0 (Macintosh) Version/17.5 Safari/605.1.15",
)
"""One per family of browsers and systems; Faker's are too long for a pool."""


@dataclass(frozen=True)
class Locales:
    """The locale of a table's fakes: one, or by a column of the row where that names one of `others`."""

    default: str = FALLBACK
    others: tuple[str, ...] = ()
    column: str | None = None

    @property
    def all(self) -> tuple[str, ...]:
        """Every locale that fakes may come from."""
        return tuple(dict.fromkeys((self.default, *self.others)))


@cache
def pool(name: PoolName, locale: str = FALLBACK) -> tuple[str, ...]:
    """The values of a pool, different ones but for handles, which stand where the names stand that they belong to.

    Raises:
        PolicyError: Faker has no such locale.
    """
    if name in HANDLES:
        return _handles(HANDLES[name], locale)
    fake = _faker(locale)
    draws: Mapping[PoolName, Callable[[], str]] = {
        "first_name": fake.first_name,
        "last_name": fake.last_name,
        "street": fake.street_address,
        "city": fake.city,
        "postcode": fake.postcode,
        "company": fake.company,
        "region": _region(fake),
        "job": fake.job,
        "sentence": lambda: _sentence(fake),
        "user_agent": lambda: fake.random_element(USER_AGENTS),
    }
    return _fill(draws[name])


def pick(name: PoolName, locale: str, digest: sql.Composable, at: int) -> sql.Composable:
    """SQL for a value of the pool, chosen by two bytes of the digest from the 0-based `at`."""
    return pick_at(name, locale, two_bytes(digest, at))


def two_bytes(digest: sql.Composable, at: int) -> sql.Composable:
    """SQL for two bytes of the digest from the 0-based `at`, as a number."""
    number = sql.SQL("((get_byte({}, {}) << 8) | get_byte({}, {}))")
    return number.format(digest, sql.Literal(at), digest, sql.Literal(at + 1))


def pick_at(name: PoolName, locale: str, number: sql.Composable) -> sql.Composable:
    """SQL for a value of the pool, chosen by the last bits of a number."""
    values, array = pool(name, locale), _array(name, locale)
    return sql.SQL("(({}::name[])[1 + ({} & {})])::text").format(array, number, sql.Literal(len(values) - 1))


@cache
def _array(name: PoolName, locale: str) -> sql.Composable:
    """The pool as Postgres reads it: written once, since every table has it in its statement."""
    written = sql.Literal("{" + ",".join(_quoted(value) for value in pool(name, locale)) + "}").as_string()
    return sql.SQL(written)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _faker(locale: str) -> Faker:
    try:
        fake = Faker(locale, use_weighting=False)
    except (AttributeError, ValueError) as error:
        raise PolicyError(f"Faker knows no locale {locale!r}: write it as en_US or de_DE.") from error
    fake.seed_instance(SEED)
    return fake


def _region(fake: Faker) -> Callable[[], str]:
    known = (getattr(fake, name, None) for name in REGIONS)
    return next((method for method in known if method is not None), _faker(FALLBACK).state)


def _sentence(fake: Faker) -> str:
    words = fake.sentence(nb_words=6).split()
    while len(" ".join(words)) < SHORTEST_SENTENCE:
        words += fake.sentence(nb_words=6).split()
    return " ".join(words)


def _fill(draw: Callable[[], str]) -> tuple[str, ...]:
    values: dict[str, None] = {}
    for _ in range(DRAWS):
        value = " ".join(draw().split())
        if value and len(value.encode()) <= MOST_BYTES:
            values[value] = None
        if len(values) == LARGEST_POOL:
            break
    return tuple(values)[: 1 << (len(values).bit_length() - 1)]


def _handles(names: PoolName, locale: str) -> tuple[str, ...]:
    """`meyer` for `Meyer`; of names in other scripts what Faker writes for them, or else some names that are ASCII."""
    values = pool(names, locale)
    if all(map(_ascii, values)):
        return tuple(_ascii(name)[:HANDLE_LENGTH] for name in values)
    spelt, others = _romanized(names, _faker(locale))
    plain = [_ascii(name) for name in others or pool(names, FALLBACK)]
    return tuple(
        (_ascii(name) or _ascii(spelt.get(name, "")) or plain[number % len(plain)])[:HANDLE_LENGTH]
        for number, name in enumerate(values)
    )


def _romanized(names: PoolName, fake: Faker) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """What Faker knows of the locale's names in ASCII: which is which (Japanese), or only some of them (Chinese)."""
    part = names.removesuffix("_name")
    pair, alone = getattr(fake, f"{part}_name_pair", None), getattr(fake, f"{part}_romanized_name", None)
    spelt = {name: latin for name, _, latin in (pair() for _ in range(DRAWS))} if pair else {}
    return spelt, _fill(alone) if alone else ()


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]", "", plain)
