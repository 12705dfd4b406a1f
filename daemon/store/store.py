"""The state store: one method per question or fact, each its own transaction, none open while anything else happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Unpack

import sqlalchemy as sa

from daemon.entry import LedgerEntry
from daemon.model import Exemption, Finding, Report
from daemon.records import (
    DISPROVED,
    ChainCheck,
    Event,
    JobState,
    Message,
    QueuedMessage,
    RunStep,
    SanitizeRun,
    StoredEvent,
)
from daemon.store import chain, edge, history, ledger, migrate, outbox, tables

CYCLE_JOB = "cycle:{}"  # the job row of a project's cycle


Believe = Callable[[LedgerEntry], LedgerEntry]
"""Gives the entry back, with the reason why its attestation proves nothing, if there is one."""


@contextmanager
def open_store(path: Path, *, exclusive: bool, believe: Believe = lambda entry: entry) -> Iterator[Store]:
    """Open the state store, making or upgrading it when needed. `exclusive` is for the daemon: one at a time.

    `believe` says of each entry of the ledger whether its attestation holds; without it nobody asks.

    Raises:
        StateLockedError: another instance holds it.
        StateTooNewError: a newer branchwarden wrote it.
        StateError: it cannot be used; the sentence says why.
    """
    with ExitStack() as stack:
        with edge.translated(path):
            edge.touch(path)
            if exclusive:
                stack.enter_context(edge.instance_lock(path))
            engine = edge.make_engine(path)
            stack.callback(engine.dispose)
            _prepare(engine, path, locked=exclusive)
        yield Store(engine, path, believe)


def _prepare(engine: sa.Engine, path: Path, *, locked: bool) -> None:
    """Upgrade under the lock: never below the feet of a running daemon."""
    if not migrate.needs_upgrade(engine):
        return
    with ExitStack() as stack:
        if not locked:
            stack.enter_context(edge.instance_lock(path))
        edge.use_wal(engine)
        migrate.upgrade(engine)


class Store:
    """An open state store; may be used from several threads. Every method raises StateError when the file fails."""

    def __init__(self, engine: sa.Engine, path: Path, believe: Believe = lambda entry: entry) -> None:
        self.engine = engine
        self.path = path
        self._believe = believe
        self._reader = engine.execution_options(reads=True)

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with edge.translated(self.path), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with edge.translated(self.path), self.engine.begin() as connection:
            yield connection

    # events

    def append_event(self, event: Event, now: datetime) -> None:
        """Add an event to the log."""
        self.record([event], [], now)

    def record(self, events: Iterable[Event], messages: Iterable[Message], now: datetime) -> None:
        """Add events and queue messages, all or none."""
        with self._write() as connection:
            chain.append(connection, events, now)
            outbox.queue(connection, messages, now)

    def read_events(
        self, limit: int, project_id: str | None = None, kind: str | None = None, after_id: int | None = None
    ) -> list[StoredEvent]:
        """Return events, oldest first: the last `limit` of them, or with `after_id` the next `limit` behind it."""
        columns = tables.events.c
        wanted: list[sa.ColumnElement[bool]] = [sa.true()]
        wanted += [columns.project_id == project_id] if project_id is not None else []
        wanted += [columns.kind == kind] if kind is not None else []
        wanted += [columns.id > after_id] if after_id is not None else []
        with self._read() as connection:
            return chain.read(connection, sa.and_(*wanted), limit, newest=after_id is None)

    def verify_events(self) -> ChainCheck:
        """Find a row of the log that was edited, deleted, inserted or moved."""
        with self._read() as connection:
            return chain.verify(connection)

    # cycles

    def open_findings(self, project_id: str) -> tuple[Finding, ...]:
        """Return what is flagged now; first_seen and deadline are as first stored; exempted ones are left out."""
        with self._read() as connection:
            return history.open_findings(connection, project_id)

    def has_cycle(self, project_id: str) -> bool:
        """Whether a cycle of the project was recorded before."""
        return self.job_state(CYCLE_JOB.format(project_id)).last_success is not None

    def record_cycle(self, report: Report, events: Sequence[Event], messages: Sequence[Message], now: datetime) -> None:
        """Record a whole cycle: findings, events, messages and job state, all or none."""
        with self._write() as connection:
            history.record(connection, report, now)
            chain.append(connection, events, now)
            outbox.queue(connection, messages, now)
            times = {
                "last_start": report.started_at,
                "last_end": report.finished_at,
                "last_success": report.finished_at,
            }
            outbox.write_job(connection, CYCLE_JOB.format(report.project_id), last_error="", **times)

    # exemptions

    def add_exemptions(self, exemptions: Sequence[Exemption], now: datetime) -> None:
        """Write exemptions and an event for each; a newer one of the same branch replaces the older."""
        with self._write() as connection:
            history.add_exemptions(connection, exemptions)
            chain.append(connection, [_exempted(exemption) for exemption in exemptions], now)

    def add_exemption(self, exemption: Exemption, now: datetime) -> None:
        """Write one exemption and its event."""
        self.add_exemptions([exemption], now)

    def active_exemptions(self, project_id: str, now: datetime) -> tuple[Exemption, ...]:
        """Return the exemptions whose end has not come."""
        with self._read() as connection:
            return history.active_exemptions(connection, project_id, now)

    def remove_exemption(self, project_id: str, branch_id: str, now: datetime) -> bool:
        """Remove an exemption and write an event; False when there was none."""
        with self._write() as connection:
            removed = history.remove_exemption(connection, project_id, branch_id)
            if removed:
                sentence = f"The exemption of {removed.branch_name} was removed."
                chain.append(connection, [Event("exemption.removed", project_id, branch_id, sentence)], now)
        return removed is not None

    # the ledger of sanitize runs

    def start_run(self, run: SanitizeRun) -> None:
        """Write a new run."""
        with self._write() as connection:
            ledger.start(connection, run)

    def advance_run(
        self,
        run_id: str,
        step: RunStep,
        now: datetime,
        *,
        events: Sequence[Event] = (),
        messages: Sequence[Message] = (),
        **changes: Unpack[ledger.RunFields],
    ) -> None:
        """Write the step that a run reached, what it brought and what is told of it; a run that ended is refused."""
        with self._write() as connection:
            ledger.advance(connection, run_id, step, changes, now)
            chain.append(connection, events, now)
            outbox.queue(connection, messages, now)

    def unfinished_runs(self, project_id: str) -> tuple[SanitizeRun, ...]:
        """Return runs that did not end: running now, or cut off by a crash."""
        with self._read() as connection:
            return ledger.unfinished(connection, project_id)

    def get_run(self, run_id: str) -> SanitizeRun | None:
        """Return a run, or None."""
        with self._read() as connection:
            return ledger.get(connection, run_id)

    def list_runs(self, project_id: str, limit: int = 100) -> tuple[SanitizeRun, ...]:
        """Return the newest runs of a project, newest first."""
        with self._read() as connection:
            return ledger.find(connection, tables.runs.c.project_id == project_id, limit)

    def published(self, project_id: str) -> tuple[LedgerEntry, ...]:
        """Return an entry for every branch that is still published, newest first."""
        with self._read() as connection:
            found = ledger.published(connection, project_id)
            wanted = sa.and_(tables.events.c.project_id == project_id, tables.events.c.kind == DISPROVED)
            found = ledger.disproved(found, chain.read(connection, wanted, -1, newest=False))
        return tuple(self._believe(entry) for entry in found)

    def mark_superseded(self, run_id: str, name: str, now: datetime) -> None:
        """Write that a newer branch took the place of a published one, and the name that it has now."""
        with self._write() as connection:
            ledger.mark(connection, run_id, now, superseded_at=now, target_name=name)

    def mark_deleted(self, run_id: str, now: datetime) -> None:
        """Write that a published branch is gone."""
        with self._write() as connection:
            ledger.mark(connection, run_id, now, deleted_at=now)

    # jobs

    def start_job(self, name: str, now: datetime) -> None:
        """Write that a job started."""
        with self._write() as connection:
            outbox.write_job(connection, name, last_start=now)

    def record_job(self, name: str, ok: bool, sentence: str, now: datetime) -> None:  # noqa: FBT001  named by every caller
        """Write how a job ended; the sentence is the error, or ignored when all went well."""
        changes: dict[str, datetime | str] = {"last_end": now, "last_error": "" if ok else sentence}
        if ok:
            changes["last_success"] = now
        with self._write() as connection:
            outbox.write_job(connection, name, **changes)

    def job_state(self, name: str) -> JobState:
        """Return what is known of a job; one that never ran has an empty state."""
        with self._read() as connection:
            return outbox.job_state(connection, name)

    def heartbeat(self, now: datetime) -> None:
        """Write that the scheduler lives; also the proof that the store can be written."""
        with self._write() as connection:
            outbox.write_job(connection, outbox.SCHEDULER, heartbeat=now)

    def last_heartbeat(self) -> datetime | None:
        """Return when the scheduler last showed that it lives."""
        with self._read() as connection:
            return outbox.last_heartbeat(connection)

    # the outbox

    def queue_message(self, message: Message, now: datetime) -> None:
        """Queue a message once per dedup key, ever."""
        self.record([], [message], now)

    def due_messages(self, now: datetime, limit: int = 20) -> tuple[QueuedMessage, ...]:
        """Return what is to be sent now, oldest first."""
        with self._read() as connection:
            return outbox.find(connection, sa.and_(outbox.PENDING, tables.outbox.c.due_at <= now), limit)

    def pending_messages(self) -> int:
        """Count what is not delivered."""
        with self._read() as connection:
            return outbox.pending(connection)

    def mark_delivered(self, message_id: int, now: datetime) -> None:
        """Write that the receiver took a message."""
        with self._write() as connection:
            outbox.mark_delivered(connection, message_id, now)

    def mark_retry(self, message_id: int, next_at: datetime, error: str) -> None:
        """Write that a message was refused, why, and when to try again."""
        with self._write() as connection:
            outbox.mark_retry(connection, message_id, next_at, error)

    def hold_outbox(self, until: datetime) -> None:
        """Let no pending message go before `until`."""
        with self._write() as connection:
            outbox.hold(connection, until)

    def list_outbox(self, include_delivered: bool = False) -> tuple[QueuedMessage, ...]:  # noqa: FBT001, FBT002  named by every caller
        """Return messages in the order in which they were queued."""
        with self._read() as connection:
            return outbox.find(connection, sa.true() if include_delivered else outbox.PENDING)


def _exempted(exemption: Exemption) -> Event:
    until = exemption.until.isoformat(timespec="minutes")
    sentence = f"{exemption.branch_name} is exempt until {until}: {exemption.reason}"
    data = {"until": exemption.until.isoformat(), "reason": exemption.reason}
    return Event("exemption.added", exemption.project_id, exemption.branch_id, sentence, data)
