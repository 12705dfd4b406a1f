"""Restoring a branch from another one, as Neon does: the source's data come in, and the source becomes the parent."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from emulator import ids, logins, rules
from emulator.cloud import Cloud, complete, in_turn
from emulator.state import Branch, Database, Operation, Project, Role


def restore(cloud: Cloud, branch: Branch, source: Branch, preserve: str | None = None) -> list[Operation]:
    """Replace a branch's data by the source's and make it the source's child."""
    project = cloud.state.projects[branch.project_id]
    rules.check_unlocked(project)
    rules.check_restore(project, branch, source, preserve)
    kept = _preserved(cloud, project, branch, preserve) if preserve else None
    fresh = _own_roles(branch, source, cloud.now) if source.protected else {}
    _reparent(branch, source, cloud.now)
    cloud.fleet.enrol(branch.id, project.pg_version)
    branch.roles = fresh or logins.copied(source, branch.id)
    branch.databases = copied_databases(source, branch.id)
    copy = partial(cloud.fleet.replace, branch.id, source.id, kept.id if kept else None)
    work = partial(complete, cloud, branch, in_turn(copy, partial(logins.apply, cloud, branch, fresh)))
    return cloud.schedule(project, [("create_branch", work)], branch=branch)


def _own_roles(branch: Branch, source: Branch, now: datetime) -> dict[str, Role]:
    # Passwords of a protected source stay behind: what the branch had it keeps, what is new to it gets a new one.
    renewed = logins.renewed(logins.copied(source, branch.id), now)
    return {name: branch.roles.get(name, role) for name, role in renewed.items()}


def _preserved(cloud: Cloud, project: Project, branch: Branch, name: str) -> Branch:
    kept = branch.model_copy(deep=True)
    kept.id, kept.name = ids.branch_id(), name
    kept.default = kept.primary = kept.initial = False
    kept.created_at = kept.updated_at = cloud.now
    kept.roles = logins.copied(branch, kept.id)
    kept.databases = copied_databases(branch, kept.id)
    for child in project.children(branch.id):
        child.parent_id = kept.id
    project.branches[kept.id] = kept
    cloud.fleet.enrol(kept.id, project.pg_version)
    return kept


def _reparent(branch: Branch, source: Branch, now: datetime) -> None:
    branch.parent_id, branch.parent_timestamp = source.id, now
    branch.last_reset_at = branch.updated_at = branch.state_changed_at = now
    branch.current_state, branch.pending_state = "resetting", "ready"
    if branch.ttl_interval_seconds is not None:
        branch.expires_at = now.replace(microsecond=0) + timedelta(seconds=branch.ttl_interval_seconds)


def copied_databases(source: Branch, branch_id: str) -> dict[str, Database]:
    """Give a source's databases to another branch."""
    return {name: d.model_copy(update={"branch_id": branch_id}) for name, d in source.databases.items()}
