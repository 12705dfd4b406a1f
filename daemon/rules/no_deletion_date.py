"""no-deletion-date: nothing says when a branch will go."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from daemon.duration import Duration, format_duration
from daemon.model import BranchView, Severity
from daemon.rules.rule import HygieneRule


class NoDeletionDate(HygieneRule):
    """Flags a branch without any deletion date.

    Production and published staging stay for good, and Neon refuses an expiry on a branch that has children.
    """

    kind: Literal["no-deletion-date"] = "no-deletion-date"
    severity: Severity = Severity.LOW
    grace: Duration = timedelta(days=7)

    def reason(self, view: BranchView, now: datetime) -> str | None:
        """How old the branch is, and how to give it a date."""
        if view.deletion_date is not None or view.lineage.production or view.published_staging or view.children:
            return None
        age = format_duration(now - view.branch.created_at)
        return (
            f"{view.branch.name} has no deletion date (created {age} ago): set an expiry in Neon, "
            "or a maximum age for its name in the config."
        )
