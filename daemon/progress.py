"""What a run tells while it works, and how another thread ends it."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from daemon.errors import StoppedError

CANCEL_TIMEOUT = 5.0  # seconds, for each connection
CANCEL_EVERY = 1.0  # seconds


@dataclass(frozen=True)
class Progress:
    """One thing to tell. `fine` ones only count on: `done` of `total`, which is 0 where nobody knows."""

    step: str
    sentence: str
    fine: bool = False
    done: int = 0
    total: int = 0


class Connections:
    """The connections of a run, so that another thread can cancel what they do."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[psycopg.Connection] = weakref.WeakSet()
        self._lock = threading.Lock()

    def add(self, connection: psycopg.Connection) -> None:
        """Remember a connection for as long as it lives."""
        with self._lock:
            self._open.add(connection)

    def cancel(self) -> None:
        """Ask each server to give up what it is doing; a connection that is gone already needs no asking."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(psycopg.Error):
                if not connection.closed:
                    connection.cancel_safe(timeout=CANCEL_TIMEOUT)


@dataclass(frozen=True)
class Watch:
    """Whom a run tells, and how it is ended."""

    tell: Callable[[Progress], None]
    stop: threading.Event = field(default_factory=threading.Event)
    connections: Connections = field(default_factory=Connections)
    ahead: threading.Event = field(default_factory=threading.Event)
    """Set for as long as nothing was begun, see `breakable`."""

    def abandon(self) -> None:
        """End the run from a thread of its own, as `abandon` does it."""
        abandon(self.stop, self.connections)


@contextmanager
def breakable(ahead: threading.Event) -> Iterator[None]:
    """Tell the signal handlers that nothing was begun, so that they may break off whatever the main thread does.

    Raises StoppedError where one did.
    """
    ahead.set()
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError("stopped on request\nThe run had not begun: it has created and changed nothing.") from None
    finally:
        ahead.clear()


def abandon(stop: threading.Event, connections: Connections) -> None:
    """Stop a run from a thread of its own: nothing new begins, and whatever statement runs is cancelled.

    Safe in a signal handler: it takes no lock there. It goes on cancelling, since a statement may just begin.
    """

    def end() -> None:
        stop.set()
        while True:
            connections.cancel()
            time.sleep(CANCEL_EVERY)

    threading.Thread(target=end, name="abandon", daemon=True).start()
