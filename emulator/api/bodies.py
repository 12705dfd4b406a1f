"""What requests may carry. Unknown fields are passed over, as Neon does."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field


class NewBranch(BaseModel):
    """The `branch` of a create request."""

    parent_id: str | None = None
    name: str | None = Field(default=None, min_length=1, max_length=256)
    parent_lsn: str | None = None
    parent_timestamp: AwareDatetime | None = None
    protected: bool = False
    archived: bool = False
    init_source: str = "parent-data"
    expires_at: AwareDatetime | None = None


class EndpointOptions(BaseModel):
    """A compute that is wanted with a new branch."""

    type: Literal["read_only", "read_write"]


class CreateBranch(BaseModel):
    """POST /projects/{p}/branches."""

    branch: NewBranch = Field(default_factory=NewBranch)
    endpoints: list[EndpointOptions] = Field(default_factory=list)
    annotation_value: dict[str, str] | None = None


class BranchChange(BaseModel):
    """The `branch` of an update; a field that is not named stays."""

    name: str | None = Field(default=None, min_length=1, max_length=256)
    protected: bool | None = None
    expires_at: AwareDatetime | None = None


class UpdateBranch(BaseModel):
    """PATCH /projects/{p}/branches/{b}."""

    branch: BranchChange


class RestoreBranch(BaseModel):
    """POST /projects/{p}/branches/{b}/restore."""

    source_branch_id: str
    source_lsn: str | None = None
    source_timestamp: AwareDatetime | None = None
    preserve_under_name: str | None = None


class NewEndpoint(EndpointOptions):
    """The `endpoint` of a create request."""

    branch_id: str
    name: str | None = Field(default=None, min_length=1, max_length=64)
    disabled: bool = False


class CreateEndpoint(BaseModel):
    """POST /projects/{p}/endpoints."""

    endpoint: NewEndpoint


class EndpointChange(BaseModel):
    """The `endpoint` of an update; a field that is not named stays."""

    disabled: bool | None = None
    name: str | None = Field(default=None, min_length=1, max_length=64)
    suspend_timeout_seconds: int | None = Field(default=None, ge=-1, le=604800)
    autoscaling_limit_min_cu: float | None = Field(default=None, ge=0.25)
    autoscaling_limit_max_cu: float | None = Field(default=None, ge=0.25)
    settings: dict[str, Any] | None = None


class UpdateEndpoint(BaseModel):
    """PATCH /projects/{p}/endpoints/{e}."""

    endpoint: EndpointChange


class NewRole(BaseModel):
    """The `role` of a create request."""

    name: str = Field(min_length=1, max_length=63)
    no_login: bool = False


class CreateRole(BaseModel):
    """POST /projects/{p}/branches/{b}/roles."""

    role: NewRole


class NewDatabase(BaseModel):
    """The `database` of a create request."""

    name: str = Field(min_length=1, max_length=63)
    owner_name: str


class CreateDatabase(BaseModel):
    """POST /projects/{p}/branches/{b}/databases."""

    database: NewDatabase
