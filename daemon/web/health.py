"""What the local page is told, and what it makes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daemon.model import Report

INTERVALS = 3  # cycles that may be missing before a project counts as not looked at


@dataclass(frozen=True)
class ProjectHealth:
    """What is known of one project."""

    project_id: str
    interval: timedelta
    """Time between two cycles."""
    last_success: datetime | None = None
    """End of the last complete cycle, also of an earlier process."""
    last_ok: bool | None = None
    """Whether the very last cycle was complete; None before the first of this process."""
    report: Report | None = None
    """The last complete cycle of this process."""
    staging_verified_at: datetime | None = None
    """When the newest published staging branch was verified."""


@dataclass(frozen=True)
class Health:
    """What is known of the daemon. Counters count from the start of the process; no text in here is shown."""

    projects: tuple[ProjectHealth, ...] = ()
    store_writable: bool = True
    outbox_pending: int = 0
    cycles: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(project id, result) → cycles."""
    runs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(project id, result) → sanitize runs."""
    api_requests: Mapping[str, int] = field(default_factory=dict)
    """HTTP status, or `error` for no answer → requests to Neon's API."""


def problems(health: Health, now: datetime) -> tuple[str, ...]:
    """Why the daemon is not ready, a sentence each, without any text that came from elsewhere; empty when it is."""
    store = () if health.store_writable else ("The state store cannot be written; run `branchwarden doctor`.",)
    return (*store, *(problem for project in health.projects if (problem := _problem(project, now))))


def _problem(project: ProjectHealth, now: datetime) -> str:
    if project.last_success is None:
        return f"Project {project.project_id} had no complete cycle yet."
    age = now - project.last_success
    if age <= INTERVALS * project.interval:
        return ""
    minutes = age // timedelta(minutes=1)
    return f"The last complete cycle of project {project.project_id} was {minutes} minutes ago; see the log."
