"""What tests of the state store write into it: plain functions with defaults."""

import sqlite3
from datetime import UTC, datetime, timedelta

from daemon.model import Decision, Finding, Outcome, Report, Severity
from daemon.records import Event, RunStep, SanitizeRun
from daemon.store import open_store

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def event(number, project_id="p1"):
    return Event("branch-flagged", project_id, f"br-{number}", f"Sentence {number}.", {"number": number})


def finding(rule="raw-dev-branch", branch_id="br-1", first_seen=NOW, days=7, sentence="holds production rows"):
    deadline = first_seen + timedelta(days=days)
    return Finding("p1", rule, branch_id, f"dev/{branch_id}", Severity.HIGH, sentence, first_seen, deadline)


def report(*decided, at=NOW, unknowns=()):
    outcomes = tuple(Outcome(Decision(action, found, "because"), done=True) for action, found in decided)
    return Report("p1", "shop", at, at, (), outcomes, unknowns)


def run(run_id="run-1", **fields):
    row = {"id": run_id, "project_id": "p1", "mode": "clean-room", "trigger": "manual", "step": RunStep.STARTED}
    return SanitizeRun(**{**row, "started_at": NOW, "updated_at": NOW, **fields})


def tamper(path, *statements):
    """Edit the log as somebody with an SQLite shell would."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER IF EXISTS events_no_update")
        connection.execute("DROP TRIGGER IF EXISTS events_no_delete")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def write_events(path, count):
    with open_store(path, exclusive=False) as store:
        for number in range(count):
            store.append_event(event(number), NOW)
