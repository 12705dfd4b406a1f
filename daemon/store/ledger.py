"""The ledger of sanitize runs: the only thing that makes a branch `sanitized`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypedDict

import sqlalchemy as sa

from daemon.entry import LedgerEntry
from daemon.errors import StateError
from daemon.records import COLUMNS_ENCRYPTED, FINAL_STEPS, JsonMapping, RunStep, SanitizeRun, StoredEvent
from daemon.store.tables import runs

PARENT, TAKEN_AT, HISTORY_RAW_UNTIL = "parent", "taken at", "history raw until"
"""Keys in the proof of a run: the branch that was copied; and of one that masked in place."""
ATTESTATION = "attestation"
"""Key in the proof: where the attestation was written to, by which key, and all of its text."""


class RunFields(TypedDict, total=False):
    """What a step may add to a run."""

    source_branch_id: str
    target_branch_id: str
    target_name: str
    policy_digest: str
    plan_digest: str
    key_id: str
    proof: JsonMapping
    acl: JsonMapping
    error: str
    verified_at: datetime
    published_at: datetime


def start(connection: sa.Connection, run: SanitizeRun) -> None:
    """Write a new run; its id must be new."""
    row = {column.name: getattr(run, column.name) for column in runs.c}
    connection.execute(sa.insert(runs).values({**row, "step": run.step.value}))


def advance(connection: sa.Connection, run_id: str, step: RunStep, changes: RunFields, now: datetime) -> None:
    """Write the step that a run reached, and what it brought.

    Raises:
        StateError: no such run, or it has ended.
    """
    changed = sa.update(runs).where(runs.c.id == run_id, runs.c.step.not_in([s.value for s in FINAL_STEPS]))
    done = connection.execute(changed.values({**changes, "step": step.value, "updated_at": now}))
    if done.rowcount == 0:
        run = get(connection, run_id)
        raise StateError(
            f"Sanitize run {run_id} is already {run.step}; start a new one."
            if run
            else f"No sanitize run {run_id} is recorded."
        )


def get(connection: sa.Connection, run_id: str) -> SanitizeRun | None:
    """Return a run, or None."""
    row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).one_or_none()
    return None if row is None else _run(row)


def find(connection: sa.Connection, wanted: sa.ColumnElement[bool], limit: int = -1) -> tuple[SanitizeRun, ...]:
    """Return runs, newest first; a limit of -1 is none."""
    rows = connection.execute(sa.select(runs).where(wanted).order_by(runs.c.started_at.desc()).limit(limit))
    return tuple(_run(row) for row in rows)


def unfinished(connection: sa.Connection, project_id: str) -> tuple[SanitizeRun, ...]:
    """Return runs that did not end: running now, or cut off by a crash."""
    final = [s.value for s in FINAL_STEPS]
    return find(connection, sa.and_(runs.c.project_id == project_id, runs.c.step.not_in(final)))


def published(connection: sa.Connection, project_id: str) -> tuple[LedgerEntry, ...]:
    """Return the newest published run of every branch that is still there, newest first."""
    mine = sa.and_(runs.c.project_id == project_id, runs.c.step == RunStep.PUBLISHED.value, runs.c.deleted_at.is_(None))
    rows = connection.execute(sa.select(runs).where(mine).order_by(runs.c.verified_at))
    newest = {run.target_branch_id: ledger_entry(run) for run in map(_run, rows)}  # the last one of a branch wins
    return tuple(sorted(newest.values(), key=lambda entry: entry.verified_at, reverse=True))


def disproved(entries: Iterable[LedgerEntry], events: Iterable[StoredEvent]) -> tuple[LedgerEntry, ...]:
    """The entries, those that a later proof contradicts with the first time when it did. Pure."""
    first: dict[object, str] = {}
    for event in events:
        roads = event.data.get("roads")
        named = f" (roads {', '.join(map(str, roads))})" if isinstance(roads, list) and roads else ""
        first.setdefault(
            event.data.get("run"),
            f"proves nothing since {event.at:%Y-%m-%d %H:%M} UTC, when `verify` found residue{named}:"
            " make a clean branch with `branchwarden sanitize`",
        )
    return tuple(replace(entry, disproved=first.get(entry.run_id, "")) for entry in entries)


def mark(connection: sa.Connection, run_id: str, now: datetime, **changes: str | datetime) -> None:
    """Write what became of a published branch."""
    statement = sa.update(runs).where(runs.c.id == run_id)
    if connection.execute(statement.values({**changes, "updated_at": now})).rowcount == 0:
        raise StateError(f"No sanitize run {run_id} is recorded.")


def _run(row: sa.Row[tuple[object, ...]]) -> SanitizeRun:
    values = row._asdict()
    return SanitizeRun(**{**values, "step": RunStep(values["step"])})


def ledger_entry(run: SanitizeRun) -> LedgerEntry:
    """What a verified run says of the branch that it made. Raises StateError where it does not say enough."""
    verified_at = run.verified_at or run.published_at
    if run.target_branch_id is None or verified_at is None:
        raise StateError(f"Sanitize run {run.id} is recorded as published without a branch or a verification.")
    return LedgerEntry(
        run_id=run.id,
        project_id=run.project_id,
        branch_id=run.target_branch_id,
        branch_name=run.target_name,
        verified_at=verified_at,
        policy_digest=run.policy_digest,
        superseded=run.superseded_at is not None,
        masked_from=(_text(run, PARENT), _moment(run, TAKEN_AT)) if run.mode == "in-place" else None,
        copied_from=_text(run, PARENT) or "",
        history_raw_until=_moment(run, HISTORY_RAW_UNTIL),
        encrypted=_count(run, COLUMNS_ENCRYPTED),
        attestation=_of_attestation(run, "envelope"),
        attestation_path=_of_attestation(run, "path"),
    )


def _count(run: SanitizeRun, key: str) -> int:
    value = run.proof.get(key)
    return value if isinstance(value, int) else 0


def _text(run: SanitizeRun, key: str) -> str | None:
    value = run.proof.get(key)
    return value if isinstance(value, str) else None


def _of_attestation(run: SanitizeRun, name: str) -> str:
    value = run.proof.get(ATTESTATION)
    text = value.get(name) if isinstance(value, Mapping) else None
    return text if isinstance(text, str) else ""


def _moment(run: SanitizeRun, key: str) -> datetime | None:
    text = _text(run, key)
    return datetime.fromisoformat(text) if text else None
