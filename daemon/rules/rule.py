"""What every rule has: whether it is on, how bad its findings are, how long they may stand, and one question."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from daemon.duration import Duration
from daemon.model import BranchView, Severity


class HygieneRule(BaseModel, ABC):
    """Parameters of a rule as people write them; the answer depends on the view and the time alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """The rule's name; fixed per rule."""
    enabled: bool = True
    """Whether the rule is asked at all."""
    severity: Severity
    """How bad a finding of this rule is: low, medium, high or critical."""
    grace: Duration
    """From first sight to the deadline; fixed for a finding when it is first seen."""

    @abstractmethod
    def reason(self, view: BranchView, now: datetime) -> str | None:
        """One sentence about what is wrong and what to do, or None."""

    def undecidable(self, view: BranchView) -> bool:  # noqa: ARG002  # most rules can always answer
        """Whether the view lacks what the rule needs: then what was found before stands."""
        return False
