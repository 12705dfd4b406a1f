"""raw-dev-branch: a branch that is not production holds production rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from daemon.duration import Duration, format_duration
from daemon.model import BranchView, DataClass, Severity
from daemon.rules.rule import HygieneRule


class RawDevBranch(HygieneRule):
    """Flags a branch that holds rows copied from production, unless its purpose allows them for now."""

    kind: Literal["raw-dev-branch"] = "raw-dev-branch"
    severity: Severity = Severity.CRITICAL
    grace: Duration = timedelta(days=3)

    def reason(self, view: BranchView, now: datetime) -> str | None:
        """Why the branch may not hold what it holds, and the two ways out."""
        if view.lineage.production or view.lineage.data_class is not DataClass.RAW or _is_approved(view, now):
            return None
        name = view.branch.name
        return (
            f"{name} holds production rows ({view.lineage.reason}{_age(view, now)}){_lapsed(view)}: "
            "rebase it on a sanitized staging branch or delete it."
        )


def _allows_raw(view: BranchView) -> bool:
    return DataClass.RAW in view.lineage.holds


def _is_approved(view: BranchView, now: datetime) -> bool:
    until = view.lineage.approved_until
    return _allows_raw(view) and (until is None or until > now)


def _lapsed(view: BranchView) -> str:
    until = view.lineage.approved_until
    if not _allows_raw(view) or until is None:
        return ""
    return f", and the approval by {view.lineage.approved_by} ended on {until:%Y-%m-%d}"


def _age(view: BranchView, now: datetime) -> str:
    since = view.lineage.since
    return f", {format_duration(now - since)} ago" if since is not None and since <= now else ""
