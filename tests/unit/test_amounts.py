"""Estimates in words."""

import pytest

from daemon.amounts import counted, readable_size, readable_time


@pytest.mark.parametrize(("size", "words"), [(0, "0.0 MB"), (1_500_000, "1.5 MB"), (300_000_000_000, "300.0 GB")])
def test_a_size_is_megabytes_or_gigabytes(size: int, words: str) -> None:
    assert readable_size(size) == words


@pytest.mark.parametrize(("seconds", "words"), [(0, "1 min"), (600, "10 min"), (7200, "2.0 hours")])
def test_a_time_is_minutes_or_hours(seconds: float, words: str) -> None:
    assert readable_time(seconds) == words


@pytest.mark.parametrize(("number", "words"), [(0, "0 tables"), (1, "1 table"), (2000, "2,000 tables")])
def test_things_are_counted(number: int, words: str) -> None:
    assert counted(number, "table") == words
