"""The real command, as a process of its own, against an emulator in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from daemon.neon import NeonAccess, NeonClient
from daemon.staging.context import ROLE_ANNOTATION
from daemon.store import Store, open_store
from emulator.server import Emulator, Tuning, running

ROOT = Path(__file__).parents[1]
SMALL = ROOT / "tests" / "seeds" / "small"
LARGE = ROOT / "tests" / "seeds" / "large"
STREAMING = "SELECT FROM pg_stat_progress_copy WHERE command = 'COPY TO' AND tuples_processed > 0"


@dataclass(frozen=True)
class Warden:
    """branchwarden with a state folder of its own, pointed at one emulator."""

    neon: Emulator
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def project_id(self) -> str:
        return self.neon.project_ids[0]

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "NEON_API_KEY": self.neon.api_key,
            "NEON_API_HOST": self.neon.base_url,
            "BRANCHWARDEN_PROJECT": self.project_id,
            "BRANCHWARDEN_STATE__PATH": str(self.state),
            "BRANCHWARDEN_KEYS__PATH": str(self.folder / "keys"),
            "BRANCHWARDEN_STAGING__POLICY": str(self.policy),
            "BRANCHWARDEN_HTTP__PORT": "0",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            **self.extra,
        }

    @property
    def state(self) -> Path:
        return self.folder / "state.db"

    @property
    def policy(self) -> Path:
        return self.folder / "masking.toml"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command and leave it running."""
        command = [sys.executable, "-m", "daemon", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=self.folder,
            stdout=pipe,
            stderr=pipe,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def json(self, *arguments: str) -> Any:
        """What the command prints as JSON."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def prepare(self) -> None:
        """A masking key and a masking policy, as a user makes them."""
        for arguments in (("keys", "new"), ("detect", "--write")):
            done = self.run(*arguments)
            assert done.returncode == 0, done.stderr

    def client(self, *, enforce: bool = False) -> NeonClient:
        return NeonClient(NeonAccess(host=self.neon.base_url, key=self.neon.api_key, enforce=enforce))

    def listing(self) -> list[tuple[str, str, str | None, bool]]:
        """The project as the API lists it: whatever a refused run must leave as it was."""
        with self.client() as client:
            return sorted(
                (b.id, b.name, b.parent_id, b.expires_at is None) for b in client.list_branches(self.project_id)
            )

    def store(self) -> Any:
        return open_store(self.state, exclusive=False)


MakeWarden = Callable[..., Warden]


@pytest.fixture(scope="session")
def small_neon(templates: Path) -> Iterator[Emulator]:
    """The small project, shared: for tests that leave it as it was."""
    with running(SMALL, tuning=Tuning(templates=templates, housekeeping=0.2)) as emulator:
        yield emulator


@pytest.fixture
def own_neon(templates: Path) -> Iterator[Emulator]:
    """The small project, for one test."""
    with running(SMALL, tuning=Tuning(templates=templates, housekeeping=0.2)) as emulator:
        yield emulator


@pytest.fixture
def small_warden(small_neon: Emulator, tmp_path: Path) -> Warden:
    """A fresh branchwarden on the shared small project: for looking only."""
    return Warden(small_neon, tmp_path)


@pytest.fixture
def warden(own_neon: Emulator, tmp_path: Path) -> Warden:
    """A fresh branchwarden on a small project of its own."""
    return Warden(own_neon, tmp_path)


@pytest.fixture(scope="session")
def sanitized_once(templates: Path, open_folder: Path) -> tuple[Path, Path]:
    """The data of an emulator and the folder of a branchwarden, as they are after a first sanitize run."""
    data, folder = open_folder / "sanitized-neon", open_folder / "sanitized-warden"
    folder.mkdir()
    with running(SMALL, data=data, tuning=Tuning(templates=templates, housekeeping=0.2)) as emulator:
        warden = Warden(emulator, folder)
        warden.prepare()
        done = warden.run("sanitize")
        assert done.returncode == 0, done.stderr
    return data, folder


@pytest.fixture
def sanitized(
    sanitized_once: tuple[Path, Path], fresh_folder: Path, templates: Path, tmp_path: Path
) -> Iterator[Warden]:
    """A copy of that, for one test to change."""
    data = fresh_folder / "neon"
    for source, target in zip(sanitized_once, (data, tmp_path / "warden"), strict=True):
        # cp keeps the owner: the servers run as another user where the tests run as root.
        subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    with running(data=data, tuning=Tuning(templates=templates, housekeeping=0.2)) as emulator:
        yield Warden(emulator, tmp_path / "warden")


def last_step(store: Store, project_id: str) -> str:
    """How far the newest run came, or empty."""
    runs = store.list_runs(project_id, limit=1)
    return runs[0].step.value if runs else ""


def wait_until(what: Callable[[], bool], seconds: float = 90) -> None:
    """Wait for something to be so, or fail."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_sealed(warden: Warden) -> bool:
    """Whether the newest run has sealed its branches and is masking now."""
    if not warden.state.exists():
        return False
    with warden.store() as store:
        return last_step(store, warden.project_id) == "sealed"


def is_streaming(warden: Warden) -> bool:
    """Whether rows have left the source of the newest run, and more are to come: as its server tells."""
    if not is_sealed(warden):
        return False
    with warden.client() as client:
        branches = client.list_branches(warden.project_id)
    source = next(branch for branch in branches if branch.annotation.get(ROLE_ANNOTATION) == "source")
    lines = (warden.neon.branch_folder(source.id) / "postmaster.pid").read_text().splitlines()
    with psycopg.connect(host=lines[4], port=int(lines[3]), user="cloud_admin", dbname="neondb") as admin:
        return admin.execute(STREAMING).fetchone() is not None


@pytest.fixture
def large_warden(templates: Path, tmp_path: Path) -> Iterator[Warden]:
    """A branchwarden, ready for a run, on a project where masking takes seconds."""
    with running(LARGE, tuning=Tuning(templates=templates, housekeeping=0.2)) as emulator:
        warden = Warden(emulator, tmp_path)
        warden.prepare()
        yield warden
