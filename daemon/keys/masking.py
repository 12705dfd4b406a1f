"""Masking keys: 32 random bytes each. Same key and value give the same fake."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from daemon.errors import SettingsError
from daemon.keys.files import MOMENT, KeyKind, key_file, key_files, read_key_file, write_key

KEY_BYTES = 32


@dataclass(frozen=True)
class MaskingKey:
    """A key and its id; the id says when it was made and nothing of the secret."""

    id: str
    secret: bytes = field(repr=False)


def new_key(folder: Path, now: datetime) -> str:
    """Make a key in `folder` and return its id. Raises SettingsError."""
    key_id = f"{now:{MOMENT}}-{secrets.token_hex(2)}"
    write_key(folder / f"masking-{key_id}.key", secrets.token_hex(KEY_BYTES) + "\n")
    return key_id


def list_keys(folder: Path) -> tuple[str, ...]:
    """The ids of the masking keys that are not retired, newest first. Raises SettingsError."""
    return tuple(file.id for file in key_files(folder, KeyKind.MASKING) if not file.retired)


def newest_key(folder: Path) -> MaskingKey:
    """The newest key of `folder`. Raises SettingsError when there is none or others can read it."""
    ids = list_keys(folder)
    if not ids:
        raise SettingsError(f"no masking key in {folder}: make one with `branchwarden keys new` and keep it safe")
    return read_key(folder / f"masking-{ids[0]}.key", ids[0])


def newest_secret(folder: Path) -> bytes | None:
    """The newest key of `folder`, or None where there is none yet. Raises SettingsError when others can read it."""
    return newest_key(folder).secret if list_keys(folder) else None


def secret_of(folder: Path, key_id: str) -> bytes | None:
    """The key of a run, retired or not; None where it is not there any more. Raises SettingsError.

    An empty id says that nobody knows which: the newest, if there is one.
    """
    if not key_id:
        return newest_secret(folder)
    files = (file for file in key_files(folder, KeyKind.MASKING) if file.id == key_id)
    found = next(files, None)
    return read_key(found.path, found.id).secret if found else None


def given_key(path: Path) -> MaskingKey:
    """The key in a file, or the newest of a folder. Raises SettingsError when there is none or others can read it."""
    if path.is_dir() or not path.exists():
        return newest_key(path)
    named = key_file(path)
    return read_key(path, named.id if named and named.kind is KeyKind.MASKING else path.stem)


def ephemeral_key() -> MaskingKey:
    """A key that nobody keeps: its fakes can never be made again, nor linked to those of another run."""
    return MaskingKey("ephemeral", secrets.token_bytes(KEY_BYTES))


def read_key(path: Path, key_id: str) -> MaskingKey:
    """The key in a file. Raises SettingsError when there is none or others can read it."""
    try:
        secret = bytes.fromhex(read_key_file(path, KeyKind.MASKING).decode("ascii").strip())
    except ValueError:
        raise SettingsError(f"{path} is no masking key: restore it from your backup") from None
    if len(secret) != KEY_BYTES:
        raise SettingsError(f"{path} is no masking key: it must hold {KEY_BYTES} bytes in hex")
    return MaskingKey(key_id, secret)
