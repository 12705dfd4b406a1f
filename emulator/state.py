"""What the emulated Neon knows, as plain models with Neon's own field names; no HTTP, no Postgres, no clock.

Fields that Neon never shows are listed in `HIDDEN` and left out by `shown`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import AwareDatetime, BaseModel, Field

UNFINISHED = frozenset({"scheduling", "running", "cancelling"})
PAID_ROOTS = {"free": 3, "launch": 5, "scale": 25}  # root branches per project, by plan
PAID_BRANCHES = {"free": 10, "launch": 5000, "scale": 5000}  # branches per project, by plan


class Shown(BaseModel):
    """A model that the API shows."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset()

    def shown(self) -> dict[str, Any]:
        """Give the JSON that the API shows: no hidden field, no null, times in whole seconds as Neon's."""
        fields = self.model_dump(exclude_none=True, exclude=set(self.HIDDEN))
        return {k: rfc3339(v) if isinstance(v, datetime) else v for k, v in fields.items()}


class Operation(Shown):
    """Something that goes on in the background."""

    id: str
    project_id: str
    branch_id: str | None = None
    endpoint_id: str | None = None
    action: str
    status: str
    error: str | None = None
    failures_count: int = 0
    created_at: AwareDatetime
    updated_at: AwareDatetime
    total_duration_ms: int = 0

    @property
    def unfinished(self) -> bool:
        """Whether it still stands in the way of the next mutation."""
        return self.status in UNFINISHED


class Role(Shown):
    """A role that the API knows; the password is kept to be revealed."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"password"})

    branch_id: str
    name: str
    password: str | None = None
    protected: bool = False
    authentication_method: str = "password"
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Database(Shown):
    """A database that the API knows."""

    id: int
    branch_id: str
    name: str
    owner_name: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Endpoint(Shown):
    """A compute of a branch."""

    id: str
    host: str
    name: str | None = None
    project_id: str
    branch_id: str
    autoscaling_limit_min_cu: float = 0.25
    autoscaling_limit_max_cu: float = 0.25
    region_id: str
    type: str = "read_write"
    current_state: str = "idle"
    pending_state: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    pooler_enabled: bool = False
    pooler_mode: str = "transaction"
    disabled: bool = False
    passwordless_access: bool = True
    last_active: AwareDatetime | None = None
    creation_source: str = "console"
    created_at: AwareDatetime
    updated_at: AwareDatetime
    started_at: AwareDatetime | None = None
    suspended_at: AwareDatetime | None = None
    proxy_host: str = "localhost"
    suspend_timeout_seconds: int = 0
    provisioner: str = "k8s-neonvm"


class Branch(Shown):
    """A branch, with its roles and databases."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"roles", "databases", "annotation", "annotated_at", "initial"})

    id: str
    project_id: str
    parent_id: str | None = None
    parent_lsn: str | None = None
    parent_timestamp: AwareDatetime | None = None
    name: str
    current_state: str = "ready"
    pending_state: str | None = None
    state_changed_at: AwareDatetime
    logical_size: int | None = None
    creation_source: str = "console"
    primary: bool = False
    default: bool = False
    protected: bool = False
    cpu_used_sec: int = 0
    compute_time_seconds: int = 0
    active_time_seconds: int = 0
    written_data_bytes: int = 0
    data_transfer_bytes: int = 0
    created_at: AwareDatetime
    updated_at: AwareDatetime
    ttl_interval_seconds: int | None = None
    expires_at: AwareDatetime | None = None
    last_reset_at: AwareDatetime | None = None
    created_by: dict[str, str] = Field(default_factory=dict)
    init_source: str = "parent-data"

    initial: bool = False
    roles: dict[str, Role] = Field(default_factory=dict)
    databases: dict[str, Database] = Field(default_factory=dict)
    annotation: dict[str, str] = Field(default_factory=dict)
    annotated_at: AwareDatetime | None = None

    @property
    def has_history(self) -> bool:
        """Whether its data are all that a seed's root ever had, from the first row on."""
        return self.initial and self.parent_id is None and self.last_reset_at is None

    def change(self, state: str, now: datetime) -> None:
        """Enter a state that nothing more is pending for."""
        self.current_state, self.pending_state, self.state_changed_at = state, None, now


class Project(Shown):
    """A project with all that belongs to it."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset(
        {"branches", "endpoints", "operations", "subscription_type", "root_branches_limit", "branches_limit"}
    )

    id: str
    name: str
    pg_version: int = 18
    platform_id: str = "aws"
    region_id: str = "aws-us-east-2"
    provisioner: str = "k8s-neonvm"
    proxy_host: str = "localhost"
    store_passwords: bool = True
    creation_source: str = "console"
    history_retention_seconds: int = 86400
    branch_logical_size_limit: int = 0
    branch_logical_size_limit_bytes: int = 0
    data_storage_bytes_hour: int = 0
    data_transfer_bytes: int = 0
    written_data_bytes: int = 0
    compute_time_seconds: int = 0
    active_time_seconds: int = 0
    cpu_used_sec: int = 0
    created_at: AwareDatetime
    updated_at: AwareDatetime
    owner_id: str = "emulator"
    org_id: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    subscription_type: str = "launch_v3"
    root_branches_limit: int | None = None
    branches_limit: int | None = None
    branches: dict[str, Branch] = Field(default_factory=dict)
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)
    operations: dict[str, Operation] = Field(default_factory=dict)

    @property
    def default_branch(self) -> Branch:
        """The default branch: there always is one."""
        return next(b for b in self.branches.values() if b.default)

    @property
    def root_limit(self) -> int:
        """How many roots the project may have."""
        return self.root_branches_limit or PAID_ROOTS.get(self._plan, 25)

    @property
    def branch_limit(self) -> int:
        """How many branches the project may have."""
        return self.branches_limit or PAID_BRANCHES.get(self._plan, 5000)

    @property
    def _plan(self) -> str:
        return self.subscription_type.split("_")[0]

    def children(self, branch_id: str) -> list[Branch]:
        """Give the direct children of a branch."""
        return [b for b in self.branches.values() if b.parent_id == branch_id]

    def endpoints_of(self, branch_id: str) -> list[Endpoint]:
        """Give the computes of a branch."""
        return [e for e in self.endpoints.values() if e.branch_id == branch_id]

    def unfinished(self) -> Iterator[Operation]:
        """Give the operations that still go on."""
        return (o for o in self.operations.values() if o.unfinished)


class State(BaseModel):
    """Everything; this is what is written to disk."""

    api_key: str
    org_id: str
    started_at: AwareDatetime
    seeded: bool = False
    proxy_port: int = 0
    next_database_id: int = 1
    projects: dict[str, Project] = Field(default_factory=dict)

    def branch(self, branch_id: str) -> Branch | None:
        """Find a branch of any project."""
        return next((p.branches[branch_id] for p in self.projects.values() if branch_id in p.branches), None)

    def database_id(self) -> int:
        """Give the next number for a database."""
        self.next_database_id += 1
        return self.next_database_id - 1


def rfc3339(moment: datetime) -> str:
    """Write a moment as Neon does: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
