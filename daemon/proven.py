"""What every sanitize run says, with Neon and without: where its engines are, and what was proven in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from pydantic import TypeAdapter

from daemon.progress import Progress
from daemon.records import COLUMNS_ENCRYPTED, JsonMapping
from sanitizers.attest.predicate import worst
from sanitizers.plan import MaskingPlan
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import Found
from sanitizers.tokens import encrypted_columns
from sanitizers.track import Progress as Stand

_ROAD = TypeAdapter(Found)
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


def roads_of(proof: JsonMapping) -> tuple[Found, ...]:
    """The roads of a proof as the ledger has it: those to the branch first."""
    databases = proof.get("databases")
    found = [proof.get("roads"), *(one.get("roads") for one in _mappings(databases))]
    return tuple(_ROAD.validate_python(road) for roads in found if isinstance(roads, list | tuple) for road in roads)


def _mappings(value: object) -> list[JsonMapping]:
    return [one for one in value.values() if isinstance(one, Mapping)] if isinstance(value, Mapping) else []


def summary(plan: MaskingPlan, proofs: Sequence[DatabaseProof], roads: Sequence[Found] = ()) -> JsonMapping:
    """Clean proofs of all databases of a plan, as the ledger has them; `roads` are those to a branch as a whole."""
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
        "verdict": worst(road.status for road in (*roads, *(one for proof in proofs for one in proof.roads))),
        "roads": [asdict(road) for road in roads],
        "databases": {proof.database: {**asdict(proof), "rows": proof.rows} for proof in proofs},
    }
