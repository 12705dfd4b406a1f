"""What keys there are, of every kind, and how one is taken out of use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from daemon.errors import SettingsError
from daemon.keys.files import KeyFile, KeyKind, key_files, retire_file


class KeyState(StrEnum):
    """Whether a key is used."""

    IN_USE = "in use"
    """The newest of its kind: runs mask, sign or encrypt with it."""
    OLDER = "older"
    """Not used for anything new; signatures of such a key are still good, and what it encrypted can be decrypted."""
    RETIRED = "retired"


@dataclass(frozen=True)
class KeyEntry:
    """A key as lists show it: nothing of its secret."""

    kind: KeyKind
    id: str
    made: datetime
    state: KeyState


def every_key(folder: Path) -> tuple[KeyEntry, ...]:
    """All keys by kind, newest first. Raises SettingsError."""
    return tuple(entry for kind in KeyKind for entry in _entries(key_files(folder, kind)))


def retire_key(folder: Path, key_id: str) -> KeyKind:
    """Take a key out of use by renaming its file; nothing is deleted. Returns its kind. Raises SettingsError."""
    files = [file for file in key_files(folder) if file.id == key_id]
    file = next((file for file in files if not file.retired), None)
    if file is None and files:
        raise SettingsError(f"{files[0].kind} key `{key_id}` is retired already: nothing is left to do")
    if file is None:
        raise SettingsError(f"there is no key `{key_id}` in {folder}: `branchwarden keys list` shows them")
    retire_file(file)
    return file.kind


def _entries(files: Sequence[KeyFile]) -> Iterator[KeyEntry]:
    newest = next((file for file in files if not file.retired), None)
    for file in files:
        state = KeyState.RETIRED if file.retired else KeyState.IN_USE if file is newest else KeyState.OLDER
        yield KeyEntry(file.kind, file.id, file.made, state)
