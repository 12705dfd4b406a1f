"""When to ask again, and after how long. Source: the retry rules in the API document's GeneralError."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from daemon.neon.access import Timing
from daemon.neon.transport import READING

ALWAYS_SAFE = frozenset({423, 429, 503})  # Neon refused before doing anything
BUSY_TRIES = 7  # for the answers above; about 18 s of waiting on average
FAULT_TRIES = 3  # for a reading request that got no answer, or a 5xx
FIRST_DELAY = 1.0  # seconds, doubled from try to try
LONGEST_DELAY = 10.0  # seconds
LONGEST_RETRY_AFTER = 60.0  # seconds; who asks for more gets this and another try


def tries_after(method: str, status: int | None) -> int:
    """How many tries in all the outcome of one deserves; status None means no answer at all."""
    if status in ALWAYS_SAFE:
        return BUSY_TRIES
    if method in READING and (status is None or status >= 500):
        return FAULT_TRIES
    return 1


def delay(attempt: int, response: httpx.Response | None, timing: Timing) -> float:
    """Seconds before the try after `attempt` (from 1): full jitter, or what Retry-After asks for if that is longer."""
    jitter = timing.dice() * min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempt - 1))
    asked = retry_after(response.headers.get("Retry-After"), timing.now()) if response is not None else 0.0
    return max(jitter, min(asked, LONGEST_RETRY_AFTER))


def retry_after(header: str | None, now: datetime) -> float:
    """The header as seconds from now, at least 0; an unreadable one is 0."""
    if header is None:
        return 0.0
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (moment - now).total_seconds())
