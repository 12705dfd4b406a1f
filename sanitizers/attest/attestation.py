"""An attestation as a file: written once by the run, read by anybody who holds a public key of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sanitizers.attest.envelope import open_envelope, sign_payload
from sanitizers.attest.keys import PublicKey, SigningKey
from sanitizers.attest.statement import Statement, parse_statement


@dataclass(frozen=True)
class Verified:
    """A statement that trusted keys have signed. What it says of the proof is `statement.predicate.verdict`."""

    statement: Statement
    signers: tuple[str, ...]
    """Ids of the trusted keys that signed it, in order; at least one."""


def write_attestation(statement: Statement, keys: Sequence[SigningKey]) -> bytes:
    """The attestation: the same bytes for the same statement and keys. Raises AttestationError."""
    return sign_payload(statement.payload, keys)


def read_attestation(data: bytes, keys: Sequence[PublicKey]) -> Verified:
    """Verify an attestation with the keys that are trusted; one of them is enough.

    The signature is checked before the statement is read, so that no byte of a stranger is interpreted.

    Raises:
        AttestationError: it cannot be read, none of the keys has signed it, or it contradicts itself.
    """
    opened = open_envelope(data, keys)
    return Verified(parse_statement(opened.payload), opened.signers)
