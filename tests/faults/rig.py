"""What the fault tests share: a sanitize run in this process, and a road to the API that can be cut.."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from daemon.attesting import Signing
from daemon.keys import list_keys, new_key, newest_key
from daemon.model import RUN_ANNOTATION, Branch
from daemon.neon import Login, NeonAccess, NeonClient, Timing
from daemon.policies import suggestions
from daemon.records import SanitizeRun
from daemon.settings import ProjectSettings, StagingSettings
from daemon.staging import Progress, Published, StagingContext, StagingRequest, read_layout, sanitize
from daemon.staging.context import ROLE_ANNOTATION
from daemon.store import Store, open_store
from emulator.server import Emulator, Tuning, running
from sanitizers.policy import MaskingPolicy, load_policy
from sanitizers.policy_file import write_policy
from tests.attest_case import SIGNER
from tests.fix_daemon import ROOT

LOGIN = ROOT / "tests" / "seeds" / "login"
APP_PASSWORD = "made-by-sql-and-inherited"

FAST = Timing(sleep=lambda seconds: time.sleep(seconds / 10), dice=lambda: 1.0)
"""Waits as the client does, but not as long: the emulator is near."""

HASTY = Timing(sleep=lambda seconds: time.sleep(seconds / 1000), dice=lambda: 1.0)
"""All tries of one request are over in a moment: an operation outlasts them, as a slow one outlasts the real ones."""

Send = Callable[[httpx.Request], httpx.Response]
Cut = Callable[[httpx.Request, Send], httpx.Response]


class CrashError(BaseException):
    """The process ends here: no `except` of ours catches it, so nothing is tidied up."""


def crash_before(request: httpx.Request, send: Send) -> httpx.Response:
    """End before the request leaves."""
    raise CrashError(str(request.url))


def crash_after(request: httpx.Request, send: Send) -> httpx.Response:
    """End after the request took effect, before its answer is seen."""
    send(request)
    raise CrashError(str(request.url))


def after(change: Callable[[], object]) -> Cut:
    """Something happens just before the request leaves, and the request goes on."""

    def cut(request: httpx.Request, send: Send) -> httpx.Response:
        change()
        return send(request)

    return cut


def refuse(request: httpx.Request, send: Send) -> httpx.Response:
    """Refuse the request: nothing happened."""
    return httpx.Response(422, json={"message": "refused by the test", "code": ""}, request=request)


def break_down(request: httpx.Request, send: Send) -> httpx.Response:
    """From here on nobody answers, whatever is asked."""
    raise httpx.ConnectError("down", request=request)


def fault(request: httpx.Request, send: Send) -> httpx.Response:
    """The worst answer: it took effect, and 500 is all that is heard of it."""
    send(request)
    return httpx.Response(500, json={"message": "fault of the test", "code": ""}, request=request)


@dataclass
class Road(httpx.BaseTransport):
    """The road to the API. `cuts` names what becomes of the n-th request that changes something, counted from 1."""

    cuts: dict[int, Cut] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    """Every changing request so far: method and the end of its path."""
    inner: httpx.BaseTransport = field(default_factory=httpx.HTTPTransport)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on, or cut it."""
        if break_down in (self.cuts.get(n) for n in range(1, len(self.sent) + 1)):
            return break_down(request, self.inner.handle_request)
        if request.method == "GET":
            return self.inner.handle_request(request)
        self.sent.append(f"{request.method} {request.url.path.rpartition('/')[2]}")
        cut = self.cuts.get(len(self.sent))
        return cut(request, self.inner.handle_request) if cut else self.inner.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self.inner.close()


@dataclass(frozen=True)
class Rig:
    """A sanitize run of one project, as `App` would start it, and what there is to be seen afterwards."""

    neon: Emulator
    store: Store
    client: NeonClient
    """For looking: it goes no road that can be cut."""
    request: StagingRequest
    told: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    """What the last process changed: method and the end of the path."""

    @property
    def project_id(self) -> str:
        return self.neon.project_ids[0]

    @contextmanager
    def context(self, cuts: dict[int, Cut] | None = None, timing: Timing = FAST) -> Iterator[StagingContext]:
        """The edges of one process; what it sends is counted anew."""
        self.sent.clear()
        road = Road(cuts or {}, self.sent)
        access = NeonAccess(self.neon.base_url, self.neon.api_key, enforce=False, requests_per_minute=60000)
        with NeonClient(access, road, timing) as client:
            yield StagingContext(client, self.store, _now, self._tell)

    def sanitize(self, cuts: dict[int, Cut] | None = None) -> Published:
        """One run."""
        with self.context(cuts) as context:
            return sanitize(context, self.request)

    def last_run(self) -> SanitizeRun:
        """The newest run in the ledger."""
        return self.store.list_runs(self.project_id, limit=1)[0]

    def branches(self) -> tuple[Branch, ...]:
        return self.client.list_branches(self.project_id)

    def named(self, name: str) -> Branch:
        return next(b for b in self.branches() if b.name == name)

    def of_run(self, run: SanitizeRun) -> tuple[Branch, ...]:
        """What is there of a run."""
        return tuple(b for b in self.branches() if b.annotation.get(RUN_ANNOTATION) == run.id)

    def of_role(self, run: SanitizeRun, role: str) -> Branch | None:
        """The run's source or target, if it is there."""
        return next((b for b in self.of_run(run) if b.annotation.get(ROLE_ANNOTATION) == role), None)

    def opens(self, branch: Branch, role: str, password: str) -> bool:
        """Whether a password opens a branch."""
        uri = self.client.connection_uri(self.project_id, Login(branch.id, "neondb", "neondb_owner"))
        try:
            psycopg.connect(uri, user=role, password=password).close()
        except psycopg.OperationalError:
            return False
        return True

    def open_to_production(self, branch: Branch) -> list[str]:
        """The roles whose production password opens a branch."""
        owner = self.client.reveal_password(self.project_id, self.named("production").id, "neondb_owner") or ""
        return [r for r, p in (("neondb_owner", owner), ("app", APP_PASSWORD)) if self.opens(branch, r, p)]

    def restore_over(self, branch: Branch) -> None:
        """What a person does who restores production over a branch."""
        body = {"source_branch_id": self.named("production").id}
        self.post(f"branches/{branch.id}/restore", body)

    def post(self, path: str, body: object) -> None:
        """Send what the client has no word for, and wait for its end."""
        headers = {"Authorization": f"Bearer {self.neon.api_key}"}
        url = f"{self.neon.base_url}/projects/{self.project_id}/{path}"
        httpx.post(url, headers=headers, json=body, timeout=60).raise_for_status()
        while self.client.list_running(self.project_id):
            time.sleep(0.05)

    def sql(self, branch: Branch, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the owner and give its rows."""
        uri = self.client.connection_uri(self.project_id, Login(branch.id, "neondb", "neondb_owner"))
        with psycopg.connect(uri) as conn:
            done = conn.execute(statement)
            return done.fetchall() if done.description else []

    def _tell(self, progress: Progress) -> None:
        self.told.append(progress.sentence)


@contextmanager
def open_rig(neon: Emulator, folder: Path) -> Iterator[Rig]:
    """A rig with a state store, a key and a masking policy of its own."""
    folder.mkdir(exist_ok=True)
    if not list_keys(folder / "keys"):
        new_key(folder / "keys", _now())
    staging = StagingSettings(
        enabled=False, name="staging", source="", policy=folder / "masking.toml", max_age="7d", root_branches=0
    )
    access = NeonAccess(neon.base_url, neon.api_key, enforce=True, requests_per_minute=60000)
    with (
        open_store(folder / "state.db", exclusive=True) as store,
        NeonClient(access, timing=FAST) as client,
    ):
        project = ProjectSettings(id=neon.project_ids[0])
        empty = StagingContext(client, store, _now, lambda _: None)
        policy = _policy(empty, project.id, staging.policy)
        key, signing = newest_key(folder / "keys"), Signing(SIGNER, folder)
        request = StagingRequest(project, staging, policy, key, "manual", signing=signing)
        yield Rig(neon, store, client, request)


def _policy(context: StagingContext, project_id: str, path: Path) -> MaskingPolicy:
    if path.exists():
        return load_policy(path)
    production = next(b for b in context.client.list_branches(project_id) if b.default)
    databases = context.client.list_databases(project_id, production.id)
    write_policy(path, suggestions(read_layout(context, production, databases).schemas))
    return load_policy(path)


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def rig(templates: Path, tmp_path: Path) -> Iterator[Rig]:
    """A rig on a project of its own, with people who log in."""
    with (
        running(LOGIN, tuning=Tuning(templates=templates, housekeeping=0.2)) as neon,
        open_rig(neon, tmp_path / "rig") as opened,
    ):
        yield opened
