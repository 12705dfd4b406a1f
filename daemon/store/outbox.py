"""The outbox and the job states."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from daemon.records import JobState, Message, QueuedMessage
from daemon.store.tables import jobs, outbox

PENDING = outbox.c.delivered_at.is_(None)
SCHEDULER = "scheduler"  # the job row that carries the heartbeat


def queue(connection: sa.Connection, messages: Iterable[Message], now: datetime) -> None:
    """Queue messages; one whose dedup key was ever queued is left out."""
    for message in messages:
        row = {
            "dedup_key": message.dedup_key,
            "text": message.text,
            "blocks": list(message.blocks),
            "queued_at": now,
            "due_at": now,
            "attempts": 0,
            "last_error": "",
        }
        connection.execute(insert(outbox).values(row).on_conflict_do_nothing(index_elements=["dedup_key"]))


def find(connection: sa.Connection, wanted: sa.ColumnElement[bool], limit: int = -1) -> tuple[QueuedMessage, ...]:
    """Return messages in the order in which they were queued; a limit of -1 is none."""
    rows = connection.execute(sa.select(outbox).where(wanted).order_by(outbox.c.id).limit(limit))
    return tuple(_queued(row) for row in rows)


def pending(connection: sa.Connection) -> int:
    """Count what is not delivered."""
    return connection.execute(sa.select(sa.func.count()).where(PENDING)).scalar_one()


def mark_delivered(connection: sa.Connection, message_id: int, now: datetime) -> None:
    """Write that the receiver took a message."""
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.id == message_id)
        .values(delivered_at=now, attempts=outbox.c.attempts + 1, last_error="")
    )


def mark_retry(connection: sa.Connection, message_id: int, next_at: datetime, error: str) -> None:
    """Write that a message was refused and when to try again."""
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.id == message_id)
        .values(due_at=next_at, attempts=outbox.c.attempts + 1, last_error=error)
    )


def hold(connection: sa.Connection, until: datetime) -> None:
    """Let no pending message go before `until`: the receiver asked for a pause, or does not answer."""
    connection.execute(sa.update(outbox).where(PENDING, outbox.c.due_at < until).values(due_at=until))


def write_job(connection: sa.Connection, name: str, **changes: datetime | str) -> None:
    """Write what is new about a job."""
    row = {"name": name, "last_error": "", **changes}
    connection.execute(insert(jobs).values(row).on_conflict_do_update(index_elements=["name"], set_=changes))


def job_state(connection: sa.Connection, name: str) -> JobState:
    """Return what is known of a job; a job that never ran has an empty state."""
    columns = [jobs.c[field] for field in JobState.__dataclass_fields__]
    row = connection.execute(sa.select(*columns).where(jobs.c.name == name)).one_or_none()
    return JobState(name) if row is None else JobState(**row._asdict())


def last_heartbeat(connection: sa.Connection) -> datetime | None:
    """Return when the scheduler last showed that it lives."""
    found: datetime | None = connection.execute(sa.select(jobs.c.heartbeat).where(jobs.c.name == SCHEDULER)).scalar()
    return found


def _queued(row: sa.Row[tuple[object, ...]]) -> QueuedMessage:
    values = row._asdict()
    message = Message(values.pop("text"), tuple(values.pop("blocks")), values.pop("dedup_key"))
    return QueuedMessage(message=message, **values)
