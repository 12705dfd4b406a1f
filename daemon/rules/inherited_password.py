"""inherited-password: a password of a branch also opens production, or a branch with production rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from daemon.duration import Duration
from daemon.model import BranchView, Severity
from daemon.rules.rule import HygieneRule


class InheritedPassword(HygieneRule):
    """Flags a branch that shares a role's password with production or a raw branch.

    Children of an unprotected branch keep its role passwords: who may open the copy may open the original.
    """

    kind: Literal["inherited-password"] = "inherited-password"
    severity: Severity = Severity.HIGH
    grace: Duration = timedelta(days=3)

    def reason(self, view: BranchView, now: datetime) -> str | None:  # noqa: ARG002  # a password has no age here
        """Which roles share, with which branch, and the remedy."""
        if view.lineage.production or not view.shared_password_roles:
            return None
        roles = ", ".join(view.shared_password_roles)
        one = len(view.shared_password_roles) == 1
        return (
            f"{view.branch.name}: the {'password of role' if one else 'passwords of roles'} {roles} "
            f"also {'opens' if one else 'open'} {view.shared_password_with}: "
            f"reset {'it' if one else 'them'} on {view.branch.name}."
        )

    def undecidable(self, view: BranchView) -> bool:
        """Whether the passwords could not be compared."""
        return not view.passwords_known and not view.lineage.production
