"""What SIGTERM and Ctrl-C do to a run."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def signals(abandon: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and Ctrl-C abandon the run; a second one ends the process at once."""

    def end(*_: object) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        abandon()

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
