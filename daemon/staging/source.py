"""A source for a proof that is repeated: production as it was when a branch was copied from it, sealed, and soon gone.

Made as the source of a sanitize run is, and written into the ledger as a run that publishes nothing: what a crash
leaves is found and deleted as what a run leaves. It never comes to the step `sealed`, so that the next cycle deletes it
at once instead of letting it expire.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

import psycopg

from daemon.attesting import new_run_id
from daemon.errors import BranchwardenError, StoppedError
from daemon.model import Branch
from daemon.records import VERIFY, Event, RunStep, SanitizeRun
from daemon.staging.context import Progress, StagingContext
from daemon.staging.copies import Origin, SealedCopy
from daemon.staging.leftovers import discard_run, settle_unfinished
from daemon.staging.renew import Renewal
from daemon.staging.seal import sealed_copy
from sanitizers.attest.predicate import NeonPlace, Predicate
from sanitizers.attest.statement import Statement
from sanitizers.errors import SanitizerError

SAME = timedelta(seconds=1)  # Neon tells times in whole seconds


@dataclass(frozen=True)
class Unsourced:
    """There is no source to compare with."""

    why: str


class _NoSourceError(BranchwardenError):
    """Production as it was cannot be had, or not sealed."""


def origin_of(branch: Branch, parent: str, said: Predicate) -> Origin | Unsourced:
    """The moment of production that the rows of a branch are of, by its attestation. Pure.

    `parent` is the production branch that they were copied from; empty where nobody knows it.
    """
    place, source = said.place, said.source
    if not isinstance(place, NeonPlace) or (place.project_id, place.branch_id) != (branch.project_id, branch.id):
        return Unsourced("the attestation is of another branch")
    if not parent:
        return Unsourced("the ledger names no production branch that the rows were copied from: sanitize anew")
    if source.lsn is None and source.at is None:
        return Unsourced(source.unknown)
    return Origin(branch.project_id, parent, source.lsn, source.at)


def source_of(
    context: StagingContext, copied: tuple[Branch, str], said: Statement | None
) -> AbstractContextManager[SealedCopy | Unsourced]:
    """What `sealed_source` gives for a branch and its parent; `said` is its attestation, if one is to be trusted."""
    if said is None:
        return nullcontext(Unsourced("no attestation that is to be trusted names the moment that its rows are of"))
    branch, parent = copied
    origin = origin_of(branch, parent, said.predicate)
    return nullcontext(origin) if isinstance(origin, Unsourced) else sealed_source(context, origin, branch.name)


@contextmanager
def sealed_source(context: StagingContext, origin: Origin, name: str) -> Iterator[SealedCopy | Unsourced]:
    """A sealed copy of production for the length of the block, deleted whatever happens; or why there is none.

    The store must be held alone: whoever settles unfinished runs would delete the copy.
    """
    refused = ""
    with context.client.allow_writes(origin.project_id):
        for problem in settle_unfinished(context, origin.project_id, VERIFY):
            context.tell(Progress("seal", problem))
        try:
            run = _start(context, origin, name)
            with _deleted_at_the_end(context, run), Renewal(context.client, run.project_id, context.clock) as renewal:
                yield _sealed(context, origin, run, renewal)
        except _NoSourceError as error:
            refused = str(error)
    if refused:
        yield Unsourced(refused)


def _start(context: StagingContext, origin: Origin, name: str) -> SanitizeRun:
    now = context.clock()
    run = SanitizeRun(
        id=new_run_id(now),
        project_id=origin.project_id,
        mode=VERIFY,
        trigger="manual",
        step=RunStep.STARTED,
        started_at=now,
        updated_at=now,
        target_name=name,
    )
    context.store.start_run(run)
    sentence = f"run {run.id} started (manual): {name} is compared with a copy of production"
    context.store.append_event(Event("verify.started", run.project_id, None, sentence, {"run": run.id}), now)
    return run


def _sealed(context: StagingContext, origin: Origin, run: SanitizeRun, renewal: Renewal) -> SealedCopy:
    """Raises _NoSourceError for whatever stands in the way, StoppedError when the process was asked to end."""
    try:
        _refuse_another_past(context, origin)
        context.tell(Progress("seal", "copying production as it was into an expiring branch, the source"))
        source = sealed_copy(context, (origin, "source"), run, renewal)
        _require_moment(context.client.get_branch(run.project_id, source.copy.branch.id), origin)
    except StoppedError:
        raise
    except (BranchwardenError, SanitizerError, psycopg.Error) as error:
        context.check_stop()  # a statement that was cancelled is no refusal
        why = f"the copy could not be sealed (SQLSTATE {error.sqlstate})" if isinstance(error, psycopg.Error) else error
        raise _NoSourceError(str(why)) from None
    sentence = f"run {run.id}: the source takes connections from the run alone and expires by itself"
    event = Event("verify.sealed", run.project_id, source.copy.branch.id, sentence, {"run": run.id})
    context.store.append_event(event, context.clock())
    return source


def _refuse_another_past(context: StagingContext, origin: Origin) -> None:
    """An LSN says nothing of a branch that something was restored over since."""
    reset = context.client.get_branch(origin.project_id, origin.branch_id).last_reset_at
    if reset is not None and (origin.at is None or reset >= origin.at):
        raise _NoSourceError("something was restored over production since the rows were copied from it")


def _require_moment(branch: Branch, origin: Origin) -> None:
    """A copy of another moment lacks originals that were changed or deleted since: it would prove too much."""
    if origin.lsn is not None:
        same = (branch.parent_lsn or "").upper() == origin.lsn
    else:
        told = branch.parent_timestamp
        same = told is not None and origin.at is not None and abs(told - origin.at) <= SAME
    if branch.parent_id != origin.branch_id or not same:
        raise _NoSourceError("Neon made a copy of another moment than the one that was asked for")


@contextmanager
def _deleted_at_the_end(context: StagingContext, run: SanitizeRun) -> Iterator[None]:
    try:
        yield
    except _NoSourceError as error:
        _end(context, run, RunStep.FAILED, str(error))
        raise
    except StoppedError:
        _end(context, run, RunStep.ABANDONED, "stopped on request")
        raise
    except BaseException:
        _end(context, run, RunStep.FAILED, "the proof did not come to its end")
        raise
    _end(context, run, RunStep.ENDED, "")


def _end(context: StagingContext, run: SanitizeRun, step: RunStep, why: str) -> None:
    """Delete the copy and write down how it ended; a run whose copy cannot be deleted stays unfinished."""
    left = discard_run(context, run)
    gone = f"{', '.join(left)} could not be deleted: delete it now" if left else "no copy of production is left"
    if left:
        context.tell(
            Progress("seal", f"{gone}. It holds raw rows and expires within two hours; the next cycle tries again")
        )
    sentence = f"run {run.id} {step}: {why}; {gone}" if why else f"run {run.id} {step}: {gone}"
    event = Event(f"verify.{step}", run.project_id, None, sentence, {"run": run.id})
    reached = RunStep.STARTED if left else step
    context.store.advance_run(run.id, reached, context.clock(), events=[event], error=why)
