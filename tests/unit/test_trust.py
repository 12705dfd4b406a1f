"""Which entries of the ledger are believed: those whose attestation a key of ours has signed, and that say the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daemon.entry import LedgerEntry
from daemon.trust import MISSING, why_void
from sanitizers.attest.attestation import write_attestation
from tests.attest_case import END, OTHER, SIGNER, column, database, kept, statement, table

ENTRY = LedgerEntry(
    run_id="run-1",
    project_id="quiet-sun-1",
    branch_id="br-staging-1",
    branch_name="staging",
    verified_at=END,
    policy_digest="a" * 64,
    attestation=write_attestation(statement(), [SIGNER]).decode(),
)


def test_an_entry_that_says_what_is_signed_is_believed() -> None:
    assert why_void(ENTRY, [SIGNER.public]) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": "run-2"},
        {"branch_id": "br-dev"},
        {"project_id": "loud-moon-2"},
        {"verified_at": END + timedelta(microseconds=1)},
        {"history_raw_until": END},
        {"policy_digest": "b" * 64},
        {"encrypted": 1},
    ],
)
def test_an_entry_that_says_something_else_is_not(changes: dict[str, Any]) -> None:
    assert "the ledger was changed" in why_void(replace(ENTRY, **changes), [SIGNER.public])


def test_an_entry_of_encrypted_columns_is_believed_for_as_many_as_are_signed() -> None:
    sealed = database(tables=(table(columns=(kept(), column(strategy="encrypt", result="encrypted"))),))
    entry = replace(ENTRY, attestation=write_attestation(statement(databases=(sealed,)), [SIGNER]).decode())

    assert why_void(replace(entry, encrypted=1), [SIGNER.public]) == ""
    assert "the ledger was changed" in why_void(entry, [SIGNER.public])


def test_an_entry_without_an_attestation_or_with_one_of_a_stranger_is_not() -> None:
    assert why_void(replace(ENTRY, attestation=""), [SIGNER.public]) == MISSING
    assert "is not to be trusted" in why_void(ENTRY, [OTHER.public])
    assert "no signing key" in why_void(ENTRY, [])


def test_an_entry_that_a_later_proof_contradicts_is_not_believed_and_says_why() -> None:
    assert (
        why_void(replace(ENTRY, disproved="proves nothing since then"), [SIGNER.public]) == "proves nothing since then"
    )
    assert "is not to be trusted" in why_void(replace(ENTRY, disproved="proves nothing"), [OTHER.public])
