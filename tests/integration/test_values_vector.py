"""The published vectors: what a key makes of a value, on this Postgres, and by the recipe that the docs give."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sanitizers.pools import pool
from sanitizers.strategies import KINDS
from tests.integration.value_case import KEY, Masker
from tests.reference_pages import code, page, rows

TYPES = {"permute of an integer": "bigint", "noise": "numeric", "coordinates": "numeric", "date_shift": "date"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "national_id": {"country": "fi"},
    "constant": {"value": "x"},
    "card": {"unique": True},
    "phone of 20 digits": {"digits": 20},
}


def vectors() -> list[tuple[str, str, str]]:
    table = page("strategies.md").split("## How a fake is computed")[1].split("\n## ")[0]
    return [(code(row[0]), code(row[1]), code(row[2])) for row in rows(table)]


@pytest.fixture
def mask(database: Any) -> Iterator[Masker]:
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        yield Masker(conn)


def test_every_strategy_that_draws_has_a_vector() -> None:
    structural = {"json", "array", "hstore", "composite", "range", "xml", "shuffle", "sql", "derived", "range_shift"}
    elsewhere = {"encrypt", "scrub"}  # made by this process: tests/unit/test_fields_vectors.py, test_fields_scrub.py
    drawing = {kind for kind, strategy in KINDS.items() if strategy.digested} - structural - elsewhere

    assert {name.split(" ")[0] for name, _, _ in vectors()} >= drawing


@pytest.mark.parametrize(("name", "original", "fake"), vectors())
def test_the_published_fakes_are_what_comes_out(mask: Masker, name: str, original: str, fake: str) -> None:
    kind = name.split(" ", maxsplit=1)[0]

    assert mask(TYPES.get(name, "text"), kind, [original], **PARAMETERS.get(name, PARAMETERS.get(kind, {}))) == [fake]


def digest(label: str, text: str) -> bytes:
    subkey = hashlib.sha256(KEY + label.encode()).digest()[:16]
    return hashlib.sha256(subkey + text.encode()).digest()


def test_the_recipe_in_the_docs_makes_them_too() -> None:
    by_name = {name: (original, fake) for name, original, fake in vectors()}

    def drawn(kind: str, label: str = "") -> tuple[bytes, str]:
        original, fake = by_name[kind]
        return digest(label or kind, original.strip().lower() if label else original), fake

    bytes_, fake = drawn("digest")
    assert bytes_[:16].hex() == fake
    bytes_, fake = drawn("url")
    assert f"https://example.com/{bytes_[8:16].hex()}" == fake
    bytes_, fake = drawn("phone")
    assert f"+999{int.from_bytes(bytes_[17:24]) % 10**12:012}" == fake
    _, fake = drawn("phone of 20 digits")
    assert f"+999{int.from_bytes(bytes_[24:31]) % 10**4:04}{int.from_bytes(bytes_[17:24]) % 10**16:016}" == fake
    bytes_, fake = drawn("first_name", "person name")
    assert pool("first_name")[int.from_bytes(bytes_[:2]) % len(pool("first_name"))] == fake
    bytes_, fake = drawn("email", "person email")
    handles = [pool(name)[int.from_bytes(bytes_[at : at + 2]) % 4096 % len(pool(name))] for name, at in HANDLES]
    assert f"{handles[0]}.{handles[1]}.{bytes_[8:16].hex()}@example." + ("com", "org", "net")[bytes_[16] % 3] == fake


HANDLES: tuple[tuple[Any, int], ...] = (("first_handle", 0), ("last_handle", 2))
