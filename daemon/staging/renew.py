"""Keeps the expiry of the run's branches two hours ahead while the run lives, and not a minute longer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from daemon.errors import NeonError
from daemon.model import Branch
from daemon.neon import BranchChange, NeonClient

LIFE = timedelta(hours=2)  # long enough to survive an outage of the API, short enough for a forgotten raw copy
EVERY = timedelta(minutes=30)


class Renewal:
    """Moves `expires_at` of branches ahead from a thread of its own; `lost` tells when that stopped working."""

    def __init__(
        self, client: NeonClient, project_id: str, clock: Callable[[], datetime], every: timedelta = EVERY
    ) -> None:
        self._client = client
        self._project_id = project_id
        self._clock = clock
        self._every = every
        self._branches: tuple[Branch, ...] = ()
        self._branch_ids: Sequence[str] = ()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_stopped, name="renewal", daemon=True)
        self._good_until: datetime | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def watch(self, branches: Sequence[Branch]) -> None:
        """Renew these branches, all of which expire."""
        self._branches = tuple(branches)
        self._branch_ids = tuple(branch.id for branch in branches)
        self._good_until = min(branch.expires_at for branch in branches if branch.expires_at)

    def watch_too(self, branch: Branch) -> None:
        """Renew one more branch."""
        self.watch((*self._branches, branch))

    def forget(self) -> None:
        """Renew nothing until something is to be watched again."""
        self._branches, self._branch_ids, self._good_until = (), (), None

    def stop(self) -> None:
        """Stop renewing: from here on the publish owns the expiry."""
        self._stop.set()
        self._thread.join()

    @property
    def lost(self) -> bool:
        """Whether the branches may be gone because no renewal got through for a whole life."""
        broken = not self._thread.is_alive() and not self._stop.is_set()
        return broken or (self._good_until is not None and self._clock() >= self._good_until)

    def _renew_until_stopped(self) -> None:
        wait = self._every
        while not self._stop.wait(wait.total_seconds()):
            wait = self._every if self._renew() else self._every / 15

    def _renew(self) -> bool:
        expires_at = self._clock() + LIFE
        try:
            for branch_id in self._branch_ids:
                change = BranchChange(expires_at=expires_at)
                operations = self._client.update_branch(self._project_id, branch_id, change)
                self._client.wait_for(self._project_id, operations)
        except NeonError:
            # Not lost yet: the next try comes in two minutes, and `lost` says when it is too late.
            return False
        self._good_until = expires_at
        return True
