"""Publishing: the ledger first, then the seal is lifted. Every step may be repeated, also by the next process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from daemon.alerts import run_published
from daemon.connect import open_connection
from daemon.errors import RunFailedError
from daemon.model import Branch, LedgerEntry
from daemon.neon import BranchChange, Login
from daemon.records import Event, JsonMapping, RunStep, SanitizeRun
from daemon.staging.context import Progress, StagingContext
from sanitizers.seal import ConnectGrant, unseal_database


@dataclass(frozen=True)
class Published:
    """A staging branch that can be used."""

    run_id: str
    branch: Branch
    proof: JsonMapping
    kept: tuple[str, ...]
    """Names of older staging branches that still have children."""


def finish_publish(context: StagingContext, run: SanitizeRun) -> Published:
    """Lift the seal of a run whose proof is in the ledger. Raises RunFailedError when its target has expired."""
    branches = {b.id: b for b in context.client.list_branches(run.project_id)}
    target = branches.get(run.target_branch_id or "")
    if target is None:
        raise RunFailedError("the target expired before it could be published: run sanitize again")
    context.tell(Progress("publish", "giving CONNECT back and clearing the expiry"))
    _unseal(context, run, target)
    _change(context, target, BranchChange(expires_at=None))
    _take_name(context, run, branches)
    _settle(context, run)
    _delete_source(context, run, branches)
    kept = delete_superseded(context, run.project_id)
    published = context.client.get_branch(run.project_id, target.id)
    return Published(run.id, published, run.proof, kept)


def delete_superseded(context: StagingContext, project_id: str) -> tuple[str, ...]:
    """Delete staging branches that a newer one took the place of and that have no children; returns those that stay.

    Looks at the project again: a child may have come a moment ago. What somebody else deleted is written down.
    """
    branches = {b.id: b for b in context.client.list_branches(project_id)}
    parents = {b.parent_id for b in branches.values()}
    kept = []
    for entry in context.store.published(project_id):
        branch = branches.get(entry.branch_id)
        if branch is not None and not entry.superseded:
            continue
        if branch is not None and (branch.id in parents or _is_kept(branch, entry)):
            kept.append(branch.name)
            continue
        if branch is not None:
            context.client.wait_for(project_id, context.client.delete_branch(project_id, branch.id))
        _record_deleted(context, entry)
    return tuple(kept)


def _is_kept(branch: Branch, entry: LedgerEntry) -> bool:
    """Somebody made it more than an old staging branch, or it is not the one that the run made."""
    return branch.default or branch.protected or branch.run_id != entry.run_id


def _unseal(context: StagingContext, run: SanitizeRun, target: Branch) -> None:
    """CONNECT goes back to those who have it on production; each role of the run connects with what the API holds."""
    roles = tuple(role.name for role in context.client.list_roles(run.project_id, target.id))
    for database in context.client.list_databases(run.project_id, target.id):
        grants = _grants(run.acl, database.name)
        uri = context.client.connection_uri(run.project_id, Login(target.id, database.name, database.owner))
        with open_connection(uri) as conn:
            unseal_database(conn, grants, roles)


def _grants(acl: JsonMapping, database: str) -> tuple[ConnectGrant, ...]:
    saved = acl.get(database)
    if not isinstance(saved, list):
        raise RunFailedError(f"the ledger does not know who may connect to {database}: run sanitize again")
    return tuple(ConnectGrant(str(grantee), bool(grantable)) for grantee, grantable in saved)


def _take_name(context: StagingContext, run: SanitizeRun, branches: dict[str, Branch]) -> None:
    """The newest is always called staging; the one before gets the moment of its verification as a suffix."""
    for entry in context.store.published(run.project_id):
        old = branches.get(entry.branch_id)
        if old is not None and old.id != run.target_branch_id and old.name == run.target_name:
            name = f"{run.target_name}-{entry.verified_at:%Y%m%d-%H%M%S}"
            # Marked before it is renamed: a crash in between finds the old name and does both again.
            context.store.mark_superseded(entry.run_id, name, context.clock())
            _change(context, old, BranchChange(name=name))
    target = branches[run.target_branch_id or ""]
    if target.name != run.target_name:
        _change(context, target, BranchChange(name=run.target_name))


def _settle(context: StagingContext, run: SanitizeRun) -> None:
    now = context.clock()
    sentence = f"{run.target_name} is published: sanitized, verified and open for branching"
    event = Event("sanitize.published", run.project_id, run.target_branch_id, sentence, {"run": run.id})
    project = context.client.get_project(run.project_id)
    told = [run_published(run, project.name)]
    context.store.advance_run(run.id, RunStep.PUBLISHED, now, events=[event], messages=told, published_at=now)


def _delete_source(context: StagingContext, run: SanitizeRun, branches: dict[str, Branch]) -> None:
    """It held raw rows; it would expire anyway."""
    source = branches.get(run.source_branch_id or "")
    if source is not None and source.run_id == run.id:
        context.tell(Progress("publish", "deleting the source copy"))
        context.client.wait_for(run.project_id, context.client.delete_branch(run.project_id, source.id))


def _record_deleted(context: StagingContext, entry: LedgerEntry) -> None:
    now: datetime = context.clock()
    context.store.mark_deleted(entry.run_id, now)
    why = "a newer staging branch took its place and it had no children" if entry.superseded else "somebody deleted it"
    sentence = f"{entry.branch_name} is gone: {why}"
    context.store.append_event(Event("staging.deleted", entry.project_id, entry.branch_id, sentence), now)


def _change(context: StagingContext, branch: Branch, change: BranchChange) -> None:
    operations = context.client.update_branch(branch.project_id, branch.id, change)
    context.client.wait_for(branch.project_id, operations)
