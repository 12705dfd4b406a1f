"""The servers of all branches: each is started by its first user, stopped when idle, and copied in between.

One lock per branch: a server is never started, stopped or copied by two at a time. Blocking work runs in threads.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from emulator import copies, history
from emulator.binaries import Binaries
from emulator.errors import ApiError, PostgresError
from emulator.postgres import Runtime, Server

NEW, OLD = ".new", ".old"  # data directories on their way in and out
REAP_LIMIT = 10.0  # seconds for the servers of a killed emulator to go


@dataclass
class Berth:
    """The place of one branch: its lock, its server, and who uses it since when."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    server: Server | None = None
    users: int = 0
    used_at: float = 0.0  # monotonic seconds
    started_at: float = 0.0  # monotonic seconds


class Fleet:
    """All servers of an emulator. `folder` holds a data directory per branch, `templates` one per version."""

    def __init__(self, runtime: Runtime, folder: Path, templates: Path) -> None:
        self.folder = folder
        self._templates = templates
        self._runtime = runtime
        # Told of every start (None) and stop (the seconds that the server ran) of a branch.
        self.changed: Callable[[str, float | None], None] = lambda _branch_id, _ran: None
        self._berths: defaultdict[str, Berth] = defaultdict(Berth)
        self._majors: dict[str, int] = {}
        self._kept: set[str] = set()
        self._template_lock = asyncio.Lock()

    def data(self, branch_id: str) -> Path:
        """The data directory of a branch."""
        return self.folder / "branches" / branch_id

    def enrol(self, branch_id: str, major: int, *, history: bool = False) -> None:
        """Say which Postgres a branch needs, and whether one may go back in its history."""
        self._majors[branch_id] = major
        (self._kept.add if history else self._kept.discard)(branch_id)

    @asynccontextmanager
    async def using(self, branch_id: str) -> AsyncIterator[Server]:
        """Wake the branch's server and keep it awake for the time of the block."""
        if branch_id not in self._majors:
            raise PostgresError("the branch is gone")
        berth = self._berths[branch_id]
        async with berth.lock:
            server = await self._wake(branch_id, berth)
            berth.users += 1
        try:
            yield server
        finally:
            berth.users -= 1
            berth.used_at = time.monotonic()

    async def suspend(self, branch_id: str, *, immediate: bool = False) -> None:
        """Stop the branch's server, whoever uses it."""
        berth = self._berths[branch_id]
        async with berth.lock:
            await self._stop(branch_id, berth, immediate=immediate)

    async def stop_idle(self, seconds: float) -> None:
        """Stop every server that nobody has used for so long."""
        limit = time.monotonic() - seconds
        for branch_id, berth in list(self._berths.items()):
            if berth.server is None or berth.users or berth.used_at > limit or berth.lock.locked():
                continue
            await self.suspend(branch_id)

    async def stop_all(self) -> None:
        """Stop every server, at the end of the program."""
        await asyncio.gather(*(self.suspend(b) for b in list(self._berths)))

    async def create_empty(self, branch_id: str) -> None:
        """Make the data directory of a new root: `neon_superuser` and nothing else."""
        template = await self._template(self._majors[branch_id])
        await asyncio.to_thread(copies.copy_stopped, self._binaries(branch_id), template, self.data(branch_id))

    async def create_copy(self, source_id: str, branch_id: str) -> None:
        """Make the data directory of a child: the source as it is now, whether it runs or not."""
        await self._copy(source_id, self.data(branch_id))

    async def create_schema(self, source_id: str, branch_id: str) -> None:
        """Make the data directory of a schema-only root."""
        await self.create_empty(branch_id)
        async with self.using(source_id) as source, self.using(branch_id) as target:
            await asyncio.to_thread(copies.copy_schema, source, target)

    async def find_moment(self, source_id: str, wanted: str | datetime, since: datetime) -> history.Moment:
        """Find the moment of an LSN or a time in the history of a branch; raises ApiError where it is not kept."""
        if source_id not in self._kept:
            raise ApiError(422, "the emulator keeps the history of the root that its seed made, and of no other branch")
        binaries = self._binaries(source_id)
        return await asyncio.to_thread(history.find_moment, binaries, self.data(source_id), wanted, since)

    async def create_past(self, lsn: str, source_id: str, branch_id: str) -> None:
        """Make the data directory of a child: the source as it was at an LSN."""
        folders = await self._template(self._majors[branch_id]), self.data(source_id), self.data(branch_id)
        await asyncio.to_thread(history.make_past, self._runtime, self._binaries(branch_id), folders, lsn)

    async def replace(self, branch_id: str, source_id: str, keep: str | None = None) -> None:
        """Put a copy of `source_id` under a branch; `keep` names the branch that gets the old data, else they go."""
        fresh = self.data(branch_id).with_suffix(NEW)
        await self._copy(source_id, fresh)
        berth = self._berths[branch_id]
        async with berth.lock:
            await self._stop(branch_id, berth)
            old = self.data(keep) if keep else self.data(branch_id).with_suffix(OLD)
            self.data(branch_id).rename(old)
            fresh.rename(self.data(branch_id))
        if keep is None:
            await asyncio.to_thread(copies.remove, old)

    async def drop(self, branch_id: str) -> None:
        """Stop the server of a deleted branch and remove its data."""
        await self.suspend(branch_id, immediate=True)
        self._berths.pop(branch_id, None)
        self._majors.pop(branch_id, None)
        self._kept.discard(branch_id)
        await asyncio.to_thread(copies.remove, self.data(branch_id))

    async def size(self, branch_id: str) -> int:
        """Give the size of a branch's databases in bytes."""
        return await asyncio.to_thread(copies.size_of, self.data(branch_id))

    async def lsn(self, branch_id: str) -> str:
        """Give the place in the parent's history that a fresh copy begins at."""
        return await asyncio.to_thread(copies.checkpoint, self._binaries(branch_id), self.data(branch_id))

    def in_use(self) -> list[str]:
        """Give the branches that somebody is connected to."""
        return [branch_id for branch_id, berth in self._berths.items() if berth.users]

    def _binaries(self, branch_id: str) -> Binaries:
        major = self._majors[branch_id]
        return self._runtime.binaries if self._runtime.binaries.major == major else Binaries.find(major)

    async def _copy(self, source_id: str, target: Path) -> None:
        berth = self._berths[source_id]
        async with berth.lock:
            if berth.server is not None and not berth.users:
                await self._stop(source_id, berth)  # nobody is there to notice, and a stopped one copies faster
            if berth.server is None:
                return await asyncio.to_thread(
                    copies.copy_stopped, self._binaries(source_id), self.data(source_id), target
                )
        async with self.using(source_id) as server:
            return await asyncio.to_thread(copies.copy_running, server, target)

    async def _wake(self, branch_id: str, berth: Berth) -> Server:
        if berth.server is None or not berth.server.running:
            options = history.KEPT if branch_id in self._kept else ()
            server = self._runtime.server(self.data(branch_id), self._binaries(branch_id), options)
            await asyncio.to_thread(server.start)
            berth.server, berth.started_at = server, time.monotonic()
            self.changed(branch_id, None)
        berth.used_at = time.monotonic()
        return berth.server

    async def _stop(self, branch_id: str, berth: Berth, *, immediate: bool = False) -> None:
        server, berth.server = berth.server, None
        if server is not None:
            await asyncio.to_thread(server.stop, immediate=immediate)
            self.changed(branch_id, time.monotonic() - berth.started_at)

    async def _template(self, major: int) -> Path:
        path = self._templates / f"template-{major}"
        async with self._template_lock:
            if not path.exists():
                fresh = path.with_suffix(".new")
                copies.remove(fresh)
                server = self._runtime.server(fresh, Binaries.find(major))
                await asyncio.to_thread(copies.make_template, server)
                fresh.rename(path)
        return path


def tidy(folder: Path, known: Collection[str]) -> None:
    """Finish or undo what a killed emulator was doing with data directories; those of unknown branches go."""
    branches = folder / "branches"
    for branch_id in known:
        data = branches / branch_id
        halves = [p for p in (data.with_suffix(NEW), data.with_suffix(OLD)) if p.exists()]
        if halves and not data.exists():
            halves[0].rename(data)
    for path in branches.glob("*"):
        if path.name not in known:
            copies.remove(path)


def reap(folder: Path) -> None:
    """Stop the servers that a killed emulator left running on the data directories of this folder."""
    pids = [p for data in (folder / "branches").glob("*") if (p := _server_of(data))]
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + REAP_LIMIT
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in filter(_alive, pids):
        os.kill(pid, signal.SIGQUIT)


def _server_of(data: Path) -> int | None:
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    # The number may be another program's by now: only one that names this very directory is ours.
    return pid if _alive(pid) and str(data) in _command_line(pid) else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _command_line(pid: int) -> str:
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.exists():
        return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
