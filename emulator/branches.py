"""Making, changing, restoring and deleting branches: the rules first, then the state, then work in the background."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from emulator import ids, logins, rules
from emulator.cloud import Cloud, Step, complete, in_turn, nothing
from emulator.errors import ApiError
from emulator.history import Moment
from emulator.state import Branch, Endpoint, Operation, Project

SCHEMA_ONLY = "schema-only"
PARENT_DATA = "parent-data"


@dataclass(frozen=True)
class Order:
    """What is asked of a new branch."""

    parent_id: str | None = None
    name: str | None = None
    protected: bool = False
    init_source: str = PARENT_DATA
    expires_at: datetime | None = None
    endpoints: tuple[str, ...] = ()
    annotation: dict[str, str] = field(default_factory=dict)
    creation_source: str = "console"
    past: Moment | None = None
    """The moment of the parent; None is the present."""


@dataclass(frozen=True)
class Made:
    """A branch that is being made."""

    branch: Branch
    endpoints: list[Endpoint]
    operations: list[Operation]


def create(cloud: Cloud, project: Project, order: Order) -> Made:
    """Make a branch: its record at once, its data in the background."""
    rules.check_unlocked(project)
    parent = cloud.branch(project.id, order.parent_id) if order.parent_id else project.default_branch
    _check(project, order, parent, cloud.now)
    branch = _record(cloud, order, parent)
    project.branches[branch.id] = branch
    cloud.fleet.enrol(branch.id, project.pg_version)
    endpoints = [cloud.new_endpoint(branch, kind) for kind in order.endpoints]
    steps = _creation(cloud, branch, (parent, order.past))
    steps += [("start_compute", nothing)] * bool(endpoints)
    first = endpoints[0].id if endpoints else None
    return Made(branch, endpoints, cloud.schedule(project, steps, branch=branch, endpoint_id=first))


def delete(cloud: Cloud, project: Project, branch: Branch) -> list[Operation]:
    """Delete a branch with its computes and data."""
    rules.check_unlocked(project)
    rules.check_delete(project, branch)
    endpoints = project.endpoints_of(branch.id)
    del project.branches[branch.id]
    for endpoint in endpoints:
        del project.endpoints[endpoint.id]
    steps: list[Step] = [("suspend_compute", partial(cloud.fleet.suspend, branch.id, immediate=True))] * bool(endpoints)
    steps.append(("delete_timeline", partial(cloud.fleet.drop, branch.id)))
    first = endpoints[0].id if endpoints else None
    return cloud.schedule(project, steps, branch=branch, endpoint_id=first)


def rename(project: Project, branch: Branch, name: str) -> None:
    """Give a branch another name."""
    if name != branch.name:
        rules.check_name(project, name)
        branch.name = name


def protect(branch: Branch, *, protected: bool) -> None:
    """Protect a branch or lift its protection."""
    if protected:
        rules.check_may_protect(branch)
    branch.protected = protected


def expire(project: Project, branch: Branch, at: datetime | None, now: datetime) -> None:
    """Set a branch's deletion date, or clear it with None."""
    if at is None:
        branch.expires_at = branch.ttl_interval_seconds = None
        return
    rules.check_may_expire(project, branch)
    rules.check_moment(at, now)
    branch.expires_at = at.replace(microsecond=0)
    branch.ttl_interval_seconds = round((at - now).total_seconds())


def set_default(cloud: Cloud, project: Project, branch: Branch) -> None:
    """Make a branch the default one."""
    rules.check_unlocked(project)
    rules.check_may_be_default(branch)
    for other in project.branches.values():
        other.default = other.primary = other.id == branch.id
    branch.updated_at = cloud.now


def expired(project: Project, now: datetime) -> list[Branch]:
    """Give the branches whose time has come and that nothing stands on."""
    due = [b for b in project.branches.values() if b.expires_at is not None and b.expires_at <= now]
    return [b for b in due if not project.children(b.id)]


def _check(project: Project, order: Order, parent: Branch, now: datetime) -> None:
    if order.init_source not in {PARENT_DATA, SCHEMA_ONLY}:
        raise ApiError(400, f"init_source must be {PARENT_DATA} or {SCHEMA_ONLY}")
    if order.endpoints.count("read_write") > 1:
        raise ApiError(409, "read-write endpoint already exists")
    if order.name is not None:
        rules.check_name(project, order.name)
    if order.expires_at is not None:
        rules.check_moment(order.expires_at, now)
        if order.protected:
            raise ApiError(422, "cannot set an expiration date on a protected branch")
    root = order.init_source == SCHEMA_ONLY
    rules.check_allowance(project, root=root)
    if root and parent.current_state != "ready":
        raise ApiError(422, "branch not ready yet")
    if not root:
        rules.check_parent(parent)


def _record(cloud: Cloud, order: Order, parent: Branch) -> Branch:
    name, now, root = ids.branch_id(), cloud.now, order.init_source == SCHEMA_ONLY
    branch = Branch(
        id=name,
        project_id=parent.project_id,
        parent_id=None if root else parent.id,
        parent_timestamp=None if root else order.past.at if order.past else now,
        name=order.name or name,
        current_state="init",
        pending_state="ready",
        state_changed_at=now,
        creation_source=order.creation_source,
        protected=order.protected,
        created_at=now,
        updated_at=now,
        created_by={"name": "emulator"},
        init_source=order.init_source,
        annotation=order.annotation,
        annotated_at=now if order.annotation else None,
    )
    if order.expires_at is not None:
        branch.expires_at = order.expires_at.replace(microsecond=0)
        branch.ttl_interval_seconds = round((order.expires_at - now).total_seconds())
    branch.roles = logins.renewed(logins.copied(parent, name), now) if parent.protected else logins.copied(parent, name)
    branch.databases = {
        n: d.model_copy(update={"branch_id": name, "id": cloud.state.database_id()})
        for n, d in parent.databases.items()
    }
    if order.past is not None:
        branch.roles = {n: r for n, r in branch.roles.items() if r.created_at <= order.past.at}
        branch.databases = {n: d for n, d in branch.databases.items() if d.created_at <= order.past.at}
    return branch


def _creation(cloud: Cloud, branch: Branch, source: tuple[Branch, Moment | None]) -> list[Step]:
    parent, past = source
    if past is not None:
        return [("create_branch", partial(_complete_past, cloud, branch, past.lsn))]
    schema_only = branch.init_source == SCHEMA_ONLY
    copy = cloud.fleet.create_schema if schema_only else cloud.fleet.create_copy
    # Passwords of a protected branch stay behind: its copies get their own.
    fresh = branch.roles if parent.protected else {}
    work = in_turn(partial(copy, parent.id, branch.id), partial(logins.apply, cloud, branch, fresh))
    steps: list[Step] = [("create_branch", partial(complete, cloud, branch, work))]
    return [*steps, ("apply_schema_from_branch", nothing)] if schema_only else steps


async def _complete_past(cloud: Cloud, branch: Branch, lsn: str) -> None:
    copy = partial(cloud.fleet.create_past, lsn, branch.parent_id or "", branch.id)
    # The passwords of then are on no record: the roles get those of now.
    await complete(cloud, branch, in_turn(copy, partial(logins.apply, cloud, branch, branch.roles)))
    branch.parent_lsn = lsn
