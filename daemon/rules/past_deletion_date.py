"""past-deletion-date: a branch outlives the date on which it was to go."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from daemon.duration import Duration, format_duration
from daemon.model import BranchView, Severity
from daemon.rules.rule import HygieneRule

SOURCES = {
    "expires_at": "its Neon expiry",
    "annotation": "the date in its annotation",
    "max_age": "the maximum age for its name",
}


class PastDeletionDate(HygieneRule):
    """Flags a branch whose deletion date has passed; production is never due."""

    kind: Literal["past-deletion-date"] = "past-deletion-date"
    severity: Severity = Severity.HIGH
    grace: Duration = timedelta(days=1)
    neon_delay: Duration = timedelta(hours=1)
    """How late Neon's own deletion of an expired branch may be before it is worth a word."""

    def reason(self, view: BranchView, now: datetime) -> str | None:
        """How long ago the branch was due, and by which date."""
        due = view.deletion_date
        if due is None or view.lineage.production:
            return None
        delay = self.neon_delay if due.source == "expires_at" else timedelta(0)
        if now < due.at + delay:
            return None
        source = SOURCES.get(due.source, due.source)
        return (
            f"{view.branch.name} was due for deletion on {due.at:%Y-%m-%d}, {format_duration(now - due.at)} ago "
            f"({source}): {_way_out(view)}."
        )


def _way_out(view: BranchView) -> str:
    if view.children:
        return (
            f"move or delete its children first ({', '.join(view.children)}), then delete it, or give it a later date"
        )
    return "delete it, or give it a later date if it is still needed"
