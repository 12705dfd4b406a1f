"""Empties the outbox: at least once, in order, ever more slowly while the receiver refuses, nothing dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.alerts.webhook import DeliveryError
from daemon.records import Message, QueuedMessage
from daemon.store import Store

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class Delivered:
    """What a round came to; `waiting` counts what is left in the outbox, `error` is the last refusal."""

    sent: int
    failed: int
    waiting: int
    error: str = ""


def deliver_due(store: Store, send: Callable[[Message], None] | None, now: datetime) -> Delivered:
    """Send what is due. Without a sender everything stays where it is.

    A crash between sending and marking sends a message twice; none is ever lost.
    """
    sent, errors = 0, []
    for queued in store.due_messages(now) if send else ():
        error = _refusal(send, queued.message)
        if error is None:
            store.mark_delivered(queued.id, now)
            sent += 1
            continue
        errors.append(str(error))
        if _put_off(store, queued, error, now):
            break
    return Delivered(sent, len(errors), store.pending_messages(), errors[-1] if errors else "")


def pause(error: DeliveryError, attempts: int) -> timedelta:
    """How long to wait after a refusal: as asked, or doubling from half a minute to an hour."""
    if error.permanent:
        return max(LONGEST_PAUSE, error.retry_after or timedelta(0))
    return error.retry_after or min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts, 10))


def _refusal(send: Callable[[Message], None] | None, message: Message) -> DeliveryError | None:
    try:
        if send:
            send(message)
    except DeliveryError as error:
        return error
    return None


def _put_off(store: Store, queued: QueuedMessage, error: DeliveryError, now: datetime) -> bool:
    """Write the next try; True when the receiver as such refuses, so that the others wait as well."""
    next_at = now + pause(error, queued.attempts)
    store.mark_retry(queued.id, next_at, str(error))
    if not error.about_message:
        store.hold_outbox(next_at)
    return not error.about_message
