"""What every sanitize run says, with Neon and without: where its engines are, and what was proven in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from daemon.progress import Progress
from daemon.records import COLUMNS_ENCRYPTED, JsonMapping
from sanitizers.attest.predicate import worst
from sanitizers.plan import MaskingPlan
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.tokens import encrypted_columns
from sanitizers.track import Progress as Stand

Tell = Callable[[Progress], None]


def engine_teller(tell: Tell, step: str, database: str = "") -> Callable[[Stand], None]:
    """Tells where an engine is; `database` where a run has several."""
    prefix = f"{database}: " if database else ""

    def pass_on(stand: Stand) -> None:
        sentence = f"{prefix}{stand.step} {stand.about}".rstrip()
        tell(Progress(step, sentence, fine=True, done=stand.done, total=stand.total))

    return pass_on


def tell_searched(tell: Tell, proofs: Sequence[DatabaseProof]) -> int:
    """Tell that nothing was found; gives how many originals were searched for."""
    searched = sum(proof.searched for proof in proofs)
    tell(Progress("verify", f"{searched:,} original values searched for in every column, none found"))
    return searched


def summary(plan: MaskingPlan, proofs: Sequence[DatabaseProof]) -> JsonMapping:
    """Clean proofs of all databases of a plan, as the ledger has them."""
    return {
        "tables": sum(proof.tables for proof in proofs),
        "columns": plan.column_count,
        "columns masked": plan.masked_count,
        COLUMNS_ENCRYPTED: encrypted_columns(plan.databases),
        "rows": sum(proof.rows for proof in proofs),
        "original values searched": sum(proof.searched for proof in proofs),
        "values kept on purpose": sum(column.kept for proof in proofs for column in proof.kept),
        "found": 0,
        "plan_digest": plan.digest,
        "verdict": worst(road.status for proof in proofs for road in proof.roads),
        "databases": {proof.database: {**asdict(proof), "rows": proof.rows} for proof in proofs},
    }
