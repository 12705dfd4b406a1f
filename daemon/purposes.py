"""What a branch is for, by its name, and which data it may hold: the patterns of the config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

from daemon.duration import Duration
from daemon.model import DataClass, Purpose

CLEAN = (DataClass.SANITIZED, DataClass.ENCRYPTED, DataClass.SCHEMA_ONLY)
HOLDS: Mapping[Purpose, tuple[DataClass, ...]] = {
    Purpose.PRODUCTION: (DataClass.PRODUCTION,),
    Purpose.RAW_APPROVED: (DataClass.RAW, *CLEAN),
}
"""What a purpose may hold where the config does not say; every other purpose: CLEAN."""


class PurposePattern(BaseModel):
    """What branches of a name are for, and what they may hold. The first pattern that fits wins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str
    """As in a shell, on the whole name: `preview/*`. Upper and lower case differ."""
    purpose: Purpose
    holds: tuple[DataClass, ...] | None = None
    """Data classes that are allowed; by default those that follow from the purpose."""
    max_age: Duration | None = None
    """A branch without another deletion date is due this long after its create or last reset."""
    until: AwareDatetime | None = None
    """End of the approval; required for raw-approved."""
    by: str = ""
    """Who approved; required for raw-approved."""

    @model_validator(mode="after")
    def _approval_is_signed(self) -> Self:
        if self.purpose is Purpose.PRODUCTION:
            raise ValueError("list production branches under `production`, not under `purposes`")
        if self.purpose is Purpose.RAW_APPROVED and (self.until is None or not self.by.strip()):
            raise ValueError("a raw-approved purpose needs `until` and `by`: say how long, and who answers for it")
        return self

    def matches(self, name: str) -> bool:
        """Whether a branch of this name is meant."""
        return fnmatchcase(name, self.pattern)

    @property
    def allowed(self) -> tuple[DataClass, ...]:
        """The data classes that it may hold."""
        return HOLDS.get(self.purpose, CLEAN) if self.holds is None else self.holds


def purpose_of(name: str, purposes: Iterable[PurposePattern]) -> PurposePattern | None:
    """The first pattern that fits."""
    return next((pattern for pattern in purposes if pattern.matches(name)), None)
