"""What holds for every set of findings, every history and every set of exemptions."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.decide import decide
from daemon.model import Action, Exemption, Finding, Severity
from tests.builders import NOW, exemption, finding

NAMES = st.sampled_from(["a", "b", "c", "d"])
HOURS = st.integers(min_value=-200, max_value=200).map(lambda hours: timedelta(hours=hours))
FINDINGS = st.lists(
    st.builds(
        lambda rule, name, severity, at: finding(
            rule, name, severity=severity, first_seen=NOW + at, deadline=NOW + at + timedelta(days=3)
        ),
        st.sampled_from(["r1", "r2"]),
        NAMES,
        st.sampled_from(Severity),
        HOURS,
    ),
    unique_by=lambda f: f.key,
)
EXEMPTIONS = st.lists(st.builds(lambda name, until: exemption(name, until=NOW + until), NAMES, HOURS))
OPEN = {Action.FLAG, Action.KEEP}


@given(FINDINGS, FINDINGS, EXEMPTIONS)
def test_an_exempt_branch_is_never_flagged_nor_kept(
    found: list[Finding], history: list[Finding], exemptions: list[Exemption]
) -> None:
    exempt = {e.branch_id for e in exemptions if e.until > NOW}

    decided = decide(found, history, exemptions, NOW)

    assert not [d for d in decided if d.action in OPEN and d.finding.branch_id in exempt]


@given(FINDINGS, FINDINGS, EXEMPTIONS)
def test_first_sight_and_deadline_never_move(
    found: list[Finding], history: list[Finding], exemptions: list[Exemption]
) -> None:
    before = {f.key: (f.first_seen, f.deadline) for f in history}

    decided = decide(found, history, exemptions, NOW)

    now = {d.finding.key: (d.finding.first_seen, d.finding.deadline) for d in decided}
    assert before == {key: now[key] for key in before}


@given(FINDINGS, FINDINGS)
def test_deciding_twice_keeps_everything_and_flags_nothing(found: list[Finding], history: list[Finding]) -> None:
    first = decide(found, history, [], NOW)
    still_open = [d.finding for d in first if d.action in OPEN]

    second = decide(found, still_open, [], NOW + timedelta(hours=1))

    assert {Action.KEEP} >= {d.action for d in second}
    assert still_open == [d.finding for d in second]


@given(st.data(), FINDINGS, FINDINGS, EXEMPTIONS)
def test_the_order_of_what_comes_in_is_irrelevant(
    data: st.DataObject, found: list[Finding], history: list[Finding], exemptions: list[Exemption]
) -> None:
    expected = decide(found, history, exemptions, NOW)

    mixed = decide(
        data.draw(st.permutations(found)),
        data.draw(st.permutations(history)),
        data.draw(st.permutations(exemptions)),
        NOW,
    )

    assert expected == mixed


@given(FINDINGS, FINDINGS, EXEMPTIONS)
def test_every_finding_old_or_new_gets_exactly_one_decision(
    found: list[Finding], history: list[Finding], exemptions: list[Exemption]
) -> None:
    decided = [d.finding.key for d in decide(found, history, exemptions, NOW)]

    assert sorted({f.key for f in (*found, *history)}) == sorted(decided)
