"""Publishing: the ledger first, then the seal is lifted. Every step may be repeated, also by the next process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.alerts import run_published
from daemon.connect import open_connection
from daemon.entry import LedgerEntry
from daemon.errors import NeonError, RunFailedError
from daemon.lineage import still_proves
from daemon.model import Branch
from daemon.neon import BranchChange, Login
from daemon.records import Event, JsonMapping, RunStep, SanitizeRun
from daemon.staging.context import Progress, StagingContext
from daemon.staging.copies import checked_uri, writable_endpoint
from daemon.store import ATTESTATION, ledger_entry
from sanitizers.seal import ConnectGrant, unseal_database


@dataclass(frozen=True)
class Published:
    """A staging branch that can be used."""

    run_id: str
    branch: Branch
    proof: JsonMapping
    kept: tuple[str, ...]
    """Names of older staging branches that still have children."""
    attestation: str = ""
    """Where it was written to."""


class TargetGoneError(RunFailedError):
    """The verified target is not there any more, or not what was verified: nothing can be published."""


def finish_publish(context: StagingContext, run: SanitizeRun) -> Published:
    """Lift the seal of a run whose proof is in the ledger, and give the branch its name.

    Raises TargetGoneError when there is nothing to publish any more, RunFailedError when the name is taken: the target
    then stays sealed, and publishing is tried again for as long as it lives.
    """
    branches = {b.id: b for b in context.client.list_branches(run.project_id)}
    target = _untouched_target(run, branches)
    _refuse_taken_name(context, run, branches)
    context.tell(Progress("publish", "giving CONNECT back and clearing the expiry"))
    _unseal(context, run, target)
    _change(context, target, BranchChange(expires_at=None))
    _take_name(context, run)
    _settle(context, run)
    published = replace(target, name=run.target_name, expires_at=None)
    proof = {name: value for name, value in run.proof.items() if name != ATTESTATION}
    return Published(run.id, published, proof, _tidy(context, run), ledger_entry(run).attestation_path)


def _untouched_target(run: SanitizeRun, branches: dict[str, Branch]) -> Branch:
    target = branches.get(run.target_branch_id or "")
    if target is None or run.verified_at is None:
        raise TargetGoneError("the target expired before it could be published: run sanitize again")
    if not still_proves(ledger_entry(run), target):
        raise TargetGoneError("somebody restored or reset the target after it was verified: run sanitize again")
    return target


def _refuse_taken_name(context: StagingContext, run: SanitizeRun, branches: dict[str, Branch]) -> None:
    ours = {entry.branch_id for entry, _ in _published_still(context, run.project_id, branches)}
    for branch in branches.values():
        if branch.name == run.target_name and branch.id not in {*ours, run.target_branch_id}:
            raise RunFailedError(f"a branch called {branch.name} is there that is not ours: rename it")


def _published_still(
    context: StagingContext, project_id: str, branches: dict[str, Branch]
) -> Iterator[tuple[LedgerEntry, Branch]]:
    """The staging branches of ours that are what was verified; one that was restored over belongs to whoever did it."""
    for entry in context.store.published(project_id):
        branch = branches.get(entry.branch_id)
        if branch is not None and still_proves(entry, branch):
            yield entry, branch


def _tidy(context: StagingContext, run: SanitizeRun) -> tuple[str, ...]:
    """After publishing nothing may fail: what is not deleted now expires, or is deleted before the next run."""
    try:
        _delete_source(context, run)
    except NeonError as error:
        context.tell(Progress("publish", f"published, but the source copy could not be deleted: {error}"))
    return tidy_superseded(context, run.project_id)


def tidy_superseded(context: StagingContext, project_id: str) -> tuple[str, ...]:
    """Do `_delete_superseded`; where the API refuses, the branch stays and the next run tries again."""
    try:
        return _delete_superseded(context, project_id)
    except NeonError as error:
        context.tell(Progress("publish", f"an older staging branch could not be deleted: {error}"))
        return ()


def _delete_superseded(context: StagingContext, project_id: str) -> tuple[str, ...]:
    """Delete staging branches that a newer one took the place of and that have no children; returns those that stay.

    Looks at the project again: a child may have come a moment ago. What somebody else deleted is written down.
    """
    branches = {b.id: b for b in context.client.list_branches(project_id)}
    parents = {b.parent_id for b in branches.values()}
    for entry in context.store.published(project_id):
        if entry.branch_id not in branches:
            _record_deleted(context, entry)
    kept = []
    for entry, branch in tuple(_published_still(context, project_id, branches)):
        if not entry.superseded:
            continue
        if branch.id in parents or branch.default or branch.protected or branch.run_id != entry.run_id:
            kept.append(branch.name)
            continue
        context.tell(Progress("publish", f"deleting {branch.name}, which a newer one took the place of"))
        context.client.wait_for(project_id, context.client.delete_branch(project_id, branch.id))
        _record_deleted(context, entry)
    return tuple(kept)


def _unseal(context: StagingContext, run: SanitizeRun, target: Branch) -> None:
    """CONNECT goes back to those who have it on production; each owner connects with what the API holds."""
    roles = tuple(role.name for role in context.client.list_roles(run.project_id, target.id))
    endpoint = writable_endpoint(context.client, target)
    for database in context.client.list_databases(run.project_id, target.id):
        grants = _grants(run.acl, database.name)
        login = Login(target.id, database.name, database.owner, endpoint.id)
        uri = checked_uri(context.client.connection_uri(run.project_id, login), endpoint)
        with open_connection(uri) as conn:
            unseal_database(conn, grants, roles)


def _grants(acl: JsonMapping, database: str) -> tuple[ConnectGrant, ...]:
    saved = acl.get(database)
    if not isinstance(saved, list):
        raise RunFailedError(f"the ledger does not know who may connect to {database}: run sanitize again")
    return tuple(ConnectGrant(str(grantee), bool(grantable)) for grantee, grantable in saved)


def _take_name(context: StagingContext, run: SanitizeRun) -> None:
    """The newest is always called staging; the one before gets the moment of its verification as a suffix.

    Looks at the project again: lifting the seal takes a while, and somebody may have restored over the older one.
    """
    branches = {b.id: b for b in context.client.list_branches(run.project_id)}
    target = _untouched_target(run, branches)
    _refuse_taken_name(context, run, branches)
    for entry, old in tuple(_published_still(context, run.project_id, branches)):
        if old.id != run.target_branch_id and old.name == run.target_name:
            name = f"{run.target_name}-{entry.verified_at:%Y%m%d-%H%M%S}"
            # Marked before it is renamed: a crash in between finds the old name and does both again.
            context.store.mark_superseded(entry.run_id, name, context.clock())
            _change(context, old, BranchChange(name=name))
    if target.name != run.target_name:
        _change(context, target, BranchChange(name=run.target_name))


def _settle(context: StagingContext, run: SanitizeRun) -> None:
    now = context.clock()
    sentence = f"{run.target_name} is published: sanitized, verified and open for branching"
    event = Event("sanitize.published", run.project_id, run.target_branch_id, sentence, _pointers(run))
    project = context.client.get_project(run.project_id)
    told = [run_published(run, project.name)]
    context.store.advance_run(run.id, RunStep.PUBLISHED, now, events=[event], messages=told, published_at=now)


def _pointers(run: SanitizeRun) -> JsonMapping:
    return {"run": run.id, "attestation": ledger_entry(run).attestation_path}


def _delete_source(context: StagingContext, run: SanitizeRun) -> None:
    """It held raw rows; it would expire anyway."""
    for source in context.client.list_branches(run.project_id):
        if source.id == run.source_branch_id and source.run_id == run.id:
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
