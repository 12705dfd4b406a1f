"""One sanitize run: seal → mask → verify → publish. Where it fails, nothing stays open: what is sealed expires."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg

from daemon.alerts import run_ended, run_refused
from daemon.errors import BranchwardenError, RunFailedError, RunRefusedError, StoppedError
from daemon.records import Event, JsonMapping, RunStep, SanitizeRun
from daemon.staging.account import RunProof, attest_run
from daemon.staging.context import Progress, StagingContext, StagingRequest
from daemon.staging.copies import Origin, SealedCopy
from daemon.staging.in_place import mask_in_place
from daemon.staging.leftovers import clear_leftovers, discard, discard_run
from daemon.staging.mask import mask, verify
from daemon.staging.preflight import Preflight, preflight
from daemon.staging.publish import Published, finish_publish
from daemon.staging.renew import Renewal
from daemon.staging.seal import Kind, sealed_copy
from daemon.store import ATTESTATION
from sanitizers.errors import CatalogsDifferError, SanitizerError

TRIES = 2  # source and target are made at different moments; a migration in between is met once, hardly twice
SEALED = "What the run made is sealed and expires within two hours."
DISCARDED = "What the run had made was not sealed yet and has been deleted."


@dataclass(frozen=True)
class Begun:
    """A run that is in the ledger, with what was asked for and what preflight found."""

    run: SanitizeRun
    request: StagingRequest
    flight: Preflight


def sanitize(context: StagingContext, request: StagingRequest) -> Published:
    """Spawn a sanitized staging branch and publish it.

    Raises RunRefusedError when nothing was created, RunFailedError when what was created is sealed, expiring or gone.
    """
    project_id = request.project.id
    with context.client.allow_writes(project_id):
        context.check_stop()
        clear_leftovers(context, project_id)
        begun = _start(context, request, _refusable(context, request))
        with _recorded(context, begun), Renewal(context.client, project_id, context.clock) as renewal:
            target, proof = _proven_target(context, begun, renewal)
            renewal.stop()
            now = context.clock()
            attestation = attest_run(begun.request, begun.run, target, (proof, now))
            context.tell(Progress("verify", f"attestation: {attestation.path}"))
            acl: JsonMapping = {n: [[g.grantee, g.grantable] for g in grants] for n, grants in target.grants.items()}
            known: JsonMapping = {**proof.ledger(begun.request), ATTESTATION: attestation.ledger}
            context.store.advance_run(begun.run.id, RunStep.PUBLISHING, now, proof=known, acl=acl, verified_at=now)
            return finish_publish(context, _stored(context, begun.run))


def _proven_target(context: StagingContext, begun: Begun, renewal: Renewal) -> tuple[SealedCopy, RunProof]:
    """A sealed, masked and verified target."""
    make = _rewritten_target if begun.run.mode == "in-place" else _filled_target
    target, proof = make(context, begun, renewal)
    if renewal.lost:
        raise RunFailedError("Neon's API could not be reached for two hours: the run's branches have expired")
    return target, proof


def _rewritten_target(context: StagingContext, begun: Begun, renewal: Renewal) -> tuple[SealedCopy, RunProof]:
    """One copy of production, masked where it is."""
    context.tell(Progress("seal", f"copying {begun.flight.production.name} into an expiring branch, the target"))
    target = _sealed(context, begun, renewal, "target")
    _record_sealed(context, begun.run, target, "the target takes")
    proof = mask_in_place(context, begun.request, begun.run, target)
    return target, proof


def _filled_target(context: StagingContext, begun: Begun, renewal: Renewal) -> tuple[SealedCopy, RunProof]:
    """An empty target that is filled; both copies are made anew once if a migration came between them."""
    for attempt in range(1, TRIES + 1):
        renewal.forget()
        copies = _sealed_copies(context, begun, renewal)
        try:
            mask(context, begun.request, begun.run, copies)
        except CatalogsDifferError:
            if attempt == TRIES:
                raise
            context.tell(Progress("mask", "the schema changed between the two copies: both are made once more"))
            # Before the next source is there: what is not sealed yet must never be taken for sealed after a crash.
            context.store.advance_run(begun.run.id, RunStep.STARTED, context.clock())
            for sealed in copies:
                discard(context, sealed.copy.branch)
            continue
        proof = verify(context, begun.request, begun.run, copies)
        break
    return copies[1], proof


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


def _start(context: StagingContext, request: StagingRequest, flight: Preflight) -> Begun:
    now = context.clock()
    run = SanitizeRun(
        id=f"{now:%Y%m%d%H%M%S}-{secrets.token_hex(3)}",
        project_id=request.project.id,
        mode=request.how.mode,
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
    return Begun(run, replace(request, policy=flight.policy), flight)


def _sealed_copies(context: StagingContext, begun: Begun, renewal: Renewal) -> tuple[SealedCopy, SealedCopy]:
    """Source and target. The source holds raw rows, so it is sealed before anything else is asked of the API."""
    context.tell(Progress("seal", f"copying {begun.flight.production.name} into an expiring branch, the source"))
    source = _sealed(context, begun, renewal, "source")
    context.tell(Progress("seal", "creating the target: a root branch with the schema and no rows"))
    target = _sealed(context, begun, renewal, "target")
    _record_sealed(context, begun.run, target, "source and target take")
    return source, target


def _sealed(context: StagingContext, begun: Begun, renewal: Renewal, kind: Kind) -> SealedCopy:
    production = begun.flight.production
    return sealed_copy(context, (Origin(production.project_id, production.id), kind), begun.run, renewal)


def _record_sealed(context: StagingContext, run: SanitizeRun, target: SealedCopy, what: str) -> None:
    sentence = f"run {run.id}: {what} connections from the run alone and expire by themselves"
    event = Event("sanitize.sealed", run.project_id, target.copy.branch.id, sentence, {"run": run.id})
    context.store.advance_run(run.id, RunStep.SEALED, context.clock(), events=[event])


@contextmanager
def _recorded(context: StagingContext, begun: Begun) -> Iterator[None]:
    """Write down how the run ended when it did not publish; foreign errors become ours here."""
    try:
        yield
    except (BranchwardenError, SanitizerError, psycopg.Error) as error:
        stopped = context.stop.is_set() or isinstance(error, StoppedError)
        reason = "stopped on request" if stopped else _reason(error)
        step = _stored(context, begun.run).step
        if step is RunStep.PUBLISHING:  # all that can be proven is in the ledger: the next cycle finishes it
            raise RunFailedError(f"{reason}\nThe branch is verified; the next cycle goes on with publishing.") from None
        state, closed = _leave_nothing_open(context, begun.run, step)
        if stopped:
            _end(context, begun, RunStep.ABANDONED, f"{reason}\n{state}", closed=closed)
            raise StoppedError(f"{reason}\nNothing was published. {state}") from None
        _end(context, begun, RunStep.FAILED, f"{reason}\n{state}", closed=closed)
        raise RunFailedError(f"{reason}\nNothing was published. {state}") from None


def _reason(error: BaseException) -> str:
    if not isinstance(error, psycopg.Error):
        return str(error)
    if error.sqlstate is None:
        return "the connection to a branch of the run was lost: run it again"
    return f"a database refused a statement of the run (SQLSTATE {error.sqlstate})"


def _leave_nothing_open(context: StagingContext, run: SanitizeRun, step: RunStep) -> tuple[str, bool]:
    """What became of the run's branches, and whether none is open: an unsealed copy is deleted at once."""
    if step is not RunStep.STARTED:
        return SEALED, True
    left = discard_run(context, run)
    if not left:
        return DISCARDED, True
    told = f"{', '.join(left)} could not be deleted and may be open to production's passwords: delete it now."
    return f"{told} The next cycle tries again.", False


def _end(context: StagingContext, begun: Begun, step: RunStep, reason: str, *, closed: bool) -> None:
    """Tell and write down how the run ended; one that left a branch open stays unfinished, so that it is settled."""
    now, run = context.clock(), begun.run
    event = Event(f"sanitize.{step}", run.project_id, None, f"run {run.id} {step}: {reason}", {"run": run.id})
    told = run_ended(replace(run, step=step, error=reason), begun.flight.listing.project.name)
    reached = step if closed else RunStep.STARTED
    context.store.advance_run(run.id, reached, now, events=[event], messages=[told], error=reason)


def _stored(context: StagingContext, run: SanitizeRun) -> SanitizeRun:
    return context.store.get_run(run.id) or run
