"""Values for tests, with defaults that mean nothing in particular: plain typed functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.entry import LedgerEntry
from daemon.model import (
    Branch,
    BranchView,
    DataClass,
    DeletionDate,
    Endpoint,
    Exemption,
    Finding,
    Lineage,
    Listing,
    Project,
    Purpose,
    Severity,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PROJECT = "dry-heart-12345678"


def ago(**duration: float) -> datetime:
    """NOW less a timedelta's arguments."""
    return NOW - timedelta(**duration)


def ahead(**duration: float) -> datetime:
    """NOW plus a timedelta's arguments."""
    return NOW + timedelta(**duration)


def branch(name: str = "dev/alice", **fields: Any) -> Branch:
    """A branch whose id follows from its name; `parent` may be given as a name."""
    if (parent := fields.pop("parent", None)) is not None:
        fields["parent_id"] = branch_id(parent)
    created = fields.setdefault("created_at", ago(days=10))
    fields.setdefault("updated_at", created)
    return Branch(**{"id": branch_id(name), "project_id": PROJECT, "name": name, **fields})


def branch_id(name: str) -> str:
    """The id that `branch` gives to a name."""
    return "br-" + name.replace("/", "-").replace("_", "-").lower()


def endpoint(of: str = "dev/alice", **fields: Any) -> Endpoint:
    """An idle compute of a branch, given by name."""
    ep = Endpoint(id=f"ep-{of}", branch_id=branch_id(of), host="ep.example.com", type="read_write", state="idle")
    return replace(ep, **fields)


def project(**fields: Any) -> Project:
    """A project of the free plan."""
    return replace(Project(id=PROJECT, name="shop", pg_version=17, created_at=ago(days=400)), **fields)


def listing(*branches: Branch, **fields: Any) -> Listing:
    """A listing of some branches, taken NOW."""
    whole = Listing(project=project(), branches=branches, endpoints=(), running=(), listed_at=NOW)
    return replace(whole, **fields)


def ledger_entry(name: str = "staging", **fields: Any) -> LedgerEntry:
    """A published run for a branch, given by name."""
    entry = LedgerEntry(
        run_id="r-1",
        project_id=PROJECT,
        branch_id=branch_id(name),
        branch_name=name,
        verified_at=ago(days=3),
        policy_digest="0" * 64,
    )
    return replace(entry, **fields)


def lineage(data_class: DataClass = DataClass.SANITIZED, **fields: Any) -> Lineage:
    """A lineage of a dev branch."""
    plain = Lineage(data_class=data_class, reason="because", production=False, purpose=Purpose.DEV)
    return replace(plain, **fields)


def view(name: str = "dev/alice", **fields: Any) -> BranchView:
    """A view of a sanitized dev branch that no rule has anything to say about."""
    plain = BranchView(branch=branch(name), lineage=lineage(), deletion_date=DeletionDate(ahead(days=5), "expires_at"))
    return replace(plain, **fields)


def finding(rule: str = "raw-dev-branch", name: str = "dev/alice", **fields: Any) -> Finding:
    """A finding first seen NOW, due in three days."""
    plain = Finding(
        project_id=PROJECT,
        rule=rule,
        branch_id=branch_id(name),
        branch_name=name,
        severity=Severity.HIGH,
        sentence=f"{name} is not as it should be.",
        first_seen=NOW,
        deadline=ahead(days=3),
    )
    return replace(plain, **fields)


def exemption(name: str = "dev/alice", **fields: Any) -> Exemption:
    """An exemption for another week."""
    plain = Exemption(
        project_id=PROJECT,
        branch_id=branch_id(name),
        branch_name=name,
        until=ahead(days=7),
        reason="migration test",
        created_at=ago(days=1),
    )
    return replace(plain, **fields)


def api_branch(name: str = "main", **fields: Any) -> Mapping[str, Any]:
    """A branch as Neon's API gives it."""
    stamp = "2026-11-01T08:00:00Z"
    return {
        "id": branch_id(name),
        "project_id": PROJECT,
        "name": name,
        "current_state": "ready",
        "state_changed_at": stamp,
        "creation_source": "console",
        "created_at": stamp,
        "updated_at": stamp,
        "default": False,
        "protected": False,
        "cpu_used_sec": 0,
        "active_time_seconds": 0,
        "compute_time_seconds": 0,
        "written_data_bytes": 0,
        "data_transfer_bytes": 0,
        **fields,
    }
