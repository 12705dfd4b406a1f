"""A few threads that take jobs off one list. The first failure ends them all, and is the one that is told."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Event
from typing import Generic, TypeVar

import psycopg

Hand = TypeVar("Hand")
Job = TypeVar("Job")


class Crew(Generic[Hand]):
    """Hands that each hold connections of their own; `connections` says which, so that they can be cancelled."""

    def __init__(self, hands: Sequence[Hand], connections: Callable[[], Iterable[psycopg.Connection]]) -> None:
        self.hands = tuple(hands)
        self._connections = connections

    def work(self, jobs: Iterable[Job], do: Callable[[Hand, Job], None]) -> None:
        """Do every job once, in the order given as hands come free; answers when all are done.

        Raises:
            Exception: that of the first job that failed; no job is under way any more.
        """
        waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        hands = self.hands[: max(1, waiting.qsize())]
        if len(hands) == 1:
            _take(hands[0], waiting, do, Event())
        else:
            self._share(hands, waiting, do)

    def _share(self, hands: Sequence[Hand], waiting: queue.SimpleQueue[Job], do: Callable[[Hand, Job], None]) -> None:
        over = Event()
        with ThreadPoolExecutor(len(hands), "branchwarden-stream") as threads:
            futures = [threads.submit(_take, hand, waiting, do, over) for hand in hands]
            try:
                done = wait(futures, return_when=FIRST_EXCEPTION).done
            finally:
                over.set()
                self._cancel_until_done(futures)
        for future in done:
            future.result()

    def _cancel_until_done(self, futures: Sequence[Future[None]]) -> None:
        # Once may be too early: a hand between two statements has nothing that could be cancelled.
        while wait(futures, timeout=0).not_done:
            for connection in self._connections():
                with suppress(psycopg.Error):  # it may be the very one that was lost
                    connection.cancel_safe(timeout=5)
            wait(futures, timeout=0.2)


def _take(hand: Hand, waiting: queue.SimpleQueue[Job], do: Callable[[Hand, Job], None], over: Event) -> None:
    while not over.is_set():
        try:
            job = waiting.get_nowait()
        except queue.Empty:
            return
        do(hand, job)
