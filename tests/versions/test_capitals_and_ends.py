"""Capitals of addresses and dates at the ends of their types: alike on PostgreSQL 14 to 18."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.value_case import Masker

ADDRESSES = [
    "ANNA.MEYER@X.DE",
    "Anna.Meyer@x.de",
    "Anna.meyer@x.de",
    "Anna.Meyer@X.de",
    "aNna@x.de",
    " Anna@x.de",
    "JOSÉ@x.de",
    "anna.meyer@x.de",
]
DATES = ["4713-11-24 BC", "2020-02-29", "5874897-12-31", "infinity"]
MOMENTS = ["4713-11-24 00:00:00+00 BC", "294276-12-31 23:59:59+00", "-infinity"]
NUMBERS = ["[5,9223372036854775807)", "[-9223372036854775808,5)", "[9223372036854775806,9223372036854775807)", "(,)"]
DAYS = ["[5874897-12-30,5874897-12-31)", "[4714-11-24 BC,2020-01-01)", "[2020-01-01,infinity)", "[-infinity,infinity]"]


def fakes(database: TestDatabase) -> list[Any]:
    """Every fake of these originals on one server."""
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        conn.execute("SET timezone = 'UTC'")
        mask = Masker(conn)
        return [
            mask("text", "email", ADDRESSES),
            mask("date", "date_shift", DATES),
            mask("timestamptz", "date_shift", MOMENTS),
            mask("int8range", "range_shift", NUMBERS),
            mask("daterange", "range_shift", DAYS),
        ]


def test_every_version_gives_the_same(make_database_on: Callable[[int], TestDatabase]) -> None:
    found = [fakes(make_database_on(version)) for version in VERSIONS]

    assert found == [found[0]] * len(VERSIONS)
    capitals, words, first, *_, small = found[0][0]
    assert capitals == small.upper()
    assert words.lower() == first.lower() == small
