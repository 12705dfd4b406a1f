"""stale-staging: there is no sanitized staging branch to work on, or it has grown old."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from daemon.duration import Duration, format_duration
from daemon.model import BranchView, Severity
from daemon.rules.rule import HygieneRule


class StaleStaging(HygieneRule):
    """Flags a project, on its production branch, that has no staging branch younger than `max_age`."""

    kind: Literal["stale-staging"] = "stale-staging"
    severity: Severity = Severity.MEDIUM
    grace: Duration = timedelta(days=2)
    max_age: Duration = timedelta(days=7)
    """How old the newest published staging branch may grow."""

    def reason(self, view: BranchView, now: datetime) -> str | None:
        """That there is none, or how old the newest is."""
        if not view.speaks_for_project:
            return None
        newest = view.newest_staging_at
        if newest is None:
            return (
                f"{view.branch.name} has no sanitized staging branch, so people copy production: "
                "make one with `branchwarden sanitize`."
            )
        if now - newest <= self.max_age:
            return None
        return (
            f"the newest sanitized staging branch of {view.branch.name} is {format_duration(now - newest)} old "
            f"(at most {format_duration(self.max_age)}): renew it with `branchwarden sanitize`."
        )
