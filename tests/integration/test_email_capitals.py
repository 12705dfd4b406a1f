"""Capitals in e-mail addresses: fakes look like the originals, and spellings that differ stay different."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import psycopg
import pytest

from tests.integration.value_case import Masker


@pytest.fixture
def mask(database: Any) -> Iterator[Masker]:
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        yield Masker(conn)


def spellings(address: str) -> list[str]:
    """The address in every pattern of capitals."""
    return sorted({"".join(letters) for letters in product(*((c, c.upper()) for c in address))})


def usual(address: str) -> set[str]:
    """The spellings that no letter tells apart from one of a fake without a name."""
    return {address.lower(), address.upper()}


def _words(fake: str) -> str:
    """The fake with its name as words."""
    first, last, rest = fake.split(".", 2)
    return f"{first.capitalize()}.{last.capitalize()}.{rest}"


def _titled(fake: str) -> str:
    """The fake with a capital where its domain begins."""
    return fake.replace("@e", "@E")


@pytest.mark.parametrize(
    ("original", "spelt"),
    [
        ("ANNA.MEYER@CORP.TEST", str.upper),
        ("Anna.Meyer@corp.test", _words),
        ("Anna_Meyer-Ott@corp.test", _words),
        ("Anna@corp.test", _words),
        ("Anna.meyer@corp.test", lambda fake: fake[0].upper() + fake[1:]),
        (" anna.meyer@corp.test", str),
        ("John.Smith@Company.com", lambda fake: _titled(_words(fake))),
        ("Person1.Xyz@Client3-corp.net", lambda fake: _titled(_words(fake))),
        ("John@3Com.com", lambda fake: _titled(_words(fake))),
        ("John.smith@Company.com", lambda fake: _titled(fake[0].upper() + fake[1:])),
        ("john.smith@Company.com", _titled),
    ],
)
def test_capitals_stand_where_they_stood(mask: Masker, original: str, spelt: Any) -> None:
    lower, fake = mask("text", "email", [original.lower(), original])

    assert lower == lower.lower()
    assert fake == spelt(lower)


@pytest.mark.parametrize("type_", ["text", "varchar(45)", "varchar(44)", "varchar(30)", "varchar(29)", "varchar(28)"])
@pytest.mark.parametrize("address", ["ab@cd.e", "a.bc@d.e", "a@b.cd", "12@ab.c", "ab", " a.b@c "])
def test_no_two_spellings_of_an_address_get_one_fake(mask: Masker, type_: str, address: str) -> None:
    originals = spellings(address)

    fakes = mask(type_, "email", originals)

    assert len(set(fakes)) == len(originals)
    if type_ in {"varchar(29)", "varchar(28)"}:  # no room for a name: an unusual spelling is another address
        fakes = [fake for original, fake in zip(originals, fakes, strict=True) if original in usual(address)]
    assert len({fake.lower() for fake in fakes}) == 1


@pytest.mark.parametrize("original", ["aNna@x.de", "Anna@X.DE", "Anna@corp.Test", "anna@x@Y.de", "Ann.otto.Eve@X.de"])
def test_other_patterns_are_drawn_with_a_domain_that_no_pattern_has(mask: Masker, original: str) -> None:
    lower, fake = mask("text", "email", [original.lower(), original])

    assert fake.lower() == lower
    assert fake[fake.index("@") + 1 :][:2] == "eX"


def test_an_address_beyond_ascii_keeps_its_spellings_apart(mask: Masker) -> None:
    originals = spellings("é.ab@c.de")

    fakes = mask("text", "email", originals)

    assert len(set(fakes)) == len(originals)
    assert [fake for fake in fakes if fake == fake.lower()] == [fakes[originals.index("é.ab@c.de")]]
