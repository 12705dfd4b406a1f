"""What a run has proven, as the ledger and the attestation have it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg

from daemon.attesting import UNATTESTED, Account, Attestation, Part, attest
from daemon.branchroads import BranchFacts, look_at_branch, refusals
from daemon.errors import BranchwardenError
from daemon.model import Branch
from daemon.proven import summary
from daemon.records import JsonMapping, SanitizeRun
from daemon.staging.context import Progress, StagingContext, StagingRequest
from daemon.staging.copies import SealedCopy
from daemon.store import HISTORY_RAW_UNTIL, PARENT, TAKEN_AT
from sanitizers.attest.predicate import NeonPlace, Source
from sanitizers.errors import ResidueError, SanitizerError
from sanitizers.plan import MaskingPlan
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import RUN_ROADS, Found, Status
from sanitizers.schema import read_schema

ROADS = tuple(road for road in RUN_ROADS if road.name != "passwords")
"""The passwords of a branch are compared by way of the API, for all of its databases at once."""
PASSWORDS = "passwords"
LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
NOT_TOLD = "the API does not say at which position of the log the copy was taken"


@dataclass(frozen=True)
class Passwords:
    """What became of the passwords that the target has from production."""

    problems: tuple[str, ...]
    """A sentence for every role whose password is still production's."""
    unseen: tuple[str, ...] = ()
    """API roles whose password nobody can compare: the run gave them a new one, and Neon does not reveal it."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What whoever takes the result must know, a sentence each."""
        return tuple(
            f"not looked at: whether the password of role {role} is production's; the run gave it a new one, but Neon"
            " does not reveal both"
            for role in self.unseen
        )

    @property
    def road(self) -> Found:
        """The same as a road to the branch."""
        numbers = {"same": len(self.problems), "not-compared": len(self.unseen)}
        if self.problems:
            sentence = f"{len(self.problems)} roles have production's password."
            return Found(PASSWORDS, None, Status.FAIL, numbers, sentence, self.problems)
        if self.unseen:
            unseen = tuple(f"whether the password of role {role} is production's" for role in self.unseen)
            return Found(PASSWORDS, None, Status.UNKNOWN, numbers, f"Not looked at: {'; '.join(unseen)}.", (), unseen)
        return Found(PASSWORDS, None, Status.PASS, numbers, "No role has the password that it has on production.")


@dataclass(frozen=True)
class RunProof:
    """A target that was masked, and in which nothing was found."""

    plan: MaskingPlan
    proofs: tuple[DatabaseProof, ...]
    passwords: Passwords
    taken_from: Branch
    """The branch whose rows were masked: the source, or the target itself before it was masked in place."""
    roads: tuple[Found, ...] = ()
    raw_until: datetime | None = None

    def ledger(self, request: StagingRequest) -> JsonMapping:
        """As the ledger has it."""
        in_place: JsonMapping = {}
        if self.raw_until is not None:
            taken = self.taken_from.parent_timestamp
            in_place = {
                TAKEN_AT: taken.isoformat() if taken else None,
                HISTORY_RAW_UNTIL: self.raw_until.isoformat(),
            }
        return {
            "policy reviewed": request.policy.reviewed,
            "mode": request.how.mode,
            "passwords not compared": list(self.passwords.unseen),
            **summary(self.plan, self.proofs, self.roads),
            PARENT: self.taken_from.parent_id,
            **in_place,
        }


def with_branch(context: StagingContext, request: StagingRequest, target: SealedCopy, proof: RunProof) -> RunProof:
    """The same with the roads to the branch as a whole. Raises ResidueError where it cannot be published by them.

    Neon keeps every page of a branch for the restore window; whoever may make branches can go back to before it was
    masked in place.
    """
    project = context.client.get_project(request.project.id)
    listed = {branch.id: branch for branch in context.client.list_branches(project.id)}
    branch, taken_from = (listed.get(b.id, b) for b in (target.copy.branch, proof.taken_from))
    in_place = request.how.mode == "in-place"
    raw_until = context.clock() + timedelta(seconds=project.history_retention_seconds) if in_place else None
    names = [database.name for database in target.copy.databases]
    called = replace(branch, name=request.staging.name)  # as it will be published
    roads = look_at_branch(context.client, BranchFacts(called, names, raw_until), context.clock())
    if problems := tuple(refusals(roads)):
        raise ResidueError(problems)
    return replace(proof, taken_from=taken_from, roads=(proof.passwords.road, *roads), raw_until=raw_until)


def attest_run(
    request: StagingRequest, run: SanitizeRun, target: SealedCopy, proven: tuple[RunProof, datetime]
) -> Attestation:
    """Sign and write what the run has proven. Raises SettingsError or AttestationError."""
    proof, now = proven
    if request.signing is None:
        raise ValueError("a run without a key to sign with attests nothing")
    account = Account(
        run_id=run.id,
        started_at=run.started_at,
        finished_at=now,
        place=NeonPlace(project_id=run.project_id, branch_id=target.copy.branch.id, branch=run.target_name),
        mode=request.how.mode,
        source=_source(proof.taken_from),
        policy=request.policy,
        plan=proof.plan,
        key=request.key,
        parts=_parts(target, proof),
        roads=proof.roads,
        history_raw_until=proof.raw_until,
    )
    return attest(account, request.signing)


def attest_failure(
    context: StagingContext, request: StagingRequest, run: SanitizeRun, found: tuple[SealedCopy, RunProof]
) -> None:
    """The same of a run that found something; where that cannot be written, it is told and hides nothing."""
    target, proof = found
    proof = replace(proof, roads=(proof.passwords.road,))
    try:
        attestation = attest_run(request, run, target, (proof, context.clock()))
    except (BranchwardenError, SanitizerError, psycopg.Error):
        context.tell(Progress("verify", UNATTESTED))
    else:
        context.tell(Progress("verify", f"attestation of what was found: {attestation.path}"))


def _parts(target: SealedCopy, proof: RunProof) -> Sequence[Part]:
    parts = []
    for database, plan, proven in zip(target.copy.databases, proof.plan.databases, proof.proofs, strict=True):
        with target.copy.connector(database)(None) as conn:
            parts.append(Part(plan, read_schema(conn), proven))
    return parts


def _source(branch: Branch) -> Source:
    lsn = (branch.parent_lsn or "").upper()
    known = lsn if LSN.fullmatch(lsn) else None
    at = branch.parent_timestamp
    return Source(lsn=known, at=at, unknown="" if known and at else NOT_TOLD)
