"""The middle of a run: every database copied masked, then proven clean. The only place where rows are moved."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import ExitStack

from daemon.amounts import counted
from daemon.model import Database
from daemon.policies import compile_policy
from daemon.proven import engine_teller, tell_searched
from daemon.records import Event, RunStep, SanitizeRun
from daemon.staging.account import ROADS, Passwords, RunProof, attest_failure, with_branch
from daemon.staging.context import Progress, StagingContext, StagingRequest, quoted
from daemon.staging.copies import SealedCopy
from sanitizers.engines import stream
from sanitizers.engines.blockers import unknown_event_triggers
from sanitizers.errors import PlanError, ResidueError
from sanitizers.plan import DatabasePlan, MaskingPlan
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.verifiers import read_verifiers, same_verifiers
from sanitizers.proof.verify import VerifyRun, verify_database
from sanitizers.schema import read_schema
from sanitizers.trial import try_plan

Copies = tuple[SealedCopy, SealedCopy]
"""Source and target."""


def mask(context: StagingContext, request: StagingRequest, run: SanitizeRun, copies: Copies) -> None:
    """Copy every row of every database, masked, from the source into the target."""
    source, target = copies
    plan = tried_plan(source, request)
    rows = 0
    for database, part in zip(source.copy.databases, plan.databases, strict=True):
        context.check_stop()
        copy = stream.CopyRun(
            source=source.copy.connector(database),
            target=target.copy.connector(database),
            plan=part,
            key=request.key.secret,
            stop=context.stop,
            on_connection=context.connections.add,
            streams=request.how.streams,
            allow_event_triggers=request.how.allow_event_triggers,
            keyring=request.keyring,
        )
        report = stream.copy_database(copy, teller(context, "mask", database))
        rows += report.rows
        context.tell(
            Progress("mask", f"{database.name}: {report.rows:,} rows of {counted(len(report.tables), 'table')}")
        )
    advance(context, run, RunStep.MASKED, f"{rows:,} rows copied, {plan.masked_count} columns masked")


def verify(context: StagingContext, request: StagingRequest, run: SanitizeRun, copies: Copies) -> RunProof:
    """Prove that the target is clean. Raises ResidueError with every problem."""
    source, target = copies
    plan = plan_of_snapshot(source, request)
    proofs = []
    for database, part in zip(source.copy.databases, plan.databases, strict=True):
        context.check_stop()
        proofs.append(_verify(context, request, (database, part), copies))
    passwords = inherited(context, source, target)
    found = RunProof(plan, tuple(proofs), passwords, source.copy.branch)
    return pass_proofs(context, request, run, (target, found))


def pass_proofs(
    context: StagingContext, request: StagingRequest, run: SanitizeRun, what: tuple[SealedCopy, RunProof]
) -> RunProof:
    """Take the step that only clean proofs allow, and look at the branch as a whole.

    Raises ResidueError with every problem, passwords among them.
    """
    target, found = what
    problems = [*(problem for proof in found.proofs for problem in proof.problems), *found.passwords.problems]
    if problems:
        attest_failure(context, request, run, what)
        raise ResidueError(problems, originals=any(proof.found for proof in found.proofs))
    found = with_branch(context, request, target, found)
    searched = tell_searched(context.tell, found.proofs)
    remarks = (f"{proof.database}: {remark}" for proof in found.proofs for remark in proof.remarks)
    for remark in (*remarks, *found.passwords.remarks):
        context.tell(Progress("verify", remark))
    advance(context, run, RunStep.VERIFIED, f"{searched:,} original values searched for, none found")
    return found


def _verify(
    context: StagingContext, request: StagingRequest, what: tuple[Database, DatabasePlan], copies: Copies
) -> DatabaseProof:
    database, part = what
    source, target = copies
    check = VerifyRun(
        source=source.copy.connector(database),
        target=target.copy.connector(database),
        plan=part,
        key=request.key.secret,
        stop=context.stop,
        on_connection=context.connections.add,
        roads=ROADS,
        streams=request.how.streams,
    )
    return verify_database(check, teller(context, "verify", database))


def plan_of_snapshot(source: SealedCopy, request: StagingRequest) -> MaskingPlan:
    """Preflight compiled from the API's words; this one comes from the very snapshot that is copied."""
    schemas = []
    for database in source.copy.databases:
        with source.copy.connector(database)(None) as conn:
            schemas.append(read_schema(conn))
    return compile_policy(schemas, request.policy)


def tried_plan(source: SealedCopy, request: StagingRequest) -> MaskingPlan:
    """The plan of the snapshot, once its databases take it. Raises PlanError with every problem before a row moves."""
    plan = plan_of_snapshot(source, request)
    problems: list[str] = []
    for database, part in zip(source.copy.databases, plan.databases, strict=True):
        connect = source.copy.connector(database)
        with connect(None) as conn, connect(None) as other:
            problems += try_plan(conn, part, request.key.secret, [other])
    problems += _misnamed(source, request)
    if problems:
        raise PlanError(problems)
    return plan


def _misnamed(source: SealedCopy, request: StagingRequest) -> list[str]:
    names = request.how.allow_event_triggers
    with ExitStack() as stack:
        conns = [stack.enter_context(source.copy.connector(d)(None)) for d in source.copy.databases if names]
        return list(unknown_event_triggers(conns, names))


def inherited(context: StagingContext, source: SealedCopy, target: SealedCopy) -> Passwords:
    """Look for passwords of the target that are still production's."""
    same, unseen = _inherited_passwords(context, source, target)
    return Passwords((*_inherited_verifiers(source, target), *same), unseen)


def _inherited_verifiers(source: SealedCopy, target: SealedCopy) -> list[str]:
    """Roles whose password on the target would be production's."""
    with target.copy.connector(target.copy.databases[0])(None) as conn:
        same = same_verifiers(source.verifiers, read_verifiers(conn))
    return [
        f"role {role} has production's password on the target, and the run may not remove it: run"
        f" `GRANT {quoted(role)} TO {quoted(target.copy.databases[0].owner)} WITH ADMIN OPTION` on production"
        for role in same
    ]


def _inherited_passwords(
    context: StagingContext, source: SealedCopy, target: SealedCopy
) -> tuple[list[str], tuple[str, ...]]:
    """API roles whose password on the target is production's, a sentence each; and those of whom that cannot be told.

    They are compared in memory, nothing is kept.
    """
    client, branch = context.client, target.copy.branch
    production = source.copy.branch.parent_id or ""
    known = {role.name for role in client.list_roles(branch.project_id, production)}
    same, unseen = [], []
    for role in sorted(known & set(target.copy.roles)):
        there = client.reveal_password(branch.project_id, production, role)
        here = client.reveal_password(branch.project_id, branch.id, role)
        if there is None or here is None:
            unseen.append(role)
        elif hmac.compare_digest(there.encode(), here.encode()):
            same.append(f"role {role} still has production's password on the target")
    return same, tuple(unseen)


def teller(context: StagingContext, step: str, database: Database) -> Callable[[stream.Progress], None]:
    """Tells the progress of an engine."""
    return engine_teller(context.tell, step, database.name)


def advance(context: StagingContext, run: SanitizeRun, step: RunStep, sentence: str) -> None:
    """Write down that a run came so far."""
    now = context.clock()
    event = Event(f"sanitize.{step}", run.project_id, None, f"run {run.id}: {sentence}", {"run": run.id})
    context.store.advance_run(run.id, step, now, events=[event])
