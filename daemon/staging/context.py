"""What a sanitize run is given, and what it says while it works."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from daemon.errors import RunFailedError
from daemon.keys import MaskingKey
from daemon.neon import NeonClient
from daemon.settings import ProjectSettings, StagingSettings
from daemon.store import Store
from sanitizers.policy import MaskingPolicy

ROLE_ANNOTATION = "branchwarden.role"
"""Annotation key that tells a run's `source` from its `target`."""

NEON_OWN_ROLES = frozenset({"cloud_admin", "neon_superuser", "neon_service"})
"""Roles that Neon keeps for itself: no user has their passwords and nobody may touch them."""


class StoppedError(RunFailedError):
    """The run was told to stop; what it made stays sealed and expires."""


@dataclass(frozen=True)
class Progress:
    """One thing to tell: the step, a sentence, and how far it is (`done` of `total`, in rows or 0 of 0)."""

    step: str
    sentence: str
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


@dataclass(frozen=True)
class StagingContext:
    """The edges that a run works through."""

    client: NeonClient
    store: Store
    clock: Callable[[], datetime]
    tell: Callable[[Progress], None]
    stop: threading.Event = field(default_factory=threading.Event)

    def check_stop(self) -> None:
        """Raises StoppedError once the process was asked to end."""
        if self.stop.is_set():
            raise StoppedError("stopped on request: what the run made stays sealed and expires within two hours")
