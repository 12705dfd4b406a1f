"""Runs an emulated Neon: HTTP API, proxy, seed and housekeeping, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import uvicorn

from emulator import branches, fleet, ids, rules, seed, store
from emulator.api.app import build
from emulator.binaries import Account, Binaries
from emulator.cloud import Cloud, utc_now
from emulator.errors import ApiError, EmulatorError
from emulator.fleet import Fleet
from emulator.folder import note_sockets, opened
from emulator.postgres import Runtime
from emulator.proxy import Proxy
from emulator.sow import Sowing
from emulator.state import State

LOOPBACK = "127.0.0.1"
EMPTY = "empty"  # the built-in seed of a project with nothing in it
TURN = 0.2  # seconds
STOP_LIMIT = 60.0  # seconds for everything to stop


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Tuning:
    """What is seldom set: times in seconds, where progress is told, where empty clusters are kept for reuse."""

    idle: float = 300.0
    housekeeping: float = 1.0
    clock: Callable[[], datetime] = utc_now
    tell: Callable[[str], None] = _silent
    templates: Path | None = None


@dataclass(frozen=True)
class Emulator:
    """A running emulator, seen from outside."""

    base_url: str
    api_key: str
    project_ids: tuple[str, ...]
    folder: Path
    proxy_port: int

    def branch_folder(self, branch_id: str) -> Path:
        """The data directory of a branch."""
        return self.folder / "branches" / branch_id


@contextmanager
def running(
    place: str | Path | None = None, *, data: Path | None = None, port: int = 0, tuning: Tuning | None = None
) -> Iterator[Emulator]:
    """Run an emulator for the time of the block; raises EmulatorError when it cannot start.

    `place` is a built-in seed or a seed folder; a folder `data` that an earlier run has filled goes before it.
    Without `data` everything is gone at the end.
    """
    with opened(data, Account.current()) as folder, _listening(port) as listener:
        thread = Thread(folder, listener, place or EMPTY, tuning or Tuning())
        thread.start()
        try:
            yield thread.wait()
        finally:
            thread.stop()


class Thread:
    """The thread with the event loop that everything runs in."""

    def __init__(self, folder: Path, listener: socket.socket, place: str | Path, tuning: Tuning) -> None:
        self.ready: Future[Emulator] = Future()
        self._folder = folder
        self._listener = listener
        self._place = place
        self._tuning = tuning
        self._http: uvicorn.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._main, name="emulator", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self) -> Emulator:
        """Wait until everything is loaded; raises what went wrong."""
        # In short turns: a signal that the system gives to another thread would not wake a long one.
        while not futures.wait([self.ready], TURN).done:
            pass
        return self.ready.result()

    def stop(self) -> None:
        """End, and wait for the end of every server."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: it ended by itself
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(STOP_LIMIT)

    def _end(self) -> None:
        if self._http is not None:
            self._http.should_exit = True  # lets requests finish
        elif self._task is not None:
            self._task.cancel()  # still loading

    def _main(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except BaseException as error:  # crosses the thread: `ready.result()` raises it again
            if self.ready.done():
                raise
            self.ready.set_exception(error)

    async def _serve(self) -> None:
        self._task = asyncio.current_task()
        runtime = Runtime(Binaries.find())
        note_sockets(self._folder, runtime.folder)
        try:
            await self._serve_on(runtime)
        finally:
            runtime.close()

    async def _serve_on(self, runtime: Runtime) -> None:
        cloud = _cloud(self._folder, runtime, self._tuning)
        proxy = Proxy(cloud.fleet, cloud.resolve, cloud.wait_ready)
        cloud.state.proxy_port = await _start(proxy, cloud.state.proxy_port)
        try:
            if not cloud.state.seeded:
                await Sowing(cloud, *seed.read(self._place), self._tuning.tell).run()
            await self._answer(cloud)
        finally:
            await proxy.stop()
            await cloud.settle()
            await cloud.fleet.stop_all()
            cloud.save()

    async def _answer(self, cloud: Cloud) -> None:
        config = uvicorn.Config(build(cloud), log_config=None, access_log=False, lifespan="off", ws="none")
        self._http = uvicorn.Server(config)
        chores = asyncio.create_task(keep_house(cloud, self._tuning))
        self.ready.set_result(_outside(cloud, self._listener))
        try:
            await self._http.serve(sockets=[self._listener])
        finally:
            chores.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await chores


async def keep_house(cloud: Cloud, tuning: Tuning) -> None:
    """Note who is active, stop what is idle and delete what has expired, until cancelled."""
    while True:
        await asyncio.sleep(tuning.housekeeping)
        cloud.note_activity()
        await cloud.fleet.stop_idle(tuning.idle)
        delete_expired(cloud)


def delete_expired(cloud: Cloud) -> None:
    """Begin to delete the branches whose time has come; a project where something goes on has to wait."""
    for project in cloud.state.projects.values():
        for branch in branches.expired(project, cloud.now):
            with contextlib.suppress(ApiError):  # locked by its own last deletion: the next round takes it
                rules.check_unlocked(project)
                branches.delete(cloud, project, branch)


def _cloud(folder: Path, runtime: Runtime, tuning: Tuning) -> Cloud:
    servers = Fleet(runtime, folder, tuning.templates or folder)
    state = store.load(folder)
    if state is None or not state.seeded:  # a load that was broken off begins anew
        state = State(api_key=ids.api_key(), org_id=f"org-{ids.project_id()}", started_at=tuning.clock())
    else:
        tuning.tell(f"going on with the data in {folder}, no seed is loaded")
    cloud = Cloud(state, folder, servers, tuning.clock)
    servers.changed = cloud.server_changed
    cloud.recover()
    fleet.tidy(folder, [b for p in cloud.state.projects.values() for b in p.branches])
    return cloud


def _outside(cloud: Cloud, listener: socket.socket) -> Emulator:
    port = listener.getsockname()[1]
    return Emulator(
        base_url=f"http://{LOOPBACK}:{port}/api/v2",
        api_key=cloud.state.api_key,
        project_ids=tuple(cloud.state.projects),
        folder=cloud.folder,
        proxy_port=cloud.state.proxy_port,
    )


async def _start(proxy: Proxy, port: int) -> int:
    # The port of the last run again, so that connection strings stay good; another one where it is taken.
    try:
        return await proxy.start(port)
    except OSError:
        return await proxy.start()


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            raise EmulatorError(f"Port {port} of {LOOPBACK} cannot be used: {error.strerror}. Name another.") from error
        listener.listen()  # from now on clients wait instead of being turned away
        yield listener
