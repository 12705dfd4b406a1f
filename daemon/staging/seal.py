"""A copy of the run's own: created, written down and sealed before anything else is asked of it."""

from __future__ import annotations

from typing import Literal

from daemon.records import RunStep, SanitizeRun
from daemon.staging.context import Progress, StagingContext
from daemon.staging.copies import Origin, SealedCopy, create_copy, open_copy, seal_copy
from daemon.staging.renew import Renewal

Kind = Literal["source", "target"]


def sealed_copy(context: StagingContext, what: tuple[Origin, Kind], run: SanitizeRun, renewal: Renewal) -> SealedCopy:
    """A copy that takes connections from the run alone, renewed for as long as the run lives."""
    origin, kind = what
    context.check_stop()
    created = create_copy(context, origin, run, kind)
    branch, now = created.branch, context.clock()
    if kind == "source":
        context.store.advance_run(run.id, RunStep.STARTED, now, source_branch_id=branch.id)
    else:
        context.store.advance_run(run.id, RunStep.STARTED, now, target_branch_id=branch.id)
    renewal.watch_too(branch)
    context.client.wait_for(run.project_id, created.operations)
    context.tell(Progress("seal", f"{kind}: new passwords for its roles, CONNECT revoked from everyone else"))
    return seal_copy(open_copy(context, branch))
