"""Whether an attestation is what a trusted key has signed, and whether it still says something of a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from daemon.errors import UsageError
from sanitizers.attest.attestation import read_attestation
from sanitizers.attest.compare import Difference, Effect, Facts, compare
from sanitizers.attest.keys import PublicKey, read_public_key
from sanitizers.attest.statement import Statement
from sanitizers.errors import AttestationError
from sanitizers.proof.roads import Status


@dataclass(frozen=True)
class AttestationChecked:
    """An attestation and what became of it."""

    where: str
    """The file, or the ledger."""
    statement: Statement | None = None
    """None: no trusted key has signed it."""
    signers: tuple[str, ...] = ()
    refusal: str = ""
    differences: tuple[Difference, ...] = ()
    compared: bool = False
    """Whether a database was looked at."""

    @property
    def status(self) -> Status:
        """PASS: signed by a trusted key, and nothing voids it."""
        effects = {difference.effect for difference in self.differences}
        if self.statement is None or Effect.VOIDS in effects:
            return Status.FAIL
        return Status.UNKNOWN if Effect.UNKNOWN in effects else Status.PASS

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it is worth nothing, a sentence each."""
        voids = (d.sentence for d in self.differences if d.effect is Effect.VOIDS)
        return (*([self.refusal] if self.refusal else []), *(f"the attestation is void: {why}" for why in voids))

    @property
    def sentence(self) -> str:
        """What it comes to, for people."""
        if self.statement is None:
            return f"not to be trusted: {self.refusal}"
        said = self.statement.predicate
        signed = f"signed by {', '.join(self.signers)}, run {said.run_id} of {said.finished_at:%Y-%m-%d %H:%M} UTC"
        counts = Counter(road.status for road in said.roads)
        counted = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
        return f"{signed}, which said {said.verdict} ({counted or 'no road'})"

    @property
    def key_id(self) -> str:
        """Of the masking key; empty where it is not to be trusted."""
        return self.statement.predicate.key.id if self.statement else ""

    def against(self, facts: Facts) -> AttestationChecked:
        """The same, compared with a database as it is."""
        if self.statement is None:
            return self
        return replace(self, differences=compare(self.statement, facts), compared=True)

    def document(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {
            "where": self.where,
            "status": self.status,
            "signers": self.signers,
            "problems": self.problems,
            "differences": [asdict(difference) for difference in self.differences],
            "statement": self.statement.model_dump(mode="json", by_alias=True) if self.statement else None,
        }


def check_attestation(
    data: bytes, keys: Sequence[PublicKey], where: str, retired: Sequence[PublicKey] = ()
) -> AttestationChecked:
    """Verify it with the trusted keys; `retired` ones only tell why it is not trusted any more.

    Raises UsageError where there is none to verify with.
    """
    before = _retired(data, retired)
    if not keys and not before:
        raise UsageError(
            "no public key to verify with: give --public-key FILE, what `branchwarden keys public` printed there"
        )
    try:
        found = read_attestation(data, keys)
    except AttestationError as error:
        return AttestationChecked(where, refusal=before or str(error))
    return AttestationChecked(where, found.statement, found.signers)


def _retired(data: bytes, keys: Sequence[PublicKey]) -> str:
    """Why an attestation that a retired key has signed is not trusted; empty for any other."""
    try:
        signers = read_attestation(data, keys).signers
    except AttestationError:
        return ""
    return f"it is signed by {', '.join(signers)}, which was retired here: sanitize anew for one of a key in use"


def read_file(path: Path) -> bytes:
    """An attestation's or a key's file. Raises UsageError."""
    try:
        if path.exists() and not path.is_file():  # a pipe would keep us waiting
            raise UsageError(f"{path} is no regular file: name the file of one attestation or key")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path} ({error.strerror}): see whether the name is right") from None


def read_key(path: Path) -> PublicKey:
    """A public key's file. Raises UsageError, or AttestationError where it is none."""
    return read_public_key(read_file(path))
