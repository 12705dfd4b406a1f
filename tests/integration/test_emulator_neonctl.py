"""Neon's own command line, as people use it, against the emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fix_emulator import Api

VERSION = "5.0.1"
OLDEST_NODE = (20, 19)  # what neonctl asks for

Neonctl = Callable[..., subprocess.CompletedProcess[str]]


def _missing() -> str:
    """Say what this machine lacks, or nothing."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "neonctl needs node and npm, which are not on this machine"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(n) for n in version.strip().lstrip("v").split(".")[:2]) < OLDEST_NODE:
        return f"neonctl needs node 20.19, here is {version.strip()}"
    return ""


LACK = _missing()
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.skipif(bool(LACK), reason=LACK or "nothing lacks"),  # Node, which a laptop may lack; CI installs it
]


@pytest.fixture(scope="session")
def neonctl_program(pytestconfig: pytest.Config) -> Path:
    """The program, installed once into pytest's cache."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("neonctl")
    program = folder / "node_modules" / ".bin" / "neonctl"
    package = folder / "node_modules" / "neonctl" / "package.json"
    if not program.exists() or json.loads(package.read_text())["version"] != VERSION:
        options = ["--no-audit", "--no-fund", "--ignore-scripts", f"--prefix={folder}"]
        subprocess.run(["npm", "install", *options, f"neonctl@{VERSION}"], check=True, capture_output=True)
    return Path(program)


@pytest.fixture
def neonctl(neonctl_program: Path, api: Api, tmp_path: Path) -> Neonctl:
    """Run neonctl against the emulator of this test."""
    access = {"NEON_API_HOST": api.neon.base_url, "NEON_API_KEY": api.neon.api_key, "NO_PROXY": "127.0.0.1"}
    environment = {**os.environ, **access, "HOME": str(tmp_path), "CI": "1"}

    def run(*arguments: str, project: bool = True) -> subprocess.CompletedProcess[str]:
        of_project = ["--project-id", api.neon.project_ids[0]] if project else []
        command = [str(neonctl_program), *arguments, *of_project, "--no-analytics", f"--config-dir={tmp_path}"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


def output(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_neonctl_lists_projects(neonctl: Neonctl, api: Api) -> None:
    table = neonctl("projects", "list", project=False)
    listed = output(neonctl("projects", "list", "-o", "json", project=False))

    assert (table.returncode, api.neon.project_ids[0] in table.stdout) == (0, True)
    assert [p["id"] for p in listed["projects"]] == list(api.neon.project_ids)


def test_neonctl_lists_creates_and_deletes_a_branch(neonctl: Neonctl, api: Api) -> None:
    made = output(neonctl("branches", "create", "--name", "dev/alice", "-o", "json"))
    api.settle()
    table = neonctl("branches", "list")
    listed = output(neonctl("branches", "list", "-o", "json"))
    gone = neonctl("branches", "delete", "dev/alice", "-o", "json")
    api.settle()

    assert made["branch"]["name"] == "dev/alice"
    assert made["connection_uris"][0]["connection_uri"].startswith("postgresql://neondb_owner:npg_")
    assert (table.returncode, "dev/alice" in table.stdout) == (0, True)
    assert {b["name"] for b in listed} == {"production", "dev/alice"}
    assert output(gone)["id"] == made["branch"]["id"]
    assert {b["name"] for b in api.get("/branches")["branches"]} == {"production"}


def test_neonctl_makes_a_schema_only_branch_that_expires(neonctl: Neonctl, api: Api) -> None:
    api.sql("production", "CREATE TABLE t AS SELECT 1 AS n")
    options = ["--schema-only", "--parent", "production", "--expires-at", "2099-01-01T00:00:00Z", "-o", "json"]

    refused = neonctl("branches", "create", "--name", "shell", *options)
    made = output(neonctl("branches", "create", "--name", "shell", *options[:3], "-o", "json"))
    api.settle()

    assert refused.returncode == 1
    assert "ERROR: expires_at must be at most 30 days in the future" in refused.stderr
    assert "parent_id" not in made["branch"]
    assert api.sql("shell", "SELECT count(*) FROM t") == [(0,)]


def test_neonctl_works_by_name_and_by_id(neonctl: Neonctl, api: Api) -> None:
    dev = api.create("dev")

    by_name = output(neonctl("branches", "get", "dev", "-o", "json"))
    renamed = output(neonctl("branches", "rename", dev["id"], "dev/new", "-o", "json"))
    default = output(neonctl("branches", "set-default", "dev/new", "-o", "json"))
    reset = output(neonctl("branches", "reset", "dev/new", "--parent", "-o", "json"))
    api.settle()

    assert by_name["id"] == renamed["id"] == default["id"] == reset["id"] == dev["id"]
    assert (renamed["name"], default["default"]) == ("dev/new", True)
    assert "last_reset_at" in api.branch("dev/new")


def test_neonctl_reads_roles_databases_operations_and_a_diff(neonctl: Neonctl, api: Api) -> None:
    api.create("dev")
    api.sql("dev", "CREATE TABLE only_here (id int)")

    roles = output(neonctl("roles", "list", "--branch", "dev", "-o", "json"))
    databases = output(neonctl("databases", "list", "--branch", "dev", "-o", "json"))
    operations = output(neonctl("operations", "list", "-o", "json"))
    diff = neonctl("branches", "schema-diff", "production", "dev", "--database", "neondb")
    made = output(neonctl("roles", "create", "--name", "app", "--branch", "dev", "-o", "json"))

    assert [r["name"] for r in roles] == ["neondb_owner"]
    assert [d["name"] for d in databases] == ["neondb"]
    assert "create_branch" in {o["action"] for o in operations}
    assert "+CREATE TABLE public.only_here (" in diff.stdout
    assert made["name"] == "app"


def test_neonctl_says_what_the_api_says_when_it_refuses(neonctl: Neonctl, api: Api) -> None:
    twice = neonctl("branches", "create", "--name", "production")
    root = neonctl("branches", "delete", "production")

    assert (twice.returncode, "ERROR: branch already exists" in twice.stderr) == (1, True)
    assert (root.returncode, "ERROR: cannot delete the default branch" in root.stderr) == (1, True)
    assert [b["name"] for b in api.get("/branches")["branches"]] == ["production"]
