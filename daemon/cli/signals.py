"""What SIGTERM and Ctrl-C do to a run."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def signals(abandon: Callable[[], None], ahead: threading.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C abandon the run; a second one ends the process at once.

    While `ahead` is set nothing was begun: then they break off whatever this thread does, as Ctrl-C would, be it a
    question to a server, to a person or the making of a plan. The driver cancels what it waits for.
    """
    asked: list[int] = []

    def end(number: int, _: object) -> None:
        # The others keep this handler: Python drops a signal, with a stack trace, that came before its handler went.
        signal.signal(number, signal.SIG_DFL)
        if asked:
            os.kill(os.getpid(), number)
        asked.append(number)
        if ahead.is_set():
            raise KeyboardInterrupt
        abandon()

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
