"""What a sanitize run is given, and what it says while it works."""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from daemon.errors import StoppedError
from daemon.keys import MaskingKey
from daemon.neon import NeonClient
from daemon.settings import ProjectSettings, StagingSettings
from daemon.store import Store
from sanitizers.policy import MaskingPolicy

ROLE_ANNOTATION = "branchwarden.role"
"""Annotation key that tells a run's `source` from its `target`."""

NEON_OWN_ROLES = frozenset({"cloud_admin", "neon_superuser", "neon_service"})
"""Roles that Neon keeps for itself: no user has their passwords and nobody may touch them."""


GRACE = 15.0  # seconds, well below what a container gets
CANCEL_TIMEOUT = 5.0  # seconds, for each connection
CANCEL_EVERY = 1.0  # seconds


def quoted(name: str) -> str:
    """An identifier as a person must write it in SQL."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Progress:
    """One thing to tell. `fine` ones only count on: `done` of `total`, which is 0 where nobody knows."""

    step: str
    sentence: str
    fine: bool = False
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class StagingRequest:
    """What is asked for: a sanitized staging branch of one project."""

    project: ProjectSettings
    staging: StagingSettings
    policy: MaskingPolicy
    key: MaskingKey
    trigger: str
    """`manual` or `schedule`."""


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


class Connections:
    """The connections of a run, so that another thread can cancel what they do."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[psycopg.Connection] = weakref.WeakSet()
        self._lock = threading.Lock()

    def add(self, connection: psycopg.Connection) -> None:
        """Remember a connection for as long as it lives."""
        with self._lock:
            self._open.add(connection)

    def cancel(self) -> None:
        """Ask each server to give up what it is doing; a connection that is gone already needs no asking."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(psycopg.Error):
                if not connection.closed:
                    connection.cancel_safe(timeout=CANCEL_TIMEOUT)


@dataclass(frozen=True)
class StagingContext:
    """The edges that a run works through."""

    client: NeonClient
    store: Store
    clock: Callable[[], datetime]
    tell: Callable[[Progress], None]
    stop: threading.Event = field(default_factory=threading.Event)
    connections: Connections = field(default_factory=Connections)

    def abandon(self) -> None:
        """Stop the run from a thread of its own: nothing new begins, and whatever statement runs is cancelled.

        Safe in a signal handler: it takes no lock there. It goes on cancelling, since a statement may just begin.
        """
        threading.Thread(target=self._abandon, name="abandon", daemon=True).start()

    def _abandon(self) -> None:
        self.stop.set()
        while True:
            self.connections.cancel()
            time.sleep(CANCEL_EVERY)

    def check_stop(self) -> None:
        """Raises StoppedError once the process was asked to end."""
        if self.stop.is_set():
            raise StoppedError("stopped on request: what the run made stays sealed and expires within two hours")
