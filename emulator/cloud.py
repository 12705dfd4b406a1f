"""The emulated Neon as a whole: state, servers, clock, and the operations that go on in the background."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import psycopg

from emulator import ids, store
from emulator.errors import ApiError, EmulatorError
from emulator.fleet import Fleet
from emulator.proxy import RefusedError
from emulator.state import Branch, Endpoint, Operation, Project, Role, State

T = TypeVar("T")
Step = tuple[str, Callable[[], Awaitable[None]]]
"""An operation's action and what is done for it."""

KEPT_OPERATIONS = 1000  # per project; the API promises months, nobody asks a laptop for them
WORK_ERRORS = (EmulatorError, OSError, psycopg.Error)


def utc_now() -> datetime:
    """The clock that an emulator goes by unless a test brings its own."""
    return datetime.now(UTC)


@dataclass
class Cloud:
    """Everything that a request may touch."""

    state: State
    folder: Path
    fleet: Fleet
    clock: Callable[[], datetime] = utc_now
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _work: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.clock()

    def save(self) -> None:
        """Write the state to disk."""
        store.save(self.folder, self.state)

    def project(self, project_id: str) -> Project:
        """Find a project or refuse."""
        return _found(self.state.projects.get(project_id), "project not found")

    def branch(self, project_id: str, branch_id: str) -> Branch:
        """Find a branch or refuse."""
        return _found(self.project(project_id).branches.get(branch_id), "branch not found")

    def endpoint(self, project_id: str, endpoint_id: str) -> Endpoint:
        """Find an endpoint or refuse."""
        return _found(self.project(project_id).endpoints.get(endpoint_id), "endpoint not found")

    def role(self, project_id: str, branch_id: str, name: str) -> Role:
        """Find a role of a branch or refuse."""
        return _found(self.branch(project_id, branch_id).roles.get(name), "role not found")

    def schedule(
        self, project: Project, steps: Sequence[Step], *, branch: Branch | None = None, endpoint_id: str | None = None
    ) -> list[Operation]:
        """Begin operations in the background, one after the other, and give them as they are at this moment."""
        operations = [self._operation(project, action, branch, endpoint_id) for action, _ in steps]
        operations[0].status = "running"
        project.operations |= {o.id: o for o in operations}
        for old in list(project.operations)[:-KEPT_OPERATIONS]:
            del project.operations[old]
        self.save()
        task = self.spawn(self._run(list(zip(operations, [work for _, work in steps], strict=True))))
        if branch is not None:
            self._work[branch.id] = task
        return [o.model_copy() for o in operations]

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something in the background until it ends or the program does."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def recover(self) -> None:
        """Close what an emulator that was killed left open; half-made branches go."""
        for project in self.state.projects.values():
            for operation in project.unfinished():
                operation.status, operation.error = "failed", "the emulator was stopped"
            for branch in [b for b in project.branches.values() if b.current_state == "init"]:
                del project.branches[branch.id]
                for endpoint in project.endpoints_of(branch.id):
                    del project.endpoints[endpoint.id]
            for branch in project.branches.values():
                branch.pending_state, branch.current_state = None, "ready"
                self.fleet.enrol(branch.id, project.pg_version, history=branch.has_history)
            for endpoint in project.endpoints.values():
                endpoint.current_state, endpoint.pending_state = "idle", None

    async def settle(self) -> None:
        """Wait until nothing goes on in the background."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_ready(self, branch_id: str) -> None:
        """Wait until a branch that is being made or restored can be connected to."""
        branch, work = self.state.branch(branch_id), self._work.get(branch_id)
        if branch is not None and branch.pending_state is not None and work is not None:
            await asyncio.wait([work])

    def resolve(self, endpoint_id: str) -> str:
        """Find the branch behind an endpoint id, for a connection."""
        endpoint = next(
            (p.endpoints[endpoint_id] for p in self.state.projects.values() if endpoint_id in p.endpoints), None
        )
        if endpoint is None:
            raise RefusedError(
                "The requested endpoint could not be found, or you don't have access to it. "
                "Please check the provided ID and try again."
            )
        if endpoint.disabled:
            raise RefusedError("The endpoint has been disabled. Enable it using Neon API and retry.")
        endpoint.last_active = self.now
        return endpoint.branch_id

    def server_changed(self, branch_id: str, ran: float | None) -> None:
        """Note that a branch's server started (None) or stopped after so many seconds."""
        branch = self.state.branch(branch_id)
        if branch is None:
            return
        for endpoint in self.state.projects[branch.project_id].endpoints_of(branch_id):
            _note(endpoint, self.now, running=ran is None)
        branch.active_time_seconds += round(ran or 0)
        branch.compute_time_seconds += round((ran or 0) / 4)  # a compute of 0.25 CU

    def note_activity(self) -> None:
        """Note on their computes that branches are in use."""
        for branch_id in self.fleet.in_use():
            if (branch := self.state.branch(branch_id)) is not None:
                for endpoint in self.state.projects[branch.project_id].endpoints_of(branch_id):
                    endpoint.last_active = self.now

    def uri(self, endpoint: Endpoint, role: Role, database: str, *, pooled: bool = False) -> str:
        """Connection string through the proxy."""
        name = f"{endpoint.id}-pooler" if pooled else endpoint.id
        login = f"{quote(role.name, safe='')}:{quote(role.password or '', safe='')}"
        place = f"localhost:{self.state.proxy_port}/{quote(database, safe='')}"
        return f"postgresql://{login}@{place}?options=endpoint%3D{name}"

    def new_endpoint(self, branch: Branch, kind: str = "read_write") -> Endpoint:
        """Add a compute to a branch."""
        project, name = self.state.projects[branch.project_id], ids.endpoint_id()
        endpoint = Endpoint(
            id=name,
            host=f"{name}.localhost",
            project_id=project.id,
            branch_id=branch.id,
            region_id=project.region_id,
            type=kind,
            created_at=self.now,
            updated_at=self.now,
        )
        project.endpoints[name] = endpoint
        return endpoint

    def _operation(self, project: Project, action: str, branch: Branch | None, endpoint_id: str | None) -> Operation:
        return Operation(
            id=str(uuid.uuid4()),
            project_id=project.id,
            branch_id=branch.id if branch else None,
            endpoint_id=endpoint_id if "compute" in action else None,
            action=action,
            status="scheduling",
            created_at=self.now,
            updated_at=self.now,
        )

    async def _run(self, steps: list[tuple[Operation, Callable[[], Awaitable[None]]]]) -> None:
        failed = False
        for operation, work in steps:
            if failed:
                operation.status, operation.updated_at = "cancelled", self.now
                continue
            operation.status, operation.updated_at = "running", self.now
            try:
                await work()
            except WORK_ERRORS as error:
                failed = True
                operation.error, operation.failures_count = str(error), 1
            operation.status, operation.updated_at = "failed" if failed else "finished", self.now
            operation.total_duration_ms = (self.now - operation.created_at) // timedelta(milliseconds=1)
        self.save()


def _found(thing: T | None, message: str) -> T:
    if thing is None:
        raise ApiError(404, message)
    return thing


def _note(endpoint: Endpoint, now: datetime, *, running: bool) -> None:
    endpoint.current_state = "active" if running else "idle"
    endpoint.pending_state = None
    if running:
        endpoint.started_at = endpoint.last_active = now
    else:
        endpoint.suspended_at = now


def in_turn(*works: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Give one piece of work that does several, one after the other."""

    async def run() -> None:
        for work in works:
            await work()

    return run


async def complete(cloud: Cloud, branch: Branch, work: Callable[[], Awaitable[None]]) -> None:
    """Do what fills a branch with data and declare it ready."""
    await work()
    branch.logical_size = await cloud.fleet.size(branch.id)
    if branch.parent_id is not None:
        branch.parent_lsn = await cloud.fleet.lsn(branch.id)
    branch.change("ready", cloud.now)


async def nothing() -> None:
    """Do nothing, for an operation that Neon lists and that needs no work here."""
