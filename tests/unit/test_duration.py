"""Durations and moments as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.duration import format_duration, parse_duration, parse_until

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("12h", timedelta(hours=12)),
        (" 2 w ", timedelta(14)),
    ],
)
def test_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "d", "-1d", "1.5h", "1 month", "99999999999d"])
def test_anything_else_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_a_date_means_its_end_and_a_moment_itself() -> None:
    assert parse_until("2026-12-31", NOW) == datetime(2027, 1, 1, tzinfo=UTC)
    assert parse_until("2026-12-31T18:00+01:00", NOW) == datetime(2026, 12, 31, 17, tzinfo=UTC)
    assert parse_until("30d", NOW) == NOW + timedelta(days=30)


@pytest.mark.parametrize("text", ["2026-11-01", "0d", "yesterday", "99999999d"])
def test_the_past_and_nonsense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"future|no date|too far"):
        parse_until(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (7300, "2 hours")],
)
def test_the_largest_unit_says_enough(seconds: int, expected: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == expected
