"""Where a run stands: told to the caller, timed, and ended when the caller wants no more. Several threads may tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event

from sanitizers.errors import CopyFailedError

Say = Callable[[str, int, int], None]
"""Told about each thing before it is done: what, how many are done, how many there are."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands: step, the object that it is at, and how much of the step is done (rows while loading)."""

    step: str
    about: str
    done: int = 0
    total: int = 0
    """0 where nobody knows; while loading the estimate of the last ANALYZE, which `done` may pass."""


class Track:
    """Tells the caller where the run is, times the steps, and ends the run when it was stopped."""

    def __init__(self, progress: Callable[[Progress], None], stop: Event) -> None:
        self._progress = progress
        self._stop = stop
        self._step = Progress("connect", "databases")
        self._of_thread = threading.local()
        self._telling = threading.Lock()
        self._since = time.monotonic()
        self.seconds: dict[str, float] = {}

    def step(self, name: str, about: str = "") -> Say:
        """Begin a step; the answer is to be told about each thing in it."""
        self._book()
        self._step = Progress(name, "")
        self.say(about)
        return self.say

    def say(self, about: str, done: int = 0, total: int = 0) -> None:
        """Report progress, one thread at a time; raises CopyFailedError when the run was stopped."""
        if self._stop.is_set():
            raise CopyFailedError(f"{self.about()}: stopped on request; the target is incomplete, discard it")
        self._of_thread.now = now = Progress(self._step.step, about, done, total)
        with self._telling:
            self._progress(now)

    def about(self) -> str:
        """What this thread is doing, for a person."""
        now: Progress = getattr(self._of_thread, "now", self._step)
        return f"{now.step} {now.about}".strip()

    def finish(self) -> Mapping[str, float]:
        """End the last step; seconds by step."""
        self._book()
        return self.seconds

    def _book(self) -> None:
        now = time.monotonic()
        self.seconds[self._step.step] = self.seconds.get(self._step.step, 0.0) + now - self._since
        self._since = now
