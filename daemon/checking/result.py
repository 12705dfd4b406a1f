"""What a check comes to: every road, the attestation, and one verdict over both."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from daemon.checking.attestation import AttestationChecked
from sanitizers.attest.predicate import worst
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import Found, Status

EXIT_CODES = {Status.PASS: 0, Status.SAMPLED: 0, Status.FAIL: 1, Status.UNKNOWN: 3}


@dataclass(frozen=True)
class Checked:
    """A database or a branch as it was found."""

    place: str
    at: datetime
    proofs: tuple[DatabaseProof, ...] = ()
    branch_roads: tuple[Found, ...] = ()
    """To the branch as a whole."""
    attestation: AttestationChecked | None = None
    full: bool = False
    remarks: tuple[str, ...] = ()
    """What whoever reads it should know beside, a sentence each."""
    source: str = ""
    """What it was compared with, where that was given."""

    @property
    def roads(self) -> tuple[Found, ...]:
        """All of them, those to the whole branch first."""
        return (*self.branch_roads, *(road for proof in self.proofs for road in proof.roads))

    @property
    def verdict(self) -> Status:
        """The worst of everything, the attestation included."""
        attested = self.attestation
        if attested is None:
            return worst(road.status for road in self.roads)
        if not self.roads:  # offline: what the run has said of itself
            said = attested.statement.predicate.verdict if attested.statement else Status.FAIL
            return worst([attested.status, said])
        return worst([attested.status, *(road.status for road in self.roads)])

    @property
    def exit_code(self) -> int:
        """0 clean, be it in a sample of large tables, 1 something was found, 3 something could not be looked at."""
        return EXIT_CODES[self.verdict]

    @property
    def problems(self) -> tuple[str, ...]:
        """Whatever speaks against it, a sentence each."""
        attested = self.attestation.problems if self.attestation else ()
        return (*attested, *(problem for road in self.roads for problem in road.problems))

    def document(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {
            "place": self.place,
            "at": self.at,
            "verdict": self.verdict,
            "full": self.full,
            "remarks": self.remarks,
            "roads": [asdict(road) for road in self.roads],
            "databases": {proof.database: _document(proof) for proof in self.proofs},
            "attestation": self.attestation.document() if self.attestation else None,
        }


def _document(proof: DatabaseProof) -> dict[str, Any]:
    return {name: value for name, value in asdict(proof).items() if name not in {"database", "roads"}}
