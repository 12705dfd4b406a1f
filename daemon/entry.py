"""What the ledger says of a branch that a sanitize run has published."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class LedgerEntry:
    """The newest published run of a branch: the only thing that makes a branch `sanitized` or `encrypted`."""

    run_id: str
    project_id: str
    branch_id: str
    branch_name: str
    verified_at: datetime
    policy_digest: str
    superseded: bool = False
    masked_from: tuple[str | None, datetime | None] | None = None
    """Of a branch that was masked in place: the parent and the moment that it is a copy of."""
    copied_from: str = ""
    """Id of the production branch that was copied; empty in ledgers of earlier builds."""
    history_raw_until: datetime | None = None
    encrypted: int = 0
    """Columns that come back for those who hold the field key."""
    attestation: str = field(default="", repr=False)
    attestation_path: str = ""
    disproved: str = ""
    """When and where `verify` found residue in the branch: the end of `its attestation …`."""
    void: str = ""
    """Why the attestation, an envelope as JSON, proves nothing: the end of `its attestation …`."""
