"""Decisions about findings: new, known, exempt or gone."""

from __future__ import annotations

from daemon.decide import decide
from daemon.model import Action, Severity
from tests.builders import NOW, ago, ahead, exemption, finding


def test_a_new_finding_is_flagged_with_its_deadline() -> None:
    (decision,) = decide([finding()], [], [], NOW)

    assert (decision.action, decision.reason) == (Action.FLAG, "new, to be cleared by 2026-11-24 12:00 UTC")


def test_a_known_finding_keeps_first_sight_and_deadline_but_takes_the_new_sentence() -> None:
    known = finding(first_seen=ago(days=2), deadline=ahead(days=1), sentence="it was 1 day old", severity=Severity.LOW)
    now = finding(sentence="it is 3 days old")

    (decision,) = decide([now], [known], [], NOW)

    assert Action.KEEP is decision.action
    assert (known.first_seen, known.deadline) == (decision.finding.first_seen, decision.finding.deadline)
    assert (decision.finding.sentence, decision.finding.severity) == ("it is 3 days old", Severity.HIGH)


def test_a_finding_that_is_found_no_more_is_resolved() -> None:
    known = finding()

    (decision,) = decide([], [known], [], NOW)

    assert (Action.RESOLVE, known) == (decision.action, decision.finding)


def test_an_exempt_branch_is_not_flagged_and_the_reason_is_told() -> None:
    (decision,) = decide([finding()], [finding()], [exemption()], NOW)

    assert (decision.action, decision.reason) == (Action.EXEMPT, "exempt until 2026-11-28: migration test")


def test_an_exemption_ends_at_its_moment() -> None:
    (decision,) = decide([finding()], [], [exemption(until=NOW)], NOW)

    assert Action.FLAG is decision.action


def test_an_exemption_is_for_an_id_and_not_for_a_namesake_or_another_project() -> None:
    reborn = exemption("dev/alice", branch_id="br-former-alice")
    elsewhere = exemption("dev/alice", project_id="other-project-1")

    (decision,) = decide([finding(name="dev/alice")], [], [reborn, elsewhere], NOW)

    assert Action.FLAG is decision.action


def test_the_exemption_that_lasts_longest_is_named() -> None:
    short, long = exemption(until=ahead(days=1), reason="short"), exemption(until=ahead(days=9), reason="long")

    (decision,) = decide([finding()], [], [long, short], NOW)

    assert decision.reason.endswith("long")


def test_the_worst_comes_first_then_rule_and_name() -> None:
    low = finding("no-deletion-date", "a", severity=Severity.LOW)
    first, second = finding("b-rule", "z"), finding("c-rule", "a")
    worst = finding("z-rule", "z", severity=Severity.CRITICAL)

    decisions = decide([low, second, worst], [first], [], NOW)

    assert [worst.key, first.key, second.key, low.key] == [d.finding.key for d in decisions]
