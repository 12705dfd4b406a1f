"""Each rule: when it speaks, when it is silent, and what a person reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from daemon.model import BranchView, DataClass, DeletionDate, Lineage, Purpose, Severity
from daemon.rules import (
    ALL_RULES,
    InheritedPassword,
    NoDeletionDate,
    PastDeletionDate,
    RawDevBranch,
    RawHistory,
    Rule,
    StaleStaging,
    default_rules,
)
from tests.builders import NOW, ago, ahead, branch, lineage, view

RAW = lineage(DataClass.RAW, reason="copied from production on 2026-10-12", since=ago(days=40))
PRODUCTION = lineage(DataClass.PRODUCTION, production=True, purpose=Purpose.PRODUCTION)
PARSE: TypeAdapter[Rule] = TypeAdapter(Rule)


def test_a_raw_dev_branch_is_told_with_age_and_the_ways_out() -> None:
    sentence = RawDevBranch().reason(view(lineage=RAW), NOW)

    assert sentence == (
        "dev/alice holds production rows (copied from production on 2026-10-12, 40 days ago): "
        "rebase it on a sanitized staging branch or delete it."
    )


@pytest.mark.parametrize(
    "fine",
    [
        lineage(DataClass.SANITIZED),
        lineage(DataClass.UNKNOWN),
        PRODUCTION,
        replace(RAW, holds=(DataClass.RAW,)),
        replace(RAW, purpose=Purpose.RAW_APPROVED, holds=(DataClass.RAW,), approved_until=ahead(minutes=1)),
    ],
)
def test_a_branch_that_may_hold_what_it_holds_is_not_raw_dev(fine: Lineage) -> None:
    assert RawDevBranch().reason(view(lineage=fine), NOW) is None


def test_an_approval_that_has_ended_is_named_with_who_gave_it() -> None:
    lapsed = replace(RAW, holds=(DataClass.RAW,), approved_until=NOW, approved_by="Ada")

    sentence = RawDevBranch().reason(view(lineage=lapsed), NOW)

    assert sentence is not None
    assert "the approval by Ada ended on 2026-11-21" in sentence


def test_past_deletion_date_names_date_age_and_source() -> None:
    due = view(deletion_date=DeletionDate(ago(days=8), "annotation"))

    sentence = PastDeletionDate().reason(due, NOW)

    assert sentence == (
        "dev/alice was due for deletion on 2026-11-13, 8 days ago (the date in its annotation): "
        "delete it, or give it a later date if it is still needed."
    )


def test_past_deletion_date_names_the_children_that_are_in_the_way() -> None:
    due = view(deletion_date=DeletionDate(ago(days=8), "max_age"), children=("dev/bob",))

    sentence = PastDeletionDate().reason(due, NOW)

    assert sentence is not None
    assert "children first (dev/bob)" in sentence


@pytest.mark.parametrize(
    ("at", "source", "flagged"),
    [
        (NOW, "annotation", True),
        (ahead(seconds=1), "annotation", False),
        (ago(minutes=59), "expires_at", False),
        (ago(minutes=60), "expires_at", True),
    ],
)
def test_a_deletion_date_counts_from_its_moment_and_neon_gets_an_hour(at: datetime, source: str, flagged: bool) -> None:
    assert flagged == (PastDeletionDate().reason(view(deletion_date=DeletionDate(at, source)), NOW) is not None)


def test_production_is_never_past_a_date() -> None:
    due = view(lineage=PRODUCTION, deletion_date=DeletionDate(ago(days=8), "annotation"))

    assert PastDeletionDate().reason(due, NOW) is None


def test_no_deletion_date_says_how_to_give_one() -> None:
    sentence = NoDeletionDate().reason(view(deletion_date=None), NOW)

    assert sentence == (
        "dev/alice has no deletion date (created 10 days ago): set an expiry in Neon, "
        "or a maximum age for its name in the config."
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"lineage": PRODUCTION},
        {"published_staging": True},
        {"children": ("dev/bob",)},
        {"deletion_date": DeletionDate(ahead(days=1), "max_age")},
    ],
)
def test_who_needs_no_deletion_date(fields: dict[str, Any]) -> None:
    assert NoDeletionDate().reason(view(**{"deletion_date": None, **fields}), NOW) is None


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (("app",), "dev/alice: the password of role app also opens main: reset it on dev/alice."),
        (("app", "own"), "dev/alice: the passwords of roles app, own also open main: reset them on dev/alice."),
    ],
)
def test_an_inherited_password_names_roles_and_the_other_branch(roles: tuple[str, ...], expected: str) -> None:
    shared = view(shared_password_roles=roles, shared_password_with="main")

    assert expected == InheritedPassword().reason(shared, NOW)


def test_production_cannot_inherit_from_itself() -> None:
    shared = view(lineage=PRODUCTION, shared_password_roles=("app",), shared_password_with="main")

    assert InheritedPassword().reason(shared, NOW) is None


@pytest.mark.parametrize(
    ("known", "found", "expected"), [(True, RAW, False), (False, RAW, True), (False, PRODUCTION, False)]
)
def test_passwords_that_could_not_be_compared_leave_the_rule_undecided(
    known: bool, found: Lineage, expected: bool
) -> None:
    assert expected is InheritedPassword().undecidable(view(passwords_known=known, lineage=found))


def _production(newest: datetime | None) -> BranchView:
    main = branch("main", default=True)
    return view(branch=main, lineage=PRODUCTION, speaks_for_project=True, newest_staging_at=newest)


def test_a_project_without_staging_is_told_once_how_to_make_it() -> None:
    silent = view(newest_staging_at=None)

    assert StaleStaging().reason(silent, NOW) is None
    sentence = StaleStaging().reason(_production(None), NOW)
    assert sentence is not None
    assert "make one with `branchwarden sanitize`" in sentence


def test_staging_is_stale_after_its_maximum_age() -> None:
    rule = StaleStaging(max_age=timedelta(days=7))

    assert rule.reason(_production(ago(days=7)), NOW) is None
    assert rule.reason(_production(ago(days=9)), NOW) == (
        "the newest sanitized staging branch of main is 9 days old (at most 7 days): "
        "renew it with `branchwarden sanitize`."
    )


def test_the_registry_holds_every_rule_once_and_parses_by_kind() -> None:
    kinds = [rule.kind for rule in default_rules()]

    assert kinds == [
        "raw-dev-branch",
        "past-deletion-date",
        "no-deletion-date",
        "inherited-password",
        "stale-staging",
        "raw-history",
    ]
    assert [type(rule) for rule in default_rules()] == list(ALL_RULES)
    assert list(default_rules()) == [PARSE.validate_python({"kind": kind}) for kind in kinds]


def test_people_change_severity_grace_and_parameters() -> None:
    rule = PARSE.validate_python({"kind": "stale-staging", "severity": "low", "grace": "12h", "max_age": "3d"})

    assert rule == StaleStaging(severity=Severity.LOW, grace=timedelta(hours=12), max_age=timedelta(days=3))


@pytest.mark.parametrize(
    "given",
    [{"kind": "no-such-rule"}, {"kind": "raw-dev-branch", "max_age": "3d"}, {"kind": "raw-dev-branch", "grace": "x"}],
)
def test_a_rule_that_is_written_wrong_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PARSE.validate_python(given)


def test_a_raw_history_is_told_until_it_is_gone() -> None:
    masked = lineage(history_raw_until=ahead(days=2))

    told = RawHistory().reason(view("staging", lineage=masked), NOW)

    assert told is not None
    assert "until 2026-11-23" in told
    assert RawHistory().reason(view("staging", lineage=replace(masked, history_raw_until=NOW)), NOW) is None
    assert RawHistory().reason(view("staging"), NOW) is None
