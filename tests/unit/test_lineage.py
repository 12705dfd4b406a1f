"""What a branch holds follows from the tree, the ledger and the moment of each copy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from daemon.lineage import classify, unmatched_production
from daemon.model import Branch, DataClass, LedgerEntry, Lineage, Purpose
from daemon.purposes import PurposePattern
from tests.builders import ago, ahead, branch, branch_id, ledger_entry

PRODUCTION, RAW, SANITIZED, UNKNOWN = DataClass.PRODUCTION, DataClass.RAW, DataClass.SANITIZED, DataClass.UNKNOWN
MAIN = branch("main", default=True, created_at=ago(days=300))
STAGING = branch("staging", init_source="schema-only", created_at=ago(days=3, hours=1))
PROOF = ledger_entry("staging", verified_at=ago(days=3))


def lineages(*branches: Branch, ledger: tuple[LedgerEntry, ...] = (), **given: Any) -> dict[str, Lineage]:
    found = classify(branches, ledger, given.get("production", ()), given.get("purposes", ()))
    return {b.name: found[b.id] for b in branches}


def classes(*branches: Branch, **given: Any) -> dict[str, DataClass]:
    return {name: found.data_class for name, found in lineages(*branches, **given).items()}


def test_a_child_of_production_is_raw_and_the_reason_names_the_day() -> None:
    dev = branch("dev/alice", parent="main", created_at=ago(days=40))

    found = lineages(MAIN, dev)["dev/alice"]

    assert (found.data_class, found.reason) == (RAW, "copied from production branch main on 2026-10-12")
    assert dev.created_at == found.since


def test_a_grandchild_of_production_is_raw_by_its_parent() -> None:
    alice = branch("dev/alice", parent="main", created_at=ago(days=40))
    bob = branch("dev/bob", parent="dev/alice", created_at=ago(days=2))

    found = lineages(bob, alice, MAIN)["dev/bob"]

    assert RAW is found.data_class
    assert found.reason == "copied from dev/alice, which holds production rows, on 2026-11-19"


def test_without_a_list_default_protected_and_unproven_roots_are_production() -> None:
    protected = branch("release", parent="main", protected=True)
    root = branch("old-import")

    found = lineages(MAIN, protected, root)

    assert {n: v.production for n, v in found.items()} == {"main": True, "release": True, "old-import": True}
    assert [v.data_class for v in found.values()] == [PRODUCTION] * 3


def test_the_name_main_alone_makes_no_production() -> None:
    live = branch("live", default=True)
    child = branch("main", parent="live")

    assert classes(live, child) == {"live": PRODUCTION, "main": RAW}


@pytest.mark.parametrize("named", ["main", branch_id("main")])
def test_with_a_list_only_listed_branches_are_production(named: str) -> None:
    other = branch("other", protected=True)

    found = lineages(MAIN, other, production=(named,))

    assert {n: v.data_class for n, v in found.items()} == {"main": PRODUCTION, "other": UNKNOWN}
    assert not found["other"].production


def test_a_listed_production_branch_stays_production_whatever_the_ledger_says() -> None:
    assert classes(STAGING, ledger=(PROOF,), production=("staging",)) == {"staging": PRODUCTION}


def test_a_listed_name_that_does_not_exist_is_told() -> None:
    sentences = unmatched_production([MAIN], ["main", "prodution"])

    assert len(sentences) == 1
    assert "prodution" in sentences[0]


@pytest.mark.parametrize("flag", [{"default": True}, {"protected": True}, {}])
def test_the_ledger_wins_over_default_and_protected(flag: dict[str, bool]) -> None:
    staging = branch("staging", created_at=ago(days=4), **flag)

    found = lineages(MAIN, staging, ledger=(PROOF,))["staging"]

    assert (found.data_class, found.production, found.purpose) == (SANITIZED, False, Purpose.STAGING)


def test_a_branch_called_staging_without_a_ledger_entry_is_not_sanitized() -> None:
    staging = branch("staging", annotation={"branchwarden.run": "r-9"})

    assert classes(MAIN, staging) == {"main": PRODUCTION, "staging": UNKNOWN}


def test_children_of_proven_staging_are_sanitized_from_the_moment_of_proof() -> None:
    early = branch("dev/early", parent="staging", created_at=ago(days=3, minutes=5))
    late = branch("dev/late", parent="staging", created_at=ago(days=2))

    found = lineages(MAIN, STAGING, early, late, ledger=(PROOF,))

    assert (found["dev/early"].data_class, found["dev/late"].data_class) == (RAW, SANITIZED)
    assert "before that was verified" in found["dev/early"].reason


def test_the_parent_timestamp_counts_and_not_the_creation() -> None:
    back_in_time = branch("dev/pitr", parent="staging", created_at=ago(days=1), parent_timestamp=ago(days=3, minutes=1))

    assert classes(MAIN, STAGING, back_in_time, ledger=(PROOF,))["dev/pitr"] is RAW


def test_a_reset_takes_the_class_that_the_parent_has_then() -> None:
    dev = branch("dev/alice", parent="staging", created_at=ago(days=9), last_reset_at=ago(days=1))

    assert classes(MAIN, STAGING, dev, ledger=(PROOF,))["dev/alice"] is SANITIZED


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


def test_parents_in_a_circle_end_as_unknown() -> None:
    one, two = branch("one", parent="two"), branch("two", parent="one")
    below = branch("below", parent="one")

    assert {UNKNOWN} == set(classes(one, two, below, production=("main",)).values())


def test_a_production_branch_in_a_circle_still_taints_its_copies() -> None:
    main, dev = branch("main", parent="dev"), branch("dev", parent="main")

    assert classes(main, dev, production=("main",)) == {"main": PRODUCTION, "dev": RAW}


def test_three_thousand_generations_are_no_trouble() -> None:
    chain = [MAIN, *(branch(f"g{n}", parent="main" if n == 0 else f"g{n - 1}") for n in range(3000))]

    assert classes(*chain)["g2999"] is RAW


def test_branches_of_a_run_in_flight_are_scratch_its_source_raw_and_its_target_unknown() -> None:
    mark = {"annotation": {"branchwarden.run": "r-2"}, "expires_at": ahead(hours=2)}
    source = branch("bw-source", parent="main", **mark)
    target = branch("bw-target", init_source="schema-only", **mark)

    found = lineages(MAIN, source, target)

    assert (found["bw-source"].data_class, found["bw-target"].data_class) == (RAW, UNKNOWN)
    assert {Purpose.SCRATCH} == {found["bw-source"].purpose, found["bw-target"].purpose}
    assert not found["bw-target"].production


def test_the_first_fitting_pattern_gives_purpose_and_allowance() -> None:
    patterns = (
        PurposePattern(pattern="preview/*", purpose=Purpose.PREVIEW),
        PurposePattern(pattern="*", purpose=Purpose.DEV, holds=(SANITIZED,)),
    )
    preview, other = branch("preview/pr-1", parent="main"), branch("x", parent="main")

    found = lineages(MAIN, preview, other, purposes=patterns)

    assert (found["preview/pr-1"].purpose, found["x"].purpose) == (Purpose.PREVIEW, Purpose.DEV)
    assert RAW not in found["preview/pr-1"].holds
    assert found["x"].holds == (SANITIZED,)
    assert Purpose.PRODUCTION is found["main"].purpose


def test_an_approval_to_hold_raw_rows_travels_with_the_lineage() -> None:
    pattern = PurposePattern(pattern="incident/*", purpose=Purpose.RAW_APPROVED, until=ahead(days=2), by="Ada")
    incident = branch("incident/42", parent="main")

    found = lineages(MAIN, incident, purposes=(pattern,))["incident/42"]

    assert (ahead(days=2), "Ada") == (found.approved_until, found.approved_by)
    assert RAW in found.holds


@pytest.mark.parametrize(
    "given",
    [
        {"purpose": "raw-approved"},
        {"purpose": "raw-approved", "until": "2026-12-01T00:00:00Z"},
        {"purpose": "raw-approved", "until": "2026-12-01T00:00:00Z", "by": "  "},
        {"purpose": "raw-approved", "by": "Ada"},
        {"purpose": "raw-approved", "by": "Ada", "until": "2026-12-01T00:00:00"},
        {"purpose": "production"},
        {"purpose": "dev", "max_age": "soon"},
        {"purpose": "dev", "colour": "blue"},
    ],
)
def test_a_pattern_that_is_wrong_or_unsigned_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        PurposePattern.model_validate({"pattern": "*", **given})


def test_a_maximum_age_is_written_as_people_say_it() -> None:
    pattern = PurposePattern.model_validate({"pattern": "*", "purpose": "dev", "max_age": "14d"})

    assert pattern.max_age is not None
    assert pattern.max_age.days == 14
