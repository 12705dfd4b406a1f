"""What an earlier process left: a publish to finish, or a run to write off. Its branches are sealed and expire."""

from __future__ import annotations

from dataclasses import replace

from daemon.alerts import run_ended
from daemon.errors import NeonError, RunFailedError
from daemon.model import RUN_ANNOTATION, Branch
from daemon.records import Event, RunStep, SanitizeRun
from daemon.staging.context import ROLE_ANNOTATION, Progress, StagingContext
from daemon.staging.publish import finish_publish


def settle_unfinished(context: StagingContext, project_id: str) -> tuple[str, ...]:
    """Finish a publish that was cut off, write every other unfinished run off; returns a sentence for each.

    The store's lock makes sure that no other process works on them.
    """
    return tuple(_settle(context, run) for run in context.store.unfinished_runs(project_id))


def _settle(context: StagingContext, run: SanitizeRun) -> str:
    if run.step is RunStep.PUBLISHING:
        try:
            with context.client.allow_writes(f"finishing the publish of run {run.id}"):
                finish_publish(context, run)
        except RunFailedError as error:
            return _write_off(context, run, str(error))
        return f"run {run.id} was cut off while publishing and is published now"
    return _write_off(context, run, f"cut off after step `{run.step}`")


def _write_off(context: StagingContext, run: SanitizeRun, why: str) -> str:
    sentence = f"run {run.id} is abandoned ({why}): nothing was published, what it made is sealed and expires"
    now = context.clock()
    event = Event("sanitize.abandoned", run.project_id, run.target_branch_id, sentence, {"run": run.id})
    told = run_ended(replace(run, step=RunStep.ABANDONED, error=why), run.project_id)
    context.store.advance_run(run.id, RunStep.ABANDONED, now, events=[event], messages=[told], error=why)
    return sentence


def clear_leftovers(context: StagingContext, project_id: str) -> None:
    """Before a new run: settle what is unfinished and delete the branches of runs that were never published.

    They would expire anyway, but may fill the root branch allowance. A branch is ours only when its annotation names
    a run of this ledger that failed or was abandoned, and while it expires.
    """
    for sentence in settle_unfinished(context, project_id):
        context.tell(Progress("preflight", sentence))
    dead = {r.id for r in context.store.list_runs(project_id) if r.step in {RunStep.FAILED, RunStep.ABANDONED}}
    for branch in context.client.list_branches(project_id):
        if branch.annotation.get(RUN_ANNOTATION) in dead and ROLE_ANNOTATION in branch.annotation and branch.expires_at:
            context.tell(Progress("preflight", f"deleting {branch.name}, left by a run that was not published"))
            discard(context, branch)


def discard(context: StagingContext, branch: Branch) -> None:
    """Delete a branch of a run that was not published; where that fails it still expires by itself."""
    try:
        context.client.wait_for(branch.project_id, context.client.delete_branch(branch.project_id, branch.id))
    except NeonError as error:
        context.tell(Progress("preflight", f"{branch.name} could not be deleted and will expire: {error}"))
