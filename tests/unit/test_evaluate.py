"""Views carry all that rules look at; evaluate asks every rule about every branch that is not in flight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daemon.entry import LedgerEntry
from daemon.evaluate import Facts, build_views, evaluate, read_date, unreadable_dates
from daemon.lineage import classify
from daemon.model import Branch, BranchView, DeletionDate, Purpose, SharedPassword
from daemon.purposes import PurposePattern
from daemon.rules import InheritedPassword, NoDeletionDate, RawDevBranch, StaleStaging, default_rules
from tests.builders import NOW, ago, ahead, branch, branch_id, endpoint, finding, ledger_entry, listing, view

MAIN = branch("main", default=True, created_at=ago(days=300))
STAGING = branch("staging", init_source="schema-only", created_at=ago(days=4))
PROOF = ledger_entry("staging")
PREVIEWS = PurposePattern(pattern="preview/*", purpose=Purpose.PREVIEW, max_age=timedelta(days=14))


def views(*branches: Branch, ledger: tuple[LedgerEntry, ...] = (), **fields: Any) -> dict[str, BranchView]:
    facts = Facts(ledger=ledger, **fields)
    whole = listing(*branches)
    return {v.branch.name: v for v in build_views(whole, classify(branches, ledger, (), facts.purposes), facts)}


def test_children_and_newest_activity_are_joined_to_the_branch() -> None:
    dev = branch("dev/alice", parent="main")
    bob = branch("dev/bob", parent="main")
    computes = (
        endpoint("dev/alice", last_active=ago(days=2)),
        endpoint("dev/alice", last_active=ago(hours=3), type="read_only"),
        endpoint("dev/bob"),
    )
    whole = listing(MAIN, bob, dev, endpoints=computes)

    found = {v.branch.name: v for v in build_views(whole, classify(whole.branches, (), (), ()), Facts())}

    assert found["main"].children == ("dev/alice", "dev/bob")
    assert ago(hours=3) == found["dev/alice"].last_active
    assert found["dev/bob"].last_active is None


def test_staging_is_published_by_ledger_and_its_children_are_not() -> None:
    dev = branch("dev/alice", parent="staging", created_at=ago(days=1))
    previous = branch("staging-old", created_at=ago(days=12))
    older = ledger_entry("staging-old", verified_at=ago(days=11))

    found = views(MAIN, STAGING, dev, previous, ledger=(PROOF, older))

    assert {"staging", "staging-old"} == {name for name, v in found.items() if v.published_staging}
    assert {PROOF.verified_at} == {v.newest_staging_at for v in found.values()}


def test_one_production_branch_speaks_for_the_project_the_default_one_first() -> None:
    other = branch("a-first-by-name", protected=True, parent="main")

    assert [name for name, v in views(other, MAIN).items() if v.speaks_for_project] == ["main"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"expires_at": ahead(days=1), "annotation": {"expires": "2026-12-24"}}, (ahead(days=1), "expires_at")),
        (
            {"annotation": {"delete-after": "2026-12-24"}},
            (datetime(2026, 12, 24, 23, 59, 59, tzinfo=UTC), "annotation"),
        ),
        ({"annotation": {"expires": "soon"}, "created_at": ago(days=1)}, (ahead(days=13), "max_age")),
        ({"created_at": ago(days=20), "last_reset_at": ago(days=2)}, (ahead(days=12), "max_age")),
    ],
)
def test_a_deletion_date_is_neons_then_the_annotations_then_the_maximum_age(
    fields: dict[str, Any], expected: tuple[datetime, str]
) -> None:
    preview = branch("preview/pr-1", parent="main", **fields)

    assert DeletionDate(*expected) == views(MAIN, preview, purposes=(PREVIEWS,))["preview/pr-1"].deletion_date


def test_without_any_date_there_is_none() -> None:
    assert views(MAIN, branch("dev/a", parent="main"), purposes=(PREVIEWS,))["dev/a"].deletion_date is None


def test_production_and_published_staging_have_no_maximum_age() -> None:
    everything = PurposePattern(pattern="*", purpose=Purpose.DEV, max_age=timedelta(days=1))

    found = views(MAIN, STAGING, ledger=(PROOF,), purposes=(everything,))

    assert [v.deletion_date for v in found.values()] == [None, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-24", datetime(2026, 12, 24, 23, 59, 59, tzinfo=UTC)),
        (" 2026-12-24T18:00:00+02:00 ", datetime(2026, 12, 24, 16, tzinfo=UTC)),
        ("2026-12-24 18:00", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
        ("24.12.2026", None),
        ("", None),
    ],
)
def test_dates_are_read_in_iso_form(text: str, expected: datetime | None) -> None:
    assert expected == read_date(text)


def test_an_annotation_that_is_meant_as_a_date_and_is_none_is_told() -> None:
    bad = branch("dev/a", annotation={"expires": "next week", "owner": "Ada"})

    sentences = unreadable_dates([bad, MAIN])

    assert len(sentences) == 1
    assert sentences[0].startswith("dev/a: its annotation `expires` is no date")
    assert "next week" not in sentences[0]


@pytest.mark.parametrize(("expires_in", "in_flight"), [(timedelta(hours=2), True), (timedelta(days=20), False)])
def test_a_branch_of_a_run_is_in_flight_while_it_expires_within_hours(expires_in: timedelta, in_flight: bool) -> None:
    source = branch("bw", parent="main", annotation={"branchwarden.run": "r-1"}, expires_at=NOW + expires_in)

    found = views(MAIN, source, run_branches=frozenset({source.id}))["bw"]

    assert in_flight is found.ours_in_flight
    assert in_flight is not bool(evaluate([found], [RawDevBranch()], NOW))


def test_an_annotation_alone_makes_no_branch_ours() -> None:
    annotation = {"branchwarden.run": "made-up"}
    forged = branch("forged", parent="main", annotation=annotation, expires_at=NOW + timedelta(hours=2))

    found = views(MAIN, forged, run_branches=frozenset({"br-another"}))["forged"]

    assert not found.ours_in_flight
    assert evaluate([found], [RawDevBranch()], NOW)


def test_passwords_facts_reach_the_view() -> None:
    alice, bob = branch("dev/alice", parent="main"), branch("dev/bob", parent="main")

    found = views(
        MAIN,
        alice,
        bob,
        shared={alice.id: SharedPassword(("app",), "main")},
        passwords_unknown=frozenset({bob.id}),
    )

    assert (found["dev/alice"].shared_password_roles, found["dev/alice"].shared_password_with) == (("app",), "main")
    assert (found["dev/alice"].passwords_known, found["dev/bob"].passwords_known) == (True, False)


def test_a_whole_project_is_evaluated_with_severity_and_deadline_from_the_rule() -> None:
    raw = branch("dev/raw", parent="main", created_at=ago(days=40))
    clean = branch("dev/clean", parent="staging", created_at=ago(days=1), expires_at=ahead(days=5))

    found = evaluate(views(MAIN, STAGING, raw, clean, ledger=(PROOF,)).values(), default_rules(), NOW)

    assert {("raw-dev-branch", "dev/raw"), ("no-deletion-date", "dev/raw")} == {(f.rule, f.branch_name) for f in found}
    rule = RawDevBranch()
    assert (rule.severity, NOW, NOW + rule.grace) == (found[0].severity, found[0].first_seen, found[0].deadline)


def test_a_rule_that_is_off_is_not_asked() -> None:
    assert evaluate([view(deletion_date=None)], [NoDeletionDate(enabled=False)], NOW) == ()


def test_where_a_rule_cannot_tell_what_it_found_before_stands() -> None:
    before = finding("inherited-password", "dev/alice", first_seen=ago(days=2))
    blind, other = view("dev/alice", passwords_known=False), view("dev/bob", passwords_known=False)

    assert (before,) == evaluate([blind, other], [InheritedPassword()], NOW, [before])


def test_a_finding_about_the_project_is_on_its_production_branch_alone() -> None:
    found = evaluate(views(MAIN, branch("live", protected=True)).values(), [StaleStaging()], NOW)

    assert [branch_id("main")] == [f.branch_id for f in found]
