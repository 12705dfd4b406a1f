"""The hygiene rules. Adding one is a file and its name in `Rule`."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from daemon.rules.inherited_password import InheritedPassword
from daemon.rules.no_deletion_date import NoDeletionDate
from daemon.rules.past_deletion_date import PastDeletionDate
from daemon.rules.raw_dev_branch import RawDevBranch
from daemon.rules.raw_history import RawHistory
from daemon.rules.rule import HygieneRule
from daemon.rules.stale_staging import StaleStaging

AnyRule = RawDevBranch | PastDeletionDate | NoDeletionDate | InheritedPassword | StaleStaging | RawHistory
Rule = Annotated[AnyRule, Field(discriminator="kind")]
"""Any rule, told apart by `kind`: the registry that parses, validates and words the error."""

ALL_RULES: tuple[type[HygieneRule], ...] = get_args(AnyRule)

__all__ = [
    "ALL_RULES",
    "AnyRule",
    "HygieneRule",
    "InheritedPassword",
    "NoDeletionDate",
    "PastDeletionDate",
    "RawDevBranch",
    "RawHistory",
    "Rule",
    "StaleStaging",
    "default_rules",
]


def default_rules() -> tuple[AnyRule, ...]:
    """Every rule with its defaults."""
    return (RawDevBranch(), PastDeletionDate(), NoDeletionDate(), InheritedPassword(), StaleStaging(), RawHistory())
