"""raw-history: a branch was masked in place, and its history still holds production rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from daemon.duration import Duration
from daemon.model import BranchView, Severity
from daemon.rules.rule import HygieneRule


class RawHistory(HygieneRule):
    """Flags a branch that was masked in place until Neon has forgotten what it held before."""

    kind: Literal["raw-history"] = "raw-history"
    severity: Severity = Severity.MEDIUM
    grace: Duration = timedelta(days=7)

    def reason(self, view: BranchView, now: datetime) -> str | None:
        """Until when its history is raw, and the way out."""
        until = view.lineage.history_raw_until
        if until is None or until <= now:
            return None
        return (
            f"{view.branch.name} was masked in place: until {until:%Y-%m-%d %H:%M} UTC its history holds production"
            " rows, and whoever may make branches can go back to them: wait, or make it anew with"
            " `branchwarden sanitize --mode clean-room`."
        )
