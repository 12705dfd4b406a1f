"""A branch holds what its source held at the moment of its last create, reset or restore, or something worse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from daemon.entry import LedgerEntry
from daemon.lineage import classify
from daemon.model import Branch, DataClass, Lineage
from tests.builders import ago, branch, ledger_entry

PRODUCTION, RAW, SANITIZED, UNKNOWN = DataClass.PRODUCTION, DataClass.RAW, DataClass.SANITIZED, DataClass.UNKNOWN
MAIN = branch("main", default=True, created_at=ago(days=300))
STAGING = branch("staging", init_source="schema-only", created_at=ago(days=3, hours=1))
PROOF = ledger_entry("staging", verified_at=ago(days=3))


def lineages(*branches: Branch, ledger: tuple[LedgerEntry, ...] = (), **given: Any) -> dict[str, Lineage]:
    found = classify(branches, ledger, given.get("production", ()), given.get("purposes", ()))
    return {b.name: found[b.id] for b in branches}


def classes(*branches: Branch, **given: Any) -> dict[str, DataClass]:
    return {name: found.data_class for name, found in lineages(*branches, **given).items()}


@pytest.mark.parametrize(
    "change",
    [
        {"last_reset_at": ago(days=1)},
        {"last_reset_at": PROOF.verified_at},
        {"parent_id": MAIN.id},
        {"restored_from": "snap-1"},
        {"restore_status": "restored"},
        {"state": "resetting"},
    ],
)
def test_whatever_was_copied_over_staging_voids_its_proof(change: dict[str, Any]) -> None:
    staging = branch("staging", created_at=ago(days=4), **change)

    found = classes(MAIN, staging, ledger=(PROOF,), production=("main",))

    assert found["staging"] in {RAW, UNKNOWN}


IN_PLACE = ledger_entry("staging", masked_from=(MAIN.id, ago(days=4)), history_raw_until=ago(days=-4))


def test_a_branch_that_was_masked_in_place_is_sanitized_with_a_raw_history() -> None:
    staging = branch("staging", parent_id=MAIN.id, parent_timestamp=ago(days=4))

    found = lineages(MAIN, staging, ledger=(IN_PLACE,))["staging"]

    assert found.data_class is SANITIZED
    assert found.history_raw_until == ago(days=-4)
    assert "history raw until 2026-11-25" in found.reason


def test_copies_of_a_branch_that_was_masked_in_place_have_a_parent_with_a_raw_history() -> None:
    staging = branch("staging", parent_id=MAIN.id, parent_timestamp=ago(days=4))
    child, below = (branch(n, parent=p, created_at=ago(days=2)) for n, p in (("child", "staging"), ("below", "child")))

    found = lineages(MAIN, staging, child, below, ledger=(IN_PLACE,))

    assert [found[name].data_class for name in ("child", "below")] == [SANITIZED, SANITIZED]
    assert [found[name].parent_raw_until for name in ("staging", "child", "below")] == [None, *[ago(days=-4)] * 2]
    assert found["child"].history_raw_until is None, "the rule raw-history flags the branch itself"


@pytest.mark.parametrize(
    "change",
    [
        {"parent_timestamp": ago(days=30)},
        {"parent_timestamp": ago(days=1)},
        {"parent_id": branch("old").id},
        {"last_reset_at": ago(days=1)},
        {"restored_from": "snap-1"},
    ],
)
def test_whatever_was_copied_over_a_branch_masked_in_place_voids_its_proof(change: dict[str, Any]) -> None:
    fields = {"parent_id": MAIN.id, "parent_timestamp": ago(days=4), **change}

    found = lineages(MAIN, branch("old"), branch("staging", **fields), ledger=(IN_PLACE,), production=("main",))

    assert found["staging"].data_class in {RAW, UNKNOWN}
    assert found["staging"].history_raw_until is None


def test_a_reset_before_the_proof_does_not_void_it() -> None:
    staging = branch("staging", created_at=ago(days=9), last_reset_at=ago(days=4))

    assert classes(MAIN, staging, ledger=(PROOF,))["staging"] is SANITIZED


def test_a_proof_of_another_project_proves_nothing() -> None:
    foreign = ledger_entry("staging", project_id="other-project-1")

    assert classes(MAIN, STAGING, ledger=(foreign,), production=("main",))["staging"] is UNKNOWN


def test_staging_restored_from_production_is_raw_and_so_is_what_is_copied_from_it() -> None:
    staging = branch("staging", parent="main", created_at=ago(days=4), last_reset_at=ago(days=1))
    dev = branch("dev/alice", parent="staging", created_at=ago(hours=1))

    assert classes(MAIN, staging, dev, ledger=(PROOF,)) == {"main": PRODUCTION, "staging": RAW, "dev/alice": RAW}


def test_what_a_parent_held_before_its_reset_is_not_known_and_raw_near_production() -> None:
    reset = branch("dev/base", parent="main", created_at=ago(days=20), last_reset_at=ago(days=1))
    child = branch("dev/child", parent="dev/base", created_at=ago(days=5))

    found = lineages(MAIN, reset, child)["dev/child"]

    assert RAW is found.data_class
    assert "overwritten since" in found.reason


@pytest.mark.parametrize(("later", "expected"), [(-1, RAW), (0, SANITIZED)])
def test_a_copy_counts_as_sanitized_from_the_very_moment_of_the_proof(later: int, expected: DataClass) -> None:
    dev = branch("dev/alice", parent="staging", created_at=PROOF.verified_at + timedelta(seconds=later))

    assert classes(MAIN, STAGING, dev, ledger=(PROOF,))["dev/alice"] is expected


def test_a_copy_taken_in_the_second_of_its_parents_reset_may_be_from_before_it() -> None:
    base = branch("dev/base", parent="staging", created_at=ago(days=2), last_reset_at=ago(days=1))
    child = branch("dev/child", parent="dev/base", created_at=ago(days=1))

    assert classes(MAIN, STAGING, base, child, ledger=(PROOF,))["dev/child"] is UNKNOWN


def test_what_a_parent_held_before_its_reset_is_unknown_far_from_production() -> None:
    base = branch("dev/base", parent="staging", created_at=ago(days=2), last_reset_at=ago(hours=1))
    child = branch("dev/child", parent="dev/base", created_at=ago(days=1))

    assert classes(MAIN, STAGING, base, child, ledger=(PROOF,))["dev/child"] is UNKNOWN


def test_a_parent_restored_to_an_earlier_point_does_not_clean_its_older_children() -> None:
    base = branch("dev/base", parent="staging", created_at=ago(days=9), parent_timestamp=ago(days=1))
    child = branch("dev/child", parent="dev/base", created_at=ago(days=5))

    assert classes(MAIN, STAGING, base, child, ledger=(PROOF,))["dev/child"] is UNKNOWN


def test_a_schema_only_branch_with_a_parent_was_restored_and_holds_rows() -> None:
    shell = branch("dev/shell", parent="main", init_source="schema-only")

    assert classes(MAIN, shell)["dev/shell"] is RAW


@pytest.mark.parametrize(("reset", "expected"), [(None, UNKNOWN), (ago(days=1), RAW)])
def test_a_child_of_the_schema_alone_is_unknown_until_it_is_reset(reset: Any, expected: DataClass) -> None:
    shell = branch("dev/shell", parent="main", init_source="parent-schema", last_reset_at=reset)

    assert expected is classes(MAIN, shell)["dev/shell"]


def test_a_schema_only_root_is_unknown_where_production_is_listed() -> None:
    assert classes(MAIN, STAGING, production=("main",))["staging"] is UNKNOWN


def test_a_branch_whose_parent_is_not_there_is_unknown() -> None:
    orphan = branch("dev/orphan", parent="gone")

    found = lineages(MAIN, orphan)["dev/orphan"]

    assert (found.data_class, found.reason) == (UNKNOWN, "its parent br-gone is not there any more")


def test_a_snapshot_restore_below_production_is_raw() -> None:
    dev = branch("dev/alice", parent="main", restored_from="snap-7")

    assert classes(MAIN, dev)["dev/alice"] is RAW


def test_the_copy_that_production_was_restored_from_is_raw() -> None:
    kept = branch("main_old", created_at=ago(days=1))
    live = branch("main", default=True, parent="main_old", created_at=ago(days=300), last_reset_at=ago(days=1))
    dev = branch("dev/alice", parent="main_old", parent_timestamp=ago(days=9), created_at=ago(days=9))

    found = classes(kept, live, dev, production=("main",))

    assert found == {"main_old": RAW, "main": PRODUCTION, "dev/alice": RAW}


def test_a_clean_branch_with_a_protected_child_stays_clean() -> None:
    dev = branch("dev/alice", parent="staging", created_at=ago(days=2))
    qa = branch("qa", parent="dev/alice", created_at=ago(days=1), protected=True)

    assert classes(MAIN, STAGING, dev, qa, ledger=(PROOF,))["dev/alice"] is SANITIZED


def test_a_branch_with_an_encrypted_column_is_encrypted_and_so_are_its_children() -> None:
    proof = ledger_entry("staging", encrypted=2, verified_at=ago(days=3))
    staging = branch("staging", init_source="schema-only", created_at=ago(days=3, hours=1))
    child = branch("dev/child", parent="staging", created_at=ago(days=1))

    found = lineages(MAIN, staging, child, ledger=(proof,))

    assert [found[name].data_class for name in ("staging", "dev/child")] == [DataClass.ENCRYPTED] * 2
    assert "2 columns come back for those who hold the field key" in found["staging"].reason
    assert found["dev/child"].reason.startswith("copied from staging, which is encrypted")
