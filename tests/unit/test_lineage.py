"""What a branch holds follows from the tree, the ledger and the moment of each copy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daemon.entry import LedgerEntry
from daemon.lineage import classify, unmatched_production
from daemon.model import Branch, DataClass, Lineage, Purpose
from tests.builders import ago, branch, branch_id, ledger_entry

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


@pytest.mark.parametrize("flag", [{}, {"default": True}, {"protected": True}])
def test_staging_in_which_residue_was_found_is_raw_with_its_children_and_no_production(flag: dict[str, bool]) -> None:
    staging = replace(STAGING, **flag)
    child = branch("dev/alice", parent="staging", created_at=ago(days=1))
    found_out = replace(PROOF, disproved="proves nothing since then", void="proves nothing since then")
    production = branch("production", created_at=ago(days=300), default=True)

    found = lineages(production, staging, child, ledger=(found_out,), production=())

    assert (found["staging"].data_class, found["staging"].production) == (RAW, False)
    assert "proves nothing since then" in found["staging"].reason
    assert found["dev/alice"].data_class is RAW


def test_a_branch_that_was_reset_since_is_what_it_was_reset_to() -> None:
    staging = replace(STAGING, last_reset_at=ago(days=1))
    found_out = replace(PROOF, disproved="proves nothing", void="proves nothing")

    assert "proves nothing" not in lineages(MAIN, staging, ledger=(found_out,))["staging"].reason
