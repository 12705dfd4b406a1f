"""What flows between the parts: plain frozen values, no behaviour beyond what follows from their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

RUN_ANNOTATION = "branchwarden.run"
"""Annotation key that marks a branch as made by a sanitize run; its value is the run's id."""


class DataClass(StrEnum):
    """What a branch holds."""

    PRODUCTION = "production"
    RAW = "raw"
    SANITIZED = "sanitized"
    ENCRYPTED = "encrypted"
    SCHEMA_ONLY = "schema-only"
    UNKNOWN = "unknown"


class Purpose(StrEnum):
    """What a branch is for."""

    PRODUCTION = "production"
    STAGING = "staging"
    DEV = "dev"
    PREVIEW = "preview"
    SCRATCH = "scratch"
    RAW_APPROVED = "raw-approved"


class Severity(StrEnum):
    """How bad a finding is, mildest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Role:
    """A role that Neon's API knows; SQL-made roles are not listed there."""

    name: str
    protected: bool = False
    updated_at: datetime | None = None
    authentication_method: str = "password"


@dataclass(frozen=True)
class Database:
    """A database of a branch as the API lists it."""

    name: str
    owner: str


@dataclass(frozen=True)
class Endpoint:
    """A compute of a branch."""

    id: str
    branch_id: str
    host: str
    type: str
    state: str
    disabled: bool = False
    last_active: datetime | None = None


@dataclass(frozen=True)
class Operation:
    """An asynchronous operation of the project."""

    id: str
    action: str
    status: str
    branch_id: str | None = None
    error: str = ""
    retry_at: datetime | None = None
    """When Neon itself tries a failed operation again; None when it does not."""


@dataclass(frozen=True)
class Branch:
    """A branch as the API lists it, with its annotation. All times are aware UTC, sizes are bytes."""

    id: str
    project_id: str
    name: str
    created_at: datetime
    updated_at: datetime
    parent_id: str | None = None
    parent_timestamp: datetime | None = None
    default: bool = False
    protected: bool = False
    state: str = "ready"
    init_source: str = "parent-data"
    expires_at: datetime | None = None
    last_reset_at: datetime | None = None
    restored_from: str | None = None
    restore_status: str | None = None
    logical_size: int | None = None
    creation_source: str = ""
    created_by: str = ""
    annotation: Mapping[str, str] = field(default_factory=dict)
    parent_lsn: str | None = None

    @property
    def is_root(self) -> bool:
        """Whether the branch has no parent."""
        return self.parent_id is None

    @property
    def run_id(self) -> str | None:
        """The sanitize run that made the branch, or None."""
        return self.annotation.get(RUN_ANNOTATION)


@dataclass(frozen=True)
class Project:
    """A project as the API shows it. The history window is in seconds."""

    id: str
    name: str
    pg_version: int
    created_at: datetime
    history_retention_seconds: int = 0
    subscription_type: str = "UNKNOWN"
    store_passwords: bool = True
    org_id: str | None = None
    branch_logical_size_limit_bytes: int = 0
    """How large a branch may become on this plan; 0 where the API does not say."""


@dataclass(frozen=True)
class Listing:
    """One complete look at a project: every page of everything, or it would not exist."""

    project: Project
    branches: tuple[Branch, ...]
    endpoints: tuple[Endpoint, ...]
    running: tuple[Operation, ...]
    listed_at: datetime


@dataclass(frozen=True)
class Lineage:
    """What a branch is and holds, and the sentence that explains it."""

    data_class: DataClass
    reason: str
    production: bool
    purpose: Purpose
    since: datetime | None = None
    """When its data were copied; None when unknown or not copied."""
    holds: tuple[DataClass, ...] = ()
    approved_until: datetime | None = None
    """When the approval of its purpose to hold raw rows ends; None when it has no end."""
    approved_by: str = ""
    history_raw_until: datetime | None = None
    """Of a branch that was masked in place."""
    parent_raw_until: datetime | None = None
    """The same of the branch that it was made from, or one before."""


@dataclass(frozen=True)
class DeletionDate:
    """When a branch is due, and where that date comes from: `expires_at`, `annotation` or `max_age`."""

    at: datetime
    source: str


@dataclass(frozen=True)
class SharedPassword:
    """Roles of a branch whose passwords also open another branch, and that branch's name."""

    roles: tuple[str, ...]
    opens: str


@dataclass(frozen=True)
class BranchView:
    """All that a rule may look at for one branch. Pure data: building it took every API call that was needed."""

    branch: Branch
    lineage: Lineage
    children: tuple[str, ...] = ()
    last_active: datetime | None = None
    """Newest activity of any compute of the branch."""
    deletion_date: DeletionDate | None = None
    shared_password_roles: tuple[str, ...] = ()
    """Roles whose password also opens a production or raw branch."""
    shared_password_with: str = ""
    published_staging: bool = False
    """Whether the ledger knows this branch as a published staging branch."""
    ours_in_flight: bool = False
    """Whether a run made it and it expires within hours: never flagged."""
    passwords_known: bool = True
    """Whether its passwords could be compared; where not, what was found before stands."""
    speaks_for_project: bool = False
    """Whether findings about the project as a whole are put on this branch: one branch of a project at most."""
    attestation: str = ""
    newest_staging_at: datetime | None = None
    """When the newest published staging branch of the project was verified; the same in every view."""


@dataclass(frozen=True)
class Exemption:
    """A branch that no rule flags until a given moment. Both `until` and `reason` are mandatory."""

    project_id: str
    branch_id: str
    branch_name: str
    until: datetime
    reason: str
    created_at: datetime


@dataclass(frozen=True)
class Finding:
    """A rule's answer about one branch. `first_seen` and `deadline` are fixed once and never moved by a re-run."""

    project_id: str
    rule: str
    branch_id: str
    branch_name: str
    severity: Severity
    sentence: str
    first_seen: datetime
    deadline: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same finding in the next cycle."""
        return (self.project_id, self.rule, self.branch_id)


class Action(StrEnum):
    """What a decision does about a finding. Deleting comes with the lifecycle, not here."""

    FLAG = "flag"
    KEEP = "keep"
    RESOLVE = "resolve"
    EXEMPT = "exempt"


@dataclass(frozen=True)
class Decision:
    """What to do about a finding, and why. `FLAG` is new, `KEEP` was known before."""

    action: Action
    finding: Finding
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What came of a decision."""

    decision: Decision
    done: bool
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """One cycle of one project, whole."""

    project_id: str
    project_name: str
    started_at: datetime
    finished_at: datetime
    views: tuple[BranchView, ...]
    outcomes: tuple[Outcome, ...]
    unknowns: tuple[str, ...] = ()
    """What could not be looked at, a sentence each."""
    first_cycle: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The open findings, exempted ones left out."""
        return tuple(o.decision.finding for o in self.outcomes if o.decision.action in {Action.FLAG, Action.KEEP})
