"""What is nobody's, and what is somebody's next to it."""

from __future__ import annotations

import re

import pytest

from sanitizers.proof.reserved import DOMAINS
from sanitizers.proof.sightings import Tally, sightings
from sanitizers.strategies import email

NOBODYS = [
    "anna.meyer.3f9a1c0b2d4e5f60@example.org",
    "anna@mail.example.com, ANNA@LOCALHOST, a@b.test",
    "+999123456789012",
    "999123456789012",
    "+1 202-555-0143",
    "(020) 7946 0123 or +44 7700 900123",
    "+49 30 23125 123",
    "192.0.2.17 and 10.1.2.3, 127.0.0.1, 2001:db8::1, fe80::1",
    "DE12 9000 0000 0000 0000 00",
    "card 4111 1111 1111 1111",
    "SSN 987-65-4321",
    "host-4111111111111111.example.net",
    "https://example.com/4556737586899855",
    "2024-03-01 12:00:00.123456+00",
    "version 1.2.3",
    "order 12345678",
    "",
]
SOMEBODYS = [
    ("Theodora <theodora@corp.de>", "email"),
    ("mailto:theodora%40corp.de", "email"),
    ("+49 30 901820", "phone"),
    ("(030) 9018-2012", "phone"),
    ("+1 202-555-1143", "phone"),
    ("81.2.69.160", "ip"),
    ("2a00:1450:4001:82a::200e", "ip"),
    ("DE89 3704 0044 0532 0130 00", "iban"),
    ("4556 7375 8689 9855", "card"),
    ("123-45-6789", "national_id"),
    ("RSSMRA85T10A562S", "national_id"),
]


@pytest.mark.parametrize("text", NOBODYS)
def test_reserved_space_is_nobodys(text: str) -> None:
    assert list(sightings(text)) == []


@pytest.mark.parametrize(("text", "kind"), SOMEBODYS)
def test_values_outside_are_somebodys_alone_and_in_sentences(text: str, kind: str) -> None:
    for written in (text, f"please ask {text} today", f'{{"a": "{text}"}}'):
        assert [one.kind for one in sightings(written)] == [kind]


def test_numbers_that_pass_a_check_by_chance_are_no_sighting() -> None:
    tally = Tally()
    for number in range(4_000_000_000_000_000, 4_000_000_000_003_000):
        tally.add(str(number))

    assert tally.maybe["card"] == 299  # one is a published test number
    assert tally.found() == {}


def test_a_column_of_cards_is_one() -> None:
    tally = Tally()
    for _ in range(20):
        tally.add("4556737586899855")

    assert tally.found() == {"card": 20}


def test_domains_of_fakes_are_the_reserved_ones() -> None:
    assert set(re.findall(r"@([a-z.]+)", email.DOMAINS.as_string())) == DOMAINS
