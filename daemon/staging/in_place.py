"""The middle of a run that masks in place: the sealed target is rewritten where it is, then proven clean.

There is no second copy to compare with. The originals are looked at in the target itself before its first row is
masked, and searched for afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from daemon.amounts import counted
from daemon.model import Database
from daemon.records import RunStep, SanitizeRun
from daemon.staging.account import ROADS, RunProof
from daemon.staging.context import Progress, StagingContext, StagingRequest
from daemon.staging.copies import SealedCopy
from daemon.staging.mask import advance, inherited, pass_proofs, teller, tried_plan
from sanitizers.engines.blockers import Reach, blockers_in_reach
from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.errors import BlockedError
from sanitizers.plan import DatabasePlan
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.witness import Witness, WitnessRun, witness_database

Part = tuple[Database, DatabasePlan]


def mask_in_place(context: StagingContext, request: StagingRequest, run: SanitizeRun, target: SealedCopy) -> RunProof:
    """Rewrite every database of the target, and prove that none holds an original.

    Raises:
        BlockedError: something stands in the way in one of them; no row of any was touched.
        ResidueError: something of the original was found.
    """
    plan = tried_plan(target, request)
    parts = tuple(zip(target.copy.databases, plan.databases, strict=True))
    _refuse_blockers(request, target, parts)
    proofs, rows = list[DatabaseProof](), 0
    for part in parts:
        context.check_stop()
        with witness_database(_sight(context, request, target, part), teller(context, "verify", part[0])) as witness:
            rows += _rewrite(context, request, target, (*part, witness, proofs))
    advance(context, run, RunStep.MASKED, f"{rows:,} rows rewritten, {plan.masked_count} columns masked")
    passwords = inherited(context, target, target)
    found = RunProof(plan, tuple(proofs), passwords, target.copy.branch)
    return pass_proofs(context, request, run, (target, found))


def _sight(context: StagingContext, request: StagingRequest, target: SealedCopy, part: Part) -> WitnessRun:
    return WitnessRun(
        connect=target.copy.connector(part[0]),
        plan=part[1],
        key=request.key.secret,
        stop=context.stop,
        on_connection=context.connections.add,
        roads=ROADS,
    )


def _rewrite(
    context: StagingContext,
    request: StagingRequest,
    target: SealedCopy,
    part: tuple[Database, DatabasePlan, Witness, list[DatabaseProof]],
) -> int:
    """Rows of a database, masked; its proof, whatever it says, goes into the list while there still is a journal."""
    database, plan, witness, proofs = part

    def prove() -> None:
        context.check_stop()
        proofs.append(witness.judge())

    rewrite = RewriteRun(
        look=witness.look,
        prove=prove,
        connect=target.copy.connector(database),
        plan=plan,
        key=request.key.secret,
        stop=context.stop,
        on_connection=context.connections.add,
        allow_event_triggers=request.how.allow_event_triggers,
        roles=target.copy.roles,
        streams=request.how.streams,
        keyring=request.keyring,
    )
    report = rewrite_database(rewrite, teller(context, "mask", database))
    context.tell(
        Progress("mask", f"{database.name}: {report.rows:,} rows of {counted(len(report.tables), 'table')} rewritten")
    )
    return report.rows


def _refuse_blockers(request: StagingRequest, target: SealedCopy, parts: Sequence[Part]) -> None:
    reach = Reach("in-place", request.how.allow_event_triggers, frozenset(target.copy.roles))
    problems: list[str] = []
    for database, plan in parts:
        with target.copy.connector(database)(None) as conn:
            problems += [f"{database.name}: {problem}" for problem in blockers_in_reach(conn, plan, reach)]
    if problems:
        raise BlockedError(problems)
