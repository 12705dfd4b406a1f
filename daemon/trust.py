"""Whether a ledger entry may be believed: its attestation is signed by a key of ours and says the same as the entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from daemon.entry import LedgerEntry
from daemon.keys import trusted_keys
from sanitizers.attest.attestation import read_attestation
from sanitizers.attest.keys import PublicKey
from sanitizers.attest.predicate import NeonPlace, Predicate
from sanitizers.errors import AttestationError

MISSING = "was never written: make the branch anew with `branchwarden sanitize`"


def believe(entry: LedgerEntry, keys: Path) -> LedgerEntry:
    """The entry with the reason why its attestation proves nothing, if there is one. Raises SettingsError."""
    return replace(entry, void=why_void(entry, trusted_keys(keys)))


def why_void(entry: LedgerEntry, keys: Sequence[PublicKey]) -> str:
    """Why the attestation proves nothing, as the end of `its attestation …`; empty where it holds. Pure.

    The ledger is a file that can be edited; what is signed cannot.
    What holds proves nothing once `verify` found residue.
    """
    if not entry.attestation:
        return MISSING
    if not keys:
        return "cannot be verified: there is no signing key that is not retired"
    try:
        said = read_attestation(entry.attestation.encode(), keys).statement.predicate
    except AttestationError as error:
        return f"is not to be trusted: {error}"
    return entry.disproved if _says(said) == _told(entry) else "is not of this run: the ledger was changed"


def _says(said: Predicate) -> tuple[object, ...]:
    place = said.place
    branch = (place.project_id, place.branch_id) if isinstance(place, NeonPlace) else None
    return (said.run_id, branch, said.finished_at, said.history_raw_until, said.policy.digest, _encrypted(said))


def _told(entry: LedgerEntry) -> tuple[object, ...]:
    branch = (entry.project_id, entry.branch_id)
    return (
        entry.run_id,
        branch,
        entry.verified_at,
        entry.history_raw_until,
        entry.policy_digest,
        entry.encrypted,
    )


def _encrypted(said: Predicate) -> int:
    """How many columns come back for those who hold the field key: the data class depends on it."""
    columns = (c for database in said.databases for table in database.tables for c in table.columns)
    return sum(column.result == "encrypted" for column in columns)
