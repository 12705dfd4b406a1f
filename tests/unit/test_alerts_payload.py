"""What alerts say, and that no branch name can make them say something else."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.alerts import blocks, payload
from daemon.model import (
    Action,
    Branch,
    BranchView,
    DataClass,
    Decision,
    Finding,
    Lineage,
    Outcome,
    Purpose,
    Report,
    Severity,
)
from daemon.records import RunStep, SanitizeRun

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def finding(number=1, name=None, severity=Severity.HIGH, first_seen=NOW, sentence="Holds production rows."):
    deadline = NOW + timedelta(days=number)
    name = f"dev/{number}" if name is None else name
    return Finding("p1", "raw-dev-branch", f"br-{number}", name, severity, sentence, first_seen, deadline)


def view(number):
    branch = Branch(f"br-{number}", "p1", f"dev/{number}", NOW, NOW)
    return BranchView(branch, Lineage(DataClass.RAW, "copied", production=False, purpose=Purpose.DEV))


def report(*decided, first_cycle=False, name="shop", at=NOW, unknowns=()):
    outcomes = tuple(Outcome(Decision(action, found, "because"), done=True) for action, found in decided)
    views = tuple(view(number) for number in range(12))
    return Report("p1", name, at, at, views, outcomes, unknowns, first_cycle)


def run(**fields):
    row = {"id": "run-1", "project_id": "p1", "mode": "clean-room", "trigger": "manual", "step": RunStep.PUBLISHED}
    return SanitizeRun(**{**row, "started_at": NOW, "updated_at": NOW, "target_name": "staging", **fields})


def strings(value):
    """Every string that is in a JSON value."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for part in parts for text in strings(part)]


def shown(message):
    return "\n".join([message.text, *strings(list(message.blocks))])


def within_slacks_limits(message):
    for block in message.blocks:
        assert block["type"] in {"header", "section"}
        if block["type"] == "header":
            assert 1 <= len(block["text"]["text"]) <= 150
            assert block["text"]["type"] == "plain_text"
        if "fields" in block:
            assert 1 <= len(block["fields"]) <= 10
            assert all(1 <= len(field["text"]) <= 2000 for field in block["fields"])
        elif block["type"] == "section":
            assert 1 <= len(block["text"]["text"]) <= 3000
    assert 1 <= len(message.text) <= 3000
    assert len(message.blocks) <= 50
    return sum(map(len, strings(list(message.blocks)))) <= 13_000


def test_a_cycle_in_which_nothing_changed_tells_nothing():
    quiet = report((Action.KEEP, finding(1)), (Action.EXEMPT, finding(2)))

    assert payload.cycle_messages(quiet) == ()


def test_the_new_findings_of_a_cycle_are_one_message_and_the_resolved_ones_another():
    changed = report((Action.FLAG, finding(1)), (Action.FLAG, finding(2)), (Action.RESOLVE, finding(3)))

    new, resolved = payload.cycle_messages(changed)

    assert new.text.startswith("*2 new findings in shop*\n• *high* `dev/1` raw-dev-branch: Holds production rows.")
    assert "dev/3" not in shown(new)
    assert resolved.text == "*1 finding resolved in shop*\n• `dev/3` raw-dev-branch"


def test_the_worst_come_first():
    mixed = report(
        (Action.FLAG, finding(2)), (Action.FLAG, finding(1)), (Action.FLAG, finding(9, severity=Severity.CRITICAL))
    )

    (message,) = payload.cycle_messages(mixed)

    assert re.findall(r"`dev/(\d)`", message.text) == ["9", "1", "2"]


def test_the_first_cycle_is_one_summary_that_counts_by_rule_and_names_the_worst_ten():
    many = [(Action.FLAG, finding(number)) for number in range(1, 13)]

    (message,) = payload.cycle_messages(report(*many, first_cycle=True, unknowns=("Roles of `x`.",)))

    assert "12 branches, 12 of them flagged" in message.text
    assert "12 x raw-dev-branch" in message.text
    assert len(re.findall(r"`dev/\d+`", message.text)) == 10
    assert "Not looked at" in message.text


def test_a_first_cycle_without_findings_says_so_once():
    (message,) = payload.cycle_messages(report(first_cycle=True))

    assert "12 branches, 0 of them flagged" in message.text


def test_the_key_is_the_same_for_the_same_change_and_another_when_the_finding_returns():
    first, same = (payload.cycle_messages(report((Action.FLAG, finding())))[0] for _ in range(2))
    later = finding(first_seen=NOW + timedelta(days=1))
    (returned,) = payload.cycle_messages(report((Action.FLAG, later)))
    (resolved,) = payload.cycle_messages(report((Action.RESOLVE, finding())))

    assert first.dedup_key == same.dedup_key
    assert len({first.dedup_key, returned.dedup_key, resolved.dedup_key}) == 3


ATTACKS = [
    "<!channel>",
    "<!here|x>",
    "<https://evil.example|click>",
    "https://evil.example/x",
    "`<!channel>`",
    "@channel",
    "[x](https://evil.example)",
    "www.evil.example",
    "a\n*Header*\nb",
    "\u202etxt.exe",
    "&lt;!channel&gt;",
    "mailto:x@example.com",
    "\ud800",
    "",
    "`" * 300,
    "&" * 300,
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_branch_name_makes_no_mention_no_link_and_no_line(attack):
    bad = finding(name=attack, sentence=f"Copied from {attack}.")
    cycles = payload.cycle_messages(report((Action.FLAG, bad), (Action.RESOLVE, bad), name=attack))
    runs = (payload.run_published(run(target_name=attack), attack), payload.run_ended(run(error=attack), attack))
    refused = payload.run_refused("p1", attack, [attack], NOW)

    for message in (*cycles, *runs, refused, payload.notice(attack, attack, "k")):
        told = shown(message)
        assert not re.search(r"[<>]|://|@\w|\]\(|www\.|mailto:|\u202e|^\*Header", told, re.MULTILINE)
        assert not re.search(r"&(?!amp;|lt;|gt;)", told)
        assert within_slacks_limits(message)
        told.encode()


@given(st.lists(st.tuples(st.text(max_size=400), st.text(max_size=2000)), min_size=1, max_size=200), st.text())
def test_any_names_in_any_number_stay_within_slacks_limits(texts, project):
    found = [(Action.FLAG, finding(i, name=name, sentence=text)) for i, (name, text) in enumerate(texts)]

    (message,) = payload.cycle_messages(report(*found, name=project))

    assert within_slacks_limits(message)
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", shown(message))


def test_what_does_not_fit_is_counted():
    found = [(Action.FLAG, finding(number, sentence="x" * 300)) for number in range(1, 101)]

    (message,) = payload.cycle_messages(report(*found))

    for text in (message.text, shown(message)):
        told = len(re.findall(r"• ", text.split("… and")[0]))
        left = int(re.search(r"… and (\d+) more", text)[1])
        assert told + left == 100


def test_a_published_branch_is_told_with_its_proof_in_numbers():
    proof = {"rows_copied": 1234567, "columns_masked": 6, "clean": True, "tables": {"users": 3}}

    message = payload.run_published(run(proof=proof, policy_digest="abcdef0123456789"), "shop")

    assert "New sanitized staging branch in shop" in message.text
    assert "*rows copied*: 1,234,567" in message.text
    assert "*clean*: yes" in message.text
    assert "`abcdef012345`" in message.text
    assert within_slacks_limits(message)


def test_a_run_that_failed_or_was_abandoned_says_that_nothing_was_published():
    failed = payload.run_ended(run(step=RunStep.FAILED, error="The source went away."), "shop")
    abandoned = payload.run_ended(run(step=RunStep.ABANDONED), "shop")

    assert "failed in shop" in failed.text
    assert "The source went away." in failed.text
    assert "was abandoned in shop" in abandoned.text
    assert "Nothing was published" in abandoned.text
    assert failed.dedup_key != abandoned.dedup_key


def test_a_refused_run_is_told_once_a_day_and_names_every_problem():
    message = payload.run_refused("p1", "shop", ["users.email is not covered", "no root left"], NOW)
    same_day = payload.run_refused("p1", "shop", ["users.email is not covered", "no root left"], NOW.replace(hour=20))
    next_day = payload.run_refused("p1", "shop", ["users.email is not covered", "no root left"], NOW.replace(day=5))

    assert message.dedup_key == same_day.dedup_key != next_day.dedup_key
    assert "users.email is not covered" in message.text
    assert "Nothing was created" in message.text


def test_text_is_never_cut_inside_of_an_entity():
    for limit in range(1, 30):
        assert not re.search(r"&(?!amp;)", blocks.defuse("&" * 40, limit))
