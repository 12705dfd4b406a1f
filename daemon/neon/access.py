"""How to reach the API: host, key and mode; the clock, sleep and randomness that everything here takes from outside."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

from daemon.errors import SettingsError, WrongKeyError
from daemon.loopback import is_loopback

DEFAULT_HOST = "https://console.neon.tech/api/v2"


@dataclass(frozen=True)
class NeonAccess:
    """One API host and one key. `host` includes /api/v2, timeouts are in seconds.

    Raises SettingsError for a host that cannot be used, WrongKeyError for a key that no header can carry.
    """

    host: str
    key: str = field(repr=False)
    enforce: bool
    requests_per_minute: int = 600
    timeout: float = 60.0
    operation_timeout: float = 600.0

    def __post_init__(self) -> None:
        _check_host(self.host)
        # The HTTP library's own complaint about a bad header value would quote the key.
        if not self.key or not all("!" <= char <= "~" for char in self.key):
            raise WrongKeyError("the API key is empty or holds a character that no key has; was something else pasted?")

    @property
    def name(self) -> str:
        """The host alone, for sentences."""
        return urlsplit(self.host).hostname or self.host

    @property
    def loopback(self) -> bool:
        """Whether the API is on this machine."""
        return is_loopback(self.name)


@dataclass(frozen=True)
class Timing:
    """The world's clock and dice. `clock` and `sleep` are in seconds, `dice` gives 0 ≤ x < 1."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    dice: Callable[[], float] = random.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def _check_host(host: str) -> None:
    parts = _split(host)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise SettingsError(f"the API host must look like {DEFAULT_HOST}: check NEON_API_HOST")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(f"http:// would send the API key to {parts.hostname} in clear: use https://")


def _split(host: str) -> SplitResult:
    try:
        parts = urlsplit(host)
        _ = parts.port
    except ValueError:
        raise SettingsError(f"the API host must look like {DEFAULT_HOST}: check NEON_API_HOST") from None
    return parts
