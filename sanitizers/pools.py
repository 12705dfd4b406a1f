"""Faker → pools of fake values → SQL functions that pick from them by the bytes of a digest.

Faker fills each pool once, from a constant seed: pools are public, the key alone decides who gets which value.
A pool is a power of two long, so that some bits of a digest are an index without bias. Its values have at most
63 bytes: the array is then of the fixed-width type `name`, where a look-up costs the same everywhere (an array of
text is walked from the front). The functions are SQL that Postgres inlines; nothing is called per row.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from faker import Faker
from psycopg import sql

from sanitizers.errors import PolicyError

PoolName = Literal["first_name", "last_name", "handle", "street", "city", "postcode", "company"]

HELPER_SCHEMA = "branchwarden_mask"
LARGEST_POOL = 4096
MOST_BYTES = 63  # of a value of type name
HANDLE_LENGTH = 30  # characters
SEED = 20261121  # any constant: another one makes other fakes of the same originals
DRAWS = 4 * LARGEST_POOL  # a provider that has fewer different values than asked for must end, too

# Helpers beside the pools; `d` is a digest. Each parameter is a column or a constant, so repeating it costs nothing.
FORMULAS: Mapping[str, tuple[str, str, str]] = {
    # 56 bits, never negative
    "number": (
        "d bytea",
        "bigint",
        """SELECT ((get_byte(d, 0) << 16) | (get_byte(d, 1) << 8) | get_byte(d, 2))::bigint * 4294967296
                + ((get_byte(d, 3)::bigint << 24) | (get_byte(d, 4) << 16) | (get_byte(d, 5) << 8) | get_byte(d, 6))""",
    ),
    # -days to days, never 0
    "shift": (
        "d bytea, days integer",
        "integer",
        """SELECT (1 - 2 * (get_byte(d, 0) & 1))
                * (1 + ((get_byte(d, 1) << 16) | (get_byte(d, 2) << 8) | get_byte(d, 3)) % days)""",
    ),
    "uuid4": (
        "d bytea",
        "uuid",
        """SELECT encode(set_byte(set_byte(substr(d, 1, 16), 6, (get_byte(d, 6) & 15) | 64),
                                  8, (get_byte(d, 8) & 63) | 128), 'hex')::uuid""",
    ),
    # 96 bits behind the prefix that is for documentation
    "address": (
        "d bytea",
        "inet",
        r"""SELECT ('2001:db8:' || rtrim(regexp_replace(encode(substr(d, 1, 12), 'hex'), '(....)', '\1:', 'g'), ':'))
            ::inet""",
    ),
}


@dataclass(frozen=True)
class Pools:
    """The pools of one locale. Sizes are powers of two."""

    locale: str
    values: Mapping[PoolName, tuple[str, ...]]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over everything; changes with Faker's version."""
        return hashlib.sha256(json.dumps([self.locale, dict(self.values)]).encode()).hexdigest()


@cache
def build_pools(locale: str = "en_US") -> Pools:
    """Fill the pools of a locale: a few tenths of a second, once per process.

    Raises:
        PolicyError: Faker has no such locale.
    """
    fake = _faker(locale)
    draws: Mapping[PoolName, Callable[[], str]] = {
        "first_name": fake.first_name,
        "last_name": fake.last_name,
        "handle": _handles(fake, _faker("en_US")),
        "street": fake.street_address,
        "city": fake.city,
        "postcode": fake.postcode,
        "company": fake.company,
    }
    return Pools(locale, {name: _fill(draws[name]) for name in get_args(PoolName)})


def pick(pool: PoolName, digest: sql.Composable, at: int) -> sql.Composable:
    """SQL for a value of the pool, chosen by two bytes of the digest from the 0-based `at`."""
    return helper(pool, digest, sql.Literal(at))


def helper(name: str, *arguments: sql.Composable) -> sql.Composable:
    """SQL for a call of a helper function; Postgres inlines it."""
    return sql.SQL("{}({})").format(sql.Identifier(HELPER_SCHEMA, name), sql.SQL(", ").join(arguments))


def function_definitions(pools: Pools, names: frozenset[PoolName]) -> Iterator[sql.Composed]:
    """CREATE FUNCTION for the named pools and all formulas. Not strict, or Postgres would not inline them."""
    for name, (parameters, result, body) in FORMULAS.items():
        yield _create(name, parameters, result, sql.SQL(body))
    for name in sorted(names):
        yield _create(name, "d bytea, at integer", "text", _pick_body(pools.values[name]))


def _create(name: str, parameters: str, result: str, body: sql.Composable) -> sql.Composed:
    signature = sql.SQL("{}({}) RETURNS {}").format(
        sql.Identifier(HELPER_SCHEMA, name), sql.SQL(parameters), sql.SQL(result)
    )
    return sql.SQL("CREATE FUNCTION {} LANGUAGE sql STABLE PARALLEL SAFE AS {}").format(
        signature, sql.Literal(body.as_string())
    )


def _pick_body(values: tuple[str, ...]) -> sql.Composable:
    array = sql.Literal("{" + ",".join(_quoted(value) for value in values) + "}")
    return sql.SQL("SELECT (({}::name[])[1 + (((get_byte(d, at) << 8) | get_byte(d, at + 1)) & {})])::text").format(
        array, sql.Literal(len(values) - 1)
    )


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _faker(locale: str) -> Faker:
    try:
        fake = Faker(locale, use_weighting=False)
    except (AttributeError, ValueError) as error:
        raise PolicyError(f"Faker knows no locale {locale!r}: write it as en_US or de_DE.") from error
    fake.seed_instance(SEED)
    return fake


def _fill(draw: Callable[[], str]) -> tuple[str, ...]:
    values: dict[str, None] = {}
    for _ in range(DRAWS):
        value = " ".join(draw().split())
        if value and len(value.encode()) <= MOST_BYTES:
            values[value] = None
        if len(values) == LARGEST_POOL:
            break
    return tuple(values)[: 1 << (len(values).bit_length() - 1)]


def _handles(fake: Faker, fallback: Faker) -> Callable[[], str]:
    """`anna.meyer`; names in a script that has no ASCII form come from the fallback."""

    def draw() -> str:
        parts = (_ascii(fake.first_name()) or _ascii(fallback.first_name()), _ascii(fake.last_name()))
        return ".".join((parts[0], parts[1] or _ascii(fallback.last_name())))[:HANDLE_LENGTH].strip(".")

    return draw


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]", "", plain)
