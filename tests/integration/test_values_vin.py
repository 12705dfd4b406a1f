"""Numbers of vehicles: right in form and check digit, of a maker that there is not."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.fix_postgres import TestDatabase
from tests.integration.value_case import Masker

REAL = "1M8GDM9AXKP042788"
"""The example that descriptions of the check digit give."""
COUNTS = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def check_digit(vin: str) -> str:
    figures = [int(c) if c.isdigit() else COUNTS[c] for c in vin]
    return "0123456789X"[sum(w * f for w, f in zip(WEIGHTS, figures, strict=True)) % 11]


@pytest.fixture
def mask(database: TestDatabase) -> Iterator[Masker]:
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        yield Masker(conn)


def test_check_digits_are_right_and_the_maker_is_nobody(mask: Masker) -> None:
    fakes = mask("char(17)", "vin", [REAL, *map(str, range(400))])

    assert check_digit(REAL) == REAL[8]
    assert [vin for vin in fakes if check_digit(vin) != vin[8]] == []
    assert {vin[8] for vin in fakes} == set("0123456789X")
    assert {vin[:3] for vin in fakes} == {"A00"}
    assert {len(vin) for vin in fakes} == {17}


def test_they_differ_and_null_stays_null(mask: Masker) -> None:
    fakes = mask("text", "vin", [*map(str, range(2000)), None])

    assert len(set(fakes)) == 2001
    assert fakes[-1] is None


def test_every_place_takes_all_of_its_characters(mask: Masker) -> None:
    fakes = mask("text", "vin", map(str, range(3000)))

    for place in (*range(3, 8), 9, 10):
        assert len({vin[place] for vin in fakes}) == 30
    for place in range(11, 17):
        assert len({vin[place] for vin in fakes}) == 10
