"""Files of keys: their names, and how they are written and read so that nobody else sees or swaps them."""

from __future__ import annotations

import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from daemon.errors import SettingsError

LARGEST = 1 << 14  # bytes; a key has a hundred
MOMENT = "%Y%m%dT%H%M%S"
_NAMES = (
    re.compile(r"(?P<kind>masking|field)-(?P<id>(?P<made>\d{8}T\d{6})-[0-9a-f]{4})\.(?P<end>key|retired)"),
    re.compile(r"(?P<kind>signing)-(?P<made>\d{8}T\d{6})-(?P<id>[0-9a-f]{16})\.(?P<end>key|retired)"),
)


class KeyKind(StrEnum):
    """What a key is for."""

    MASKING = "masking"
    SIGNING = "signing"
    FIELD = "field"


@dataclass(frozen=True, order=True)
class KeyFile:
    """A file of a key, as its name tells; sorted by age."""

    made: datetime
    id: str
    kind: KeyKind
    retired: bool
    path: Path = field(compare=False)


def key_files(folder: Path, kind: KeyKind | None = None) -> tuple[KeyFile, ...]:
    """The keys of a folder, retired ones too, newest first; other files are none of ours. Raises SettingsError."""
    try:
        found = [file for path in folder.iterdir() if (file := key_file(path)) and kind in {None, file.kind}]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise SettingsError(f"cannot read the key folder {folder}: {error.strerror}") from None
    return tuple(sorted(found, reverse=True))


def key_file(path: Path) -> KeyFile | None:
    """What the name of a file tells, or None where it is no key's."""
    match = next((m for name in _NAMES if (m := name.fullmatch(path.name))), None)
    if match is None:
        return None
    try:
        made = datetime.strptime(match["made"], MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return KeyFile(made, match["id"], KeyKind(match["kind"]), match["end"] == "retired", path)


def write_key(path: Path, text: str) -> None:
    """Write a key that is not there yet: whole and on the disk, or not at all. Raises SettingsError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _make_folder(path.parent)
        _refuse_open_folder(path.parent)
        if path.exists():
            raise SettingsError(f"there is a key {path} already: try again")
        _write_draft(draft, text)
        draft.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):  # what cannot be written can often not be removed either
            draft.unlink()
        raise SettingsError(f"cannot write a key into {path.parent}: {error.strerror}") from None


def read_key_file(path: Path, kind: KeyKind) -> bytes:
    """What a key's file holds.

    Raises:
        SettingsError: it cannot be read, others can read or swap it, or it is too long for a key.
    """
    try:
        _refuse_open_folder(path.parent)
        with path.open("rb") as file:
            _refuse_open_file(os.fstat(file.fileno()), path, kind)
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise SettingsError(f"cannot read the {kind} key {path}: {error.strerror}") from None
    if len(data) > LARGEST:
        raise SettingsError(f"{path} is no {kind} key: it is too long for one")
    return data


def retire_file(file: KeyFile) -> None:
    """Rename a key's file, so that it is out of use; nothing is deleted. Raises SettingsError."""
    try:
        file.path.rename(file.path.with_suffix(".retired"))
        sync_folder(file.path.parent)
    except OSError as error:
        raise SettingsError(f"cannot retire the {file.kind} key {file.path}: {error.strerror}") from None


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(folder.parent)


def _write_draft(draft: Path, text: str) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, without which a file that is there may have none after a crash."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_open_folder(folder: Path) -> None:
    """Others who may rename files here can swap a key, unless the folder is sticky, as /tmp is."""
    mode = folder.stat().st_mode
    if mode & 0o022 and not mode & stat.S_ISVTX:
        raise SettingsError(f"others can write into the key folder {folder}: run chmod go-w on it")


def _refuse_open_file(status: os.stat_result, path: Path, kind: KeyKind) -> None:
    """Asked of the open file, so that it is the one that is read."""
    if status.st_mode & 0o077:
        raise SettingsError(f"others can read the {kind} key {path}: run chmod 600 on it")
    if os.geteuid() not in {0, status.st_uid} and status.st_uid != 0:
        raise SettingsError(f"the {kind} key {path} belongs to another user: run chown on it, if it is yours")
