"""A local Neon for tests."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import psycopg
import pytest

from emulator.server import Emulator, Tuning, running


@pytest.fixture(scope="session")
def templates(open_folder: Path) -> Path:
    """Empty clusters, made once for all emulators of the session."""
    folder = open_folder / "templates"
    folder.mkdir(mode=0o711)
    return folder


@pytest.fixture(scope="session")
def empty_data(templates: Path, open_folder: Path) -> Path:
    """The data of an empty project, made once: a copy of them starts in a quarter of the time."""
    folder = open_folder / "empty"
    with running(data=folder, tuning=Tuning(templates=templates)):
        pass
    return folder


@pytest.fixture
def neon(templates: Path, empty_data: Path, open_folder: Path) -> Iterator[Emulator]:
    """A project with the branch `production` and nothing in it, for one test."""
    with tempfile.TemporaryDirectory(dir=open_folder) as folder:
        subprocess.run(["cp", "-a", f"{empty_data}/.", folder], check=True)
        with running(data=Path(folder), tuning=Tuning(templates=templates, housekeeping=0.1)) as emulator:
            yield emulator


@pytest.fixture(scope="session")
def demo_neon(templates: Path) -> Iterator[Emulator]:
    """The demo project, shared by the whole session: tests that change it clean up after themselves."""
    with running("demo", tuning=Tuning(templates=templates)) as emulator:
        yield emulator


@pytest.fixture
def fresh_folder() -> Iterator[Path]:
    """A folder that the servers' user can enter: pytest's own tmp_path is closed to all but us."""
    with tempfile.TemporaryDirectory(prefix="bw-fresh-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


class Api:
    """A thin client that speaks HTTP and knows nothing: it shows what the emulator really answers."""

    def __init__(self, neon: Emulator) -> None:
        self.neon = neon
        self.project = f"/projects/{neon.project_ids[0]}"
        headers = {"Authorization": f"Bearer {neon.api_key}"}
        self.http = httpx.Client(base_url=neon.base_url, headers=headers, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **params: Any) -> Any:
        """GET below the project, or from the top for a path that begins with //."""
        answer = self.http.get(self._path(path), params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send one request, whatever comes of it."""
        return self.http.request(method, self._path(path), json=body)

    def change(self, method: str, path: str, body: Any = None) -> Any:
        """Send a mutation that must be taken, and wait until its operations are finished."""
        answer = self.send(method, path, body)
        assert answer.is_success, answer.text
        self.settle()
        return answer.json()

    def settle(self) -> None:
        """Wait until no operation goes on."""
        end = time.monotonic() + 60
        while any(o["status"] in {"scheduling", "running"} for o in self.get("/operations")["operations"]):
            assert time.monotonic() < end, "operations do not end"
            time.sleep(0.02)

    def branch(self, name: str) -> Any:
        """Find a branch by name."""
        return next(b for b in self.get("/branches", limit=1000)["branches"] if b["name"] == name)

    def create(self, name: str, parent: str = "production", **fields: Any) -> Any:
        """Create a branch with a compute and give it when it is ready."""
        body = {"branch": {"name": name, "parent_id": self.branch(parent)["id"], **fields}}
        self.change("POST", "/branches", body | {"endpoints": [{"type": "read_write"}]})
        return self.branch(name)

    def uri(self, branch: str, role: str = "neondb_owner", database: str = "neondb") -> str:
        """Give a connection string."""
        login = {"role_name": role, "database_name": database}
        return str(self.get("/connection_uri", branch_id=self.branch(branch)["id"], **login)["uri"])

    def sql(self, branch: str, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on a branch as its owner and give the rows of the last one."""
        rows: list[tuple[Any, ...]] = []
        with psycopg.connect(self.uri(branch), autocommit=True) as conn:
            for statement in statements:
                done = conn.execute(statement)
                rows = done.fetchall() if done.description else []
        return rows

    def _path(self, path: str) -> str:
        return path.removeprefix("/") if path.startswith("//") else f"{self.project}{path}"


@pytest.fixture
def api(neon: Emulator) -> Iterator[Api]:
    """The API of a fresh, empty project."""
    with Api(neon) as opened:
        yield opened
