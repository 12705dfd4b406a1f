"""What is asked of Neon, as values, and the JSON that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from daemon.model import Branch, Endpoint, Operation

UNCHANGED = datetime.min.replace(tzinfo=UTC)
"""Stands for `leave expires_at as it is`, since None clears it."""


@dataclass(frozen=True)
class CreateBranch:
    """A branch to create. `init_source` is `parent-data` or `schema-only`; the latter makes a root.

    With `lsn`, or else with `at`, it holds what its parent held at that moment.
    """

    project_id: str
    name: str
    parent_id: str | None = None
    init_source: str = "parent-data"
    expires_at: datetime | None = None
    annotation: Mapping[str, str] = field(default_factory=dict)
    with_compute: bool = True
    lsn: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Created:
    """What came of it; the operations are still running."""

    branch: Branch
    endpoints: tuple[Endpoint, ...]
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class BranchChange:
    """What to change of a branch; what is not given stays. `expires_at=None` clears the expiry."""

    name: str | None = None
    protected: bool | None = None
    expires_at: datetime | None = UNCHANGED


@dataclass(frozen=True)
class Login:
    """Which door of a branch a connection URI is for."""

    branch_id: str
    database: str
    role: str
    endpoint_id: str | None = None


def creation_body(order: CreateBranch) -> dict[str, Any]:
    """The body that creates the branch."""
    branch = {"name": order.name, "init_source": order.init_source}
    if order.parent_id:
        branch["parent_id"] = order.parent_id
    if order.expires_at:
        branch["expires_at"] = _stamp(order.expires_at)
    if order.lsn:
        branch["parent_lsn"] = order.lsn
    elif order.at:
        branch["parent_timestamp"] = order.at.isoformat()
    endpoints = [{"type": "read_write"}] if order.with_compute else []
    return {"branch": branch, "endpoints": endpoints, "annotation_value": dict(order.annotation)}


def _stamp(moment: datetime) -> str:
    """RFC 3339 to the second, which is what Neon stores."""
    return moment.isoformat(timespec="seconds")


def change_body(change: BranchChange) -> dict[str, Any]:
    """The body that changes the branch."""
    body: dict[str, Any] = {}
    if change.name is not None:
        body["name"] = change.name
    if change.protected is not None:
        body["protected"] = change.protected
    if change.expires_at is not UNCHANGED:
        body["expires_at"] = _stamp(change.expires_at) if change.expires_at else None
    return {"branch": body}
