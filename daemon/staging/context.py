"""What a sanitize run is given, and what it says while it works."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from daemon.attesting import Signing
from daemon.errors import StoppedError
from daemon.keys import MaskingKey
from daemon.neon import NeonClient
from daemon.progress import Connections, Progress, abandon
from daemon.settings import ProjectSettings, StagingSettings
from daemon.store import Store
from sanitizers.engines.journal import Mode
from sanitizers.fields.keyring import Keyring
from sanitizers.policy import MaskingPolicy

__all__ = [
    "GRACE",
    "NEON_OWN_ROLES",
    "ROLE_ANNOTATION",
    "Connections",
    "Manner",
    "Patience",
    "Progress",
    "StagingContext",
    "StagingRequest",
    "quoted",
]

ROLE_ANNOTATION = "branchwarden.role"
"""Annotation key that tells a run's `source` from its `target`."""

NEON_OWN_ROLES = frozenset({"cloud_admin", "neon_superuser", "neon_service"})
"""Roles that Neon keeps for itself: no user has their passwords and nobody may touch them."""


GRACE = 15.0  # seconds, well below what a container gets


def quoted(name: str) -> str:
    """An identifier as a person must write it in SQL."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Manner:
    """How the rows are masked."""

    mode: Mode = "clean-room"
    streams: int = 2
    allow_event_triggers: tuple[str, ...] = ()


@dataclass(frozen=True)
class StagingRequest:
    """What is asked for: a sanitized staging branch of one project."""

    project: ProjectSettings
    staging: StagingSettings
    policy: MaskingPolicy
    key: MaskingKey
    trigger: str
    """`manual` or `schedule`."""
    how: Manner = field(default_factory=Manner)
    keyring: Keyring | None = None
    """The field keys, where the policy encrypts something."""
    signing: Signing | None = None
    """None for a dry run, which makes no key."""


class Patience:
    """A sleep that ends when the run is to stop. What is being tidied up then has `GRACE` seconds more."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._stopped_at: float | None = None

    def __call__(self, seconds: float) -> None:
        """Sleep. Raises StoppedError once the grace is over."""
        if not self._stop.wait(seconds):
            return
        now = time.monotonic()
        self._stopped_at = self._stopped_at or now
        if now - self._stopped_at > GRACE:
            raise StoppedError("stopped on request")
        time.sleep(min(seconds, 0.5))


@dataclass(frozen=True)
class StagingContext:
    """The edges that a run works through."""

    client: NeonClient
    store: Store
    clock: Callable[[], datetime]
    tell: Callable[[Progress], None]
    stop: threading.Event = field(default_factory=threading.Event)
    connections: Connections = field(default_factory=Connections)
    ahead: threading.Event = field(default_factory=threading.Event)
    """Set during preflight, see `progress.breakable`."""

    def abandon(self) -> None:
        """Stop the run from a thread of its own; see `progress.abandon`."""
        abandon(self.stop, self.connections)

    def check_stop(self) -> None:
        """Raises StoppedError once the process was asked to end."""
        if self.stop.is_set():
            raise StoppedError("stopped on request: what the run made stays sealed and expires within two hours")
