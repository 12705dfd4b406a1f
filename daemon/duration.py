"""Durations and moments as people write them: `14d`, `12h`, `30m`, `2026-12-31`, `2026-12-31T18:00Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from daemon.amounts import counted

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """A duration from a number and one of s, m, h, d, w; raises ValueError with what is allowed."""
    match = re.fullmatch(r"(\d+)\s*([smhdw])", text.strip())
    if match is None:
        raise ValueError(f"`{text}` is no duration: write a number and s, m, h, d or w, such as 12h or 7d")
    try:
        return timedelta(**{UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise ValueError(f"`{text}` is too long a duration") from None


def parse_until(text: str, now: datetime) -> datetime:
    """A future moment from a date (its end, UTC), a date and time, or a duration from now."""
    try:
        moment = now + parse_duration(text)
    except OverflowError:
        raise ValueError(f"`{text}` is too far ahead") from None
    except ValueError:
        moment = _parse_moment(text)
    if moment <= now:
        raise ValueError(f"`{text}` is not in the future")
    return moment


def _parse_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"`{text}` is no date: write 2026-12-31, 2026-12-31T18:00Z or a duration such as 14d"
        ) from None
    if "T" not in text and " " not in text.strip():
        moment += timedelta(days=1)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def format_duration(duration: timedelta) -> str:
    """The largest whole unit that says enough: `40 days`, `3 hours`, `5 minutes`, `12 seconds`."""
    seconds = int(abs(duration.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return counted(count, unit)
    return counted(seconds, "second")


def _validate(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_validate)]
"""A pydantic field type that reads `14d` and the like."""
