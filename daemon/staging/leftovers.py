"""What an earlier process left: a publish to finish, or a run to write off."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import psycopg

from daemon.alerts import run_ended
from daemon.errors import BranchwardenError, NeonError, RunFailedError, RunRefusedError
from daemon.model import RUN_ANNOTATION, Branch
from daemon.progress import breakable
from daemon.records import VERIFY, Event, RunStep, SanitizeRun
from daemon.staging.context import ROLE_ANNOTATION, Progress, StagingContext
from daemon.staging.publish import TargetGoneError, finish_publish, tidy_superseded
from sanitizers.errors import SanitizerError


def settle_unfinished(context: StagingContext, project_id: str, mode: str = "") -> tuple[str, ...]:
    """Finish publishing that was cut off, write every other unfinished run off; with `mode` those of that mode alone.

    Returns a sentence for each that could not be settled; it is tried again. The store's lock makes sure that no other
    process works on them.
    """
    unfinished = context.store.unfinished_runs(project_id)
    problems = (_settle(context, run) for run in unfinished if mode in {"", run.mode})
    return tuple(problem for problem in problems if problem)


def _settle(context: StagingContext, run: SanitizeRun) -> str:
    try:
        with context.client.allow_writes(run.project_id):
            if run.step is RunStep.PUBLISHING:
                finish_publish(context, run)
            else:
                _write_off(context, run)
    except TargetGoneError as error:
        _end(context, run, str(error))
    except (BranchwardenError, SanitizerError, psycopg.Error) as error:
        reason = f"SQLSTATE {error.sqlstate}" if isinstance(error, psycopg.Error) else str(error)
        if run.step is not RunStep.PUBLISHING:
            return reason
        return f"run {run.id} is verified but its publishing cannot be finished: {reason}"
    return ""


def _write_off(context: StagingContext, run: SanitizeRun) -> None:
    """A run that was cut off. Before the seal was complete a copy may be open: then it is deleted at once.

    Raises RunFailedError when that is refused: the run stays unfinished and is settled again.
    """
    why = f"cut off after step `{run.step}`: nothing was published"
    if run.step is not RunStep.STARTED:
        _end(context, run, f"{why}, what it made is sealed and expires")
    elif left := discard_run(context, run):
        names = ", ".join(left)
        open_ = "may hold raw rows" if run.mode == VERIFY else "was not sealed yet"
        raise RunFailedError(f"run {run.id}: {names} {open_} and cannot be deleted: delete it now")
    elif run.mode == VERIFY:
        _end(context, run, "cut off: no copy of production is left")
    else:
        _end(context, run, f"{why}, what it had made was not sealed yet and has been deleted")


def _end(context: StagingContext, run: SanitizeRun, why: str) -> None:
    sentence = f"run {run.id} is abandoned ({why})"
    context.tell(Progress("preflight", sentence))
    told, event = [], Event("verify.abandoned", run.project_id, None, sentence, {"run": run.id})
    if run.mode != VERIFY:
        event = Event("sanitize.abandoned", run.project_id, run.target_branch_id, sentence, {"run": run.id})
        told = [run_ended(replace(run, step=RunStep.ABANDONED, error=why), run.project_id)]
    now = context.clock()
    context.store.advance_run(run.id, RunStep.ABANDONED, now, events=[event], messages=told, error=why)


def clear_leftovers(context: StagingContext, project_id: str) -> None:
    """Before a new run: settle what is unfinished and delete the branches that earlier runs left behind.

    They may fill the branch allowance. A branch is ours only when its annotation names a run of this ledger that has
    ended, and while it expires; of a published run only the source is left over, and the target once a newer one took
    its place. Raises RunRefusedError when a verified branch still waits to be published: another would not help it.
    """
    problems = settle_unfinished(context, project_id)
    if problems:
        raise RunRefusedError("\n".join(problems))
    ended = {run.id: run for run in context.store.list_runs(project_id) if run.finished}
    with breakable(context.ahead):
        branches = context.client.list_branches(project_id)
    for branch in branches:
        run = ended.get(branch.annotation.get(RUN_ANNOTATION, ""))
        if run is not None and _expires_for_us(branch) and branch.id != _published(run):
            context.tell(Progress("preflight", f"deleting {branch.name}, left by an earlier run"))
            discard(context, branch)
    tidy_superseded(context, project_id)


def _published(run: SanitizeRun) -> str | None:
    """The branch that a run published: somebody may let it expire, which makes it no leftover."""
    return run.target_branch_id if run.step is RunStep.PUBLISHED else None


def discard_run(context: StagingContext, run: SanitizeRun) -> tuple[str, ...]:
    """Delete every branch that an unpublished run made; returns the names of those that could not be deleted."""
    try:
        branches = context.client.list_branches(run.project_id)
    except NeonError:
        roles = ("source",) if run.mode == VERIFY else ("source", "target")
        return tuple(f"branchwarden-{role}-{run.id}" for role in roles)
    _wait_for_quiet(context, run.project_id)
    mine = [b for b in branches if b.annotation.get(RUN_ANNOTATION) == run.id and _expires_for_us(b)]
    return tuple(branch.name for branch in mine if not discard(context, branch))


def _wait_for_quiet(context: StagingContext, project_id: str) -> None:
    """Wait for what is under way, such as the making of the very branch: Neon refuses a deletion until it has ended."""
    with suppress(NeonError):  # the deletion is tried in any case, and its answer is the one that counts
        context.client.wait_for(project_id, context.client.list_running(project_id))


def discard(context: StagingContext, branch: Branch) -> bool:
    """Delete a branch of a run that was not published; where that fails it still expires by itself."""
    try:
        context.client.wait_for(branch.project_id, context.client.delete_branch(branch.project_id, branch.id))
    except NeonError as error:
        context.tell(Progress("preflight", f"{branch.name} could not be deleted and will expire: {error}"))
        return False
    return True


def _expires_for_us(branch: Branch) -> bool:
    return ROLE_ANNOTATION in branch.annotation and branch.expires_at is not None
