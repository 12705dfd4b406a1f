"""One sanitize run: seal → mask → verify → publish. Whatever fails leaves the seal on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg

from daemon.alerts import run_ended, run_refused
from daemon.errors import BranchwardenError, RunFailedError, RunRefusedError, StoppedError
from daemon.model import Branch
from daemon.records import Event, JsonMapping, RunStep, SanitizeRun
from daemon.staging.context import Progress, StagingContext, StagingRequest
from daemon.staging.copies import SealedCopy, create_copy, open_copy, seal_copy
from daemon.staging.leftovers import clear_leftovers, discard
from daemon.staging.mask import mask, verify
from daemon.staging.preflight import Preflight, preflight
from daemon.staging.publish import Published, finish_publish
from daemon.staging.renew import Renewal
from sanitizers.errors import CatalogsDifferError, SanitizerError

TRIES = 2  # source and target are made at different moments; a migration in between is met once, hardly twice


def sanitize(context: StagingContext, request: StagingRequest) -> Published:
    """Spawn a sanitized staging branch and publish it.

    Raises RunRefusedError when nothing was created, RunFailedError when what was created stays sealed and expires.
    """
    with context.client.allow_writes(f"sanitize run ({request.trigger})"):
        clear_leftovers(context, request.project.id)
        flight = _refusable(context, request)
        run = _start(context, request, flight)
        with _recorded(context, run, flight), Renewal(context.client, run.project_id, context.clock) as renewal:
            target, proof = _proven_target(context, request, (run, flight), renewal)
            renewal.stop()
            now = context.clock()
            acl: JsonMapping = {n: [[g.grantee, g.grantable] for g in grants] for n, grants in target.grants.items()}
            context.store.advance_run(run.id, RunStep.PUBLISHING, now, proof=proof, acl=acl, verified_at=now)
            return finish_publish(context, _stored(context, run))


def _proven_target(
    context: StagingContext, request: StagingRequest, begun: tuple[SanitizeRun, Preflight], renewal: Renewal
) -> tuple[SealedCopy, JsonMapping]:
    """A sealed, masked and verified target; source and target are made anew once if a migration came between them."""
    run, flight = begun
    for attempt in range(1, TRIES + 1):
        branches = _create(context, run, flight, renewal)
        source, target = _seal(context, run, branches)
        try:
            mask(context, request, run, (source, target))
        except CatalogsDifferError:
            if attempt == TRIES:
                raise
            context.tell(Progress("mask", "the schema changed between the two copies: both are made once more"))
            for branch in branches:
                discard(context, branch)
            continue
        proof = verify(context, request, run, (source, target))
        break
    if renewal.lost:
        raise RunFailedError("Neon's API could not be reached for two hours: the run's branches have expired")
    return target, proof


def _refusable(context: StagingContext, request: StagingRequest) -> Preflight:
    try:
        flight = preflight(context, request)
    except RunRefusedError as error:
        project_id, now = request.project.id, context.clock()
        event = Event("sanitize.refused", project_id, None, str(error))
        context.store.record([event], [run_refused(project_id, project_id, str(error).splitlines(), now)], now)
        raise
    for note in flight.notes:
        context.tell(Progress("preflight", note))
    return flight


def _start(context: StagingContext, request: StagingRequest, flight: Preflight) -> SanitizeRun:
    now = context.clock()
    run = SanitizeRun(
        id=f"{now:%Y%m%d%H%M%S}-{secrets.token_hex(3)}",
        project_id=request.project.id,
        mode="clean-room",
        trigger=request.trigger,
        step=RunStep.STARTED,
        started_at=now,
        updated_at=now,
        target_name=request.staging.name,
        policy_digest=request.policy.digest,
        plan_digest=flight.plan.digest,
        key_id=request.key.id,
    )
    context.store.start_run(run)
    sentence = f"run {run.id} started ({run.trigger}): {flight.production.name} → {run.target_name}"
    context.store.append_event(Event("sanitize.started", run.project_id, None, sentence, {"run": run.id}), now)
    return run


def _create(context: StagingContext, run: SanitizeRun, flight: Preflight, renewal: Renewal) -> tuple[Branch, Branch]:
    """Source first: what it holds decides, and the target's schema is compared with it."""
    context.check_stop()
    context.tell(Progress("seal", f"copying {flight.production.name} into an expiring branch, the source"))
    source = create_copy(context, flight.production, run.id, "source")
    context.store.advance_run(run.id, RunStep.STARTED, context.clock(), source_branch_id=source.id)
    context.tell(Progress("seal", "creating the target: a root branch with the schema and no rows"))
    target = create_copy(context, flight.production, run.id, "target")
    context.store.advance_run(run.id, RunStep.STARTED, context.clock(), target_branch_id=target.id)
    renewal.watch((source, target))
    return source, target


def _seal(context: StagingContext, run: SanitizeRun, branches: tuple[Branch, Branch]) -> tuple[SealedCopy, SealedCopy]:
    sealed = []
    for branch, name in zip(branches, ("source", "target"), strict=True):
        context.check_stop()
        context.tell(Progress("seal", f"{name}: new passwords for its roles, CONNECT revoked from everyone else"))
        sealed.append(seal_copy(open_copy(context.client, branch)))
    source, target = sealed
    sentence = f"run {run.id}: source and target take connections from the run alone and expire by themselves"
    event = Event("sanitize.sealed", run.project_id, target.copy.branch.id, sentence, {"run": run.id})
    context.store.advance_run(run.id, RunStep.SEALED, context.clock(), events=[event])
    return source, target


@contextmanager
def _recorded(context: StagingContext, run: SanitizeRun, flight: Preflight) -> Iterator[None]:
    """Write down how the run ended when it did not publish; foreign errors become ours here."""
    try:
        yield
    except StoppedError as error:
        _end(context, run, RunStep.ABANDONED, (str(error), flight))
        raise
    except (BranchwardenError, SanitizerError, psycopg.Error) as error:
        reason = f"a database refused (SQLSTATE {error.sqlstate})" if isinstance(error, psycopg.Error) else str(error)
        if context.stop.is_set():
            _end(context, run, RunStep.ABANDONED, ("stopped on request", flight))
            raise StoppedError("stopped on request: what the run made stays sealed and expires") from None
        _end(context, run, RunStep.FAILED, (reason, flight))
        raise RunFailedError(f"{reason}\nNothing was published; what the run made stays sealed and expires.") from None


def _end(context: StagingContext, run: SanitizeRun, step: RunStep, why: tuple[str, Preflight]) -> None:
    reason, flight = why
    now = context.clock()
    if _stored(context, run).step is RunStep.PUBLISHING:
        return  # the next cycle finishes it: everything that can be proven is in the ledger
    sentence = f"run {run.id} {step}: {reason}"
    event = Event(f"sanitize.{step}", run.project_id, None, sentence, {"run": run.id})
    told = run_ended(replace(run, step=step, error=reason), flight.listing.project.name)
    context.store.advance_run(run.id, step, now, events=[event], messages=[told], error=reason)


def _stored(context: StagingContext, run: SanitizeRun) -> SanitizeRun:
    return context.store.get_run(run.id) or run
