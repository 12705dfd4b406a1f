"""The folder that an emulator works in: made or taken, locked against a second one, swept of what a killed one left."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulator import fleet
from emulator.binaries import Account
from emulator.errors import EmulatorError
from emulator.postgres import RUNTIME_PREFIX

LOCK = "lock"
SOCKETS = "sockets"  # file that names the runtime folder, so that the next start can remove it
PREFIX = "bw-emulator-"


@contextmanager
def opened(data: Path | None, account: Account) -> Iterator[Path]:
    """Give the folder, locked and ready for the servers' user; without `data` a temporary one."""
    folder = _temporary() if data is None else _named(data)
    try:
        with _locked(folder):
            yield _prepared(folder, account)
    finally:
        if data is None:
            shutil.rmtree(folder)


def note_sockets(folder: Path, sockets: Path) -> None:
    """Write down where the sockets of this run are."""
    (folder / SOCKETS).write_text(str(sockets), encoding="utf-8")


def _named(data: Path) -> Path:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmulatorError(f"The folder {data} cannot be made: {error.strerror}. Name another.") from error
    return data.resolve()


def _temporary() -> Path:
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if left.lstat().st_uid == os.geteuid():
            _sweep(left)
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def _sweep(left: Path) -> None:
    # A temporary folder that nobody has locked belongs to an emulator that was killed.
    try:
        lock = os.open(left / LOCK, os.O_RDWR)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(left)
        shutil.rmtree(left, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(lock)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmulatorError(f"The folder {folder} cannot be written: {error.strerror}. Name another.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(folder)
        yield
    except BlockingIOError as error:
        raise EmulatorError(f"Another emulator works in {folder}: stop it or name another folder.") from error
    finally:
        os.close(lock)


def _clear(folder: Path) -> None:
    fleet.reap(folder)
    note = folder / SOCKETS
    if not note.exists():
        return
    sockets = Path(note.read_text(encoding="utf-8"))
    note.unlink()
    # What stands in a file is only believed where it looks like ours.
    if sockets.name.startswith(RUNTIME_PREFIX) and sockets.is_dir() and not sockets.is_symlink():
        shutil.rmtree(sockets, ignore_errors=True)


def _prepared(folder: Path, account: Account) -> Path:
    branches = folder / "branches"
    branches.mkdir(exist_ok=True)
    if account.uid is not None:
        for path in (folder, branches):
            path.chmod(0o711)  # the servers' user passes through; what lies inside is private to it or to us
    if not account.can_enter(branches):
        raise EmulatorError(
            f"Postgres runs as the user {account.name}, who cannot enter {folder}: "
            "name a folder that everybody can enter."
        )
    return folder
