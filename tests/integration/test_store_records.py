"""What the state store keeps: events, cycles, the ledger, jobs."""

from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
import sqlalchemy as sa

from daemon.entry import LedgerEntry
from daemon.errors import StateError
from daemon.model import Action, Exemption
from daemon.records import Event, Message, RunStep
from daemon.store import Store
from tests.store_case import HOUR, NOW, event, finding, report, run, tamper

# events


def test_events_come_back_as_they_were_written_and_the_newest_are_the_default(state_store):
    for number in range(5):
        state_store.append_event(event(number, f"p{number % 2}"), NOW + number * HOUR)

    assert [e.data["number"] for e in state_store.read_events(2)] == [3, 4]
    assert [e.data["number"] for e in state_store.read_events(2, after_id=2)] == [2, 3]
    assert [e.data["number"] for e in state_store.read_events(10, project_id="p0")] == [0, 2, 4]
    assert state_store.read_events(10, kind="other") == []
    assert state_store.read_events(1)[0].at == NOW + 4 * HOUR


def test_sqlite_itself_refuses_to_edit_or_delete_an_event(state_store):
    state_store.append_event(event(1), NOW)

    for statement in ("UPDATE events SET sentence = 'x'", "DELETE FROM events"):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), state_store.engine.begin() as connection:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statements", "first_bad"),
    [
        (["UPDATE events SET sentence = 'Nothing.' WHERE id = 3"], 3),
        (["UPDATE events SET data = '{\"number\":4}' WHERE id = 3"], 3),
        (["UPDATE events SET data = 'rubbish' WHERE id = 3"], 3),
        (["UPDATE events SET branch_id = NULL WHERE id = 3"], 3),
        (["UPDATE events SET at = '2026-05-04T12:00:01.000000+00:00' WHERE id = 3"], 3),
        (["DELETE FROM events WHERE id = 3"], 4),
        (["DELETE FROM events WHERE id = 1"], 2),
        (["DELETE FROM events WHERE id = 5"], 5),
        (["DELETE FROM events"], 1),
        (
            ["INSERT INTO events SELECT 6, at, kind, NULL, NULL, sentence, data, digest FROM events LIMIT 1"],
            6,
        ),
        (
            [
                "UPDATE events SET id = 99 WHERE id = 2",
                "UPDATE events SET id = 2 WHERE id = 3",
                "UPDATE events SET id = 3 WHERE id = 99",
            ],
            2,
        ),
    ],
    ids=["sentence", "data", "unreadable", "null", "time", "middle", "first", "last", "all", "inserted", "swapped"],
)
def test_verification_finds_the_first_row_that_is_not_as_written(state_store, state_file, statements, first_bad):
    for number in range(1, 6):
        state_store.append_event(event(number), NOW)
    assert state_store.verify_events().ok

    tamper(state_file, *statements)

    check = state_store.verify_events()
    assert (False, first_bad) == (check.ok, check.first_bad_id)


def test_the_head_digest_changes_with_every_event_and_an_empty_log_is_whole(state_store):
    assert state_store.verify_events().ok
    digests = [state_store.verify_events().head_digest]
    for number in range(3):
        state_store.append_event(event(number), NOW)
        digests.append(state_store.verify_events().head_digest)

    assert len(set(digests)) == 4


def test_a_branch_name_that_is_not_even_unicode_can_be_recorded(state_store):
    data = MappingProxyType({"name": "\ud800", "nested": MappingProxyType({})})
    state_store.append_event(Event("seen", "p\ud800", "br-1", "Branch \ud800 \x00 'x'.", data), NOW)

    assert state_store.verify_events().ok
    assert state_store.read_events(1)[0].sentence == "Branch ? \x00 'x'."


# cycles


def test_a_finding_keeps_its_first_moment_and_deadline_over_cycles(state_store):
    state_store.record_cycle(report((Action.FLAG, finding())), [], [], NOW)
    later = finding(first_seen=NOW + HOUR, sentence="still holds production rows")

    state_store.record_cycle(report((Action.KEEP, later), at=NOW + HOUR), [], [], NOW + HOUR)

    assert (finding(sentence="still holds production rows"),) == state_store.open_findings("p1")


def test_a_resolved_finding_that_returns_is_a_new_one(state_store):
    state_store.record_cycle(report((Action.FLAG, finding())), [], [], NOW)
    state_store.record_cycle(report((Action.RESOLVE, finding())), [], [], NOW)
    assert state_store.open_findings("p1") == ()

    again = finding(first_seen=NOW + HOUR)
    state_store.record_cycle(report((Action.FLAG, again)), [], [], NOW + HOUR)

    assert (again,) == state_store.open_findings("p1")


def test_an_exemption_hides_a_finding_and_its_end_brings_it_back_with_a_new_deadline(state_store):
    state_store.record_cycle(report((Action.FLAG, finding())), [], [], NOW)
    state_store.record_cycle(report((Action.EXEMPT, finding())), [], [], NOW)
    assert state_store.open_findings("p1") == ()

    month = NOW + timedelta(days=30)
    state_store.record_cycle(report((Action.FLAG, finding(first_seen=month))), [], [], month)

    (found,) = state_store.open_findings("p1")
    assert (NOW, month + timedelta(days=7)) == (found.first_seen, found.deadline)


def test_an_exempted_finding_that_is_gone_does_not_lend_its_age_to_the_next(state_store):
    state_store.record_cycle(report((Action.EXEMPT, finding())), [], [], NOW)
    state_store.record_cycle(report(unknowns=("roles of dev/br-1",)), [], [], NOW)
    state_store.record_cycle(report(), [], [], NOW)

    again = finding(first_seen=NOW + HOUR)
    state_store.record_cycle(report((Action.FLAG, again)), [], [], NOW + HOUR)

    assert (again,) == state_store.open_findings("p1")


def test_a_cycle_that_cannot_be_recorded_whole_is_not_recorded_at_all(state_store):
    bad = Message("hi", ({"number": float("nan")},), "k1")

    with pytest.raises(sa.exc.StatementError):
        state_store.record_cycle(report((Action.FLAG, finding())), [event(1)], [bad], NOW)

    assert state_store.open_findings("p1") == ()
    assert state_store.read_events(10) == []
    assert not state_store.has_cycle("p1")


def test_exemptions_hold_until_their_end_and_leave_events(state_store):
    exemption = Exemption("p1", "br-1", "dev/ann", NOW + HOUR, "needed for the audit", NOW)
    state_store.add_exemption(exemption, NOW)

    assert (exemption,) == state_store.active_exemptions("p1", NOW)
    assert state_store.active_exemptions("p1", NOW + HOUR) == ()
    assert state_store.active_exemptions("p2", NOW) == ()
    assert state_store.remove_exemption("p1", "br-1", NOW)
    assert not state_store.remove_exemption("p1", "br-1", NOW)
    assert state_store.active_exemptions("p1", NOW) == ()
    assert [e.kind for e in state_store.read_events(10)] == ["exemption.added", "exemption.removed"]


# the ledger


def test_a_run_goes_through_its_steps_and_becomes_a_ledger_entry(state_store):
    state_store.start_run(run())
    state_store.advance_run("run-1", RunStep.SEALED, NOW + HOUR, target_branch_id="br-9", acl={"shop": "{=Tc/owner}"})
    state_store.advance_run("run-1", RunStep.VERIFIED, NOW + HOUR, verified_at=NOW + HOUR, proof={"rows": 7})
    assert [r.step for r in state_store.unfinished_runs("p1")] == [RunStep.VERIFIED]
    assert state_store.published("p1") == ()

    told = {"events": [event(1)], "messages": [Message("published", (), "k1")]}
    state_store.advance_run("run-1", RunStep.PUBLISHED, NOW + HOUR, **told, target_name="staging", policy_digest="abc")

    assert state_store.unfinished_runs("p1") == ()
    assert (LedgerEntry("run-1", "p1", "br-9", "staging", NOW + HOUR, "abc"),) == state_store.published("p1")
    found = state_store.get_run("run-1")
    assert [m.message.text for m in state_store.list_outbox()] == ["published"]
    assert [e.sentence for e in state_store.read_events(10)] == ["Sentence 1."]
    assert (found.proof, found.acl) == ({"rows": 7}, {"shop": "{=Tc/owner}"})


def test_the_ledger_lists_the_newest_run_of_every_branch_that_is_left(state_store):
    for number, branch in enumerate(["br-1", "br-2", "br-1", "br-3"], 1):
        at = NOW + number * HOUR
        fields = {"target_branch_id": branch, "target_name": "staging", "verified_at": at, "started_at": at}
        state_store.start_run(run(f"run-{number}", step=RunStep.PUBLISHED, **fields))

    state_store.mark_superseded("run-2", "staging-old", NOW)
    state_store.mark_deleted("run-4", NOW)

    assert [(e.run_id, e.branch_name) for e in state_store.published("p1")] == [
        ("run-3", "staging"),
        ("run-2", "staging-old"),
    ]
    assert [r.id for r in state_store.list_runs("p1")] == ["run-4", "run-3", "run-2", "run-1"]


def test_a_run_that_ended_takes_no_further_step(state_store):
    state_store.start_run(run(step=RunStep.FAILED))

    with pytest.raises(StateError, match="already failed"):
        state_store.advance_run("run-1", RunStep.PUBLISHED, NOW, events=[event(1)])
    assert state_store.read_events(10) == []
    with pytest.raises(StateError, match="No sanitize run run-2"):
        state_store.advance_run("run-2", RunStep.SEALED, NOW)
    with pytest.raises(StateError, match="No sanitize run run-2"):
        state_store.mark_deleted("run-2", NOW)
    assert state_store.get_run("run-2") is None


# jobs


def test_a_job_remembers_its_last_success_through_later_errors(state_store):
    state_store.start_job("cycle", NOW)
    state_store.record_job("cycle", True, "", NOW + HOUR)
    state_store.record_job("cycle", False, "Neon did not answer.", NOW + 2 * HOUR)

    state = state_store.job_state("cycle")

    assert (state.last_start, state.last_end, state.last_success) == (NOW, NOW + 2 * HOUR, NOW + HOUR)
    assert state.last_error == "Neon did not answer."
    assert state_store.job_state("other").last_start is None


def test_the_heartbeat_is_the_last_one(state_store):
    assert state_store.last_heartbeat() is None
    state_store.heartbeat(NOW)
    state_store.heartbeat(NOW + HOUR)

    assert state_store.last_heartbeat() == NOW + HOUR


def test_a_moment_without_a_time_zone_is_refused(state_store):
    with pytest.raises(sa.exc.StatementError, match="time zone"):
        state_store.heartbeat(datetime(2026, 5, 4))  # noqa: DTZ001  that is the point


def test_the_store_is_what_the_package_says(state_store):
    assert isinstance(state_store, Store)
    assert Path(state_store.path).exists()
