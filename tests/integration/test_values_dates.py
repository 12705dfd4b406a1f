"""Dates near the ends of their types: moved inwards, never out of the type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.integration.value_case import Masker

MOMENTS = ["4713-11-24 00:00:00 BC", "4713-12-30 12:00:00 BC", "294276-12-31 23:59:59.999999", "294276-06-01 00:00:00"]
DATES = ["4713-11-24 BC", "4713-12-30 BC", "5874897-12-31", "5874897-06-01"]


@pytest.fixture
def mask(database: Any) -> Iterator[Masker]:
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        yield Masker(conn)


@pytest.mark.parametrize("days", [1, 180, 36500])
@pytest.mark.parametrize(
    ("type_", "ends"), [("date", DATES), ("timestamp", MOMENTS), ("timestamptz", [f"{m}+00" for m in MOMENTS])]
)
def test_what_is_near_an_end_of_its_type_moves_inwards(mask: Masker, type_: str, ends: list[str], days: int) -> None:
    ends = [end.replace(" BC+00", "+00 BC") for end in ends]
    inner = [f"{year}-06-15" for year in range(1900, 1950)]

    fakes = mask(type_, "date_shift", [*ends, *inner], days=days)

    gaps = [gap(mask, type_, *pair) for pair in zip([*ends, *inner], fakes, strict=True)]
    assert all(1 <= abs(number) <= days for number in gaps)
    assert gaps[0] > 0 > gaps[2]
    assert {number > 0 for number in gaps[4:]} == {True, False}


@pytest.mark.parametrize("type_", ["date", "timestamp", "timestamptz"])
def test_what_is_no_day_stays(mask: Masker, type_: str) -> None:
    assert mask(type_, "date_shift", ["infinity", "-infinity", None]) == ["infinity", "-infinity", None]


def gap(mask: Masker, type_: str, one: str, other: str) -> int:
    """Days from one value to the other."""
    query = "SELECT round(extract(epoch FROM %s::{0})::numeric / 86400 - extract(epoch FROM %s::{0})::numeric / 86400)"
    row = mask.conn.execute(sql.SQL(query).format(sql.SQL(type_)), (other, one)).fetchone()
    assert row is not None
    return int(row[0])
