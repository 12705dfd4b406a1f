"""Masking keys: 32 random bytes each, made once, in files of mode 600. Same key and value give the same fake."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from daemon.errors import SettingsError

KEY_BYTES = 32
_NAME = re.compile(r"^masking-(?P<id>\d{8}T\d{6}-[0-9a-f]{4})\.key$")


@dataclass(frozen=True)
class MaskingKey:
    """A key and its id; the id says when it was made and nothing of the secret."""

    id: str
    secret: bytes = field(repr=False)


def new_key(folder: Path, now: datetime) -> str:
    """Make a key in `folder` and return its id. Raises SettingsError."""
    key_id = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    path = folder / f"masking-{key_id}.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    except OSError as error:
        raise SettingsError(f"cannot write a masking key into {folder}: {error.strerror}") from None
    return key_id


def list_keys(folder: Path) -> tuple[str, ...]:
    """The ids of the keys in use, newest first."""
    try:
        names = sorted((p.name for p in folder.iterdir()), reverse=True)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise SettingsError(f"cannot read the key folder {folder}: {error.strerror}") from None
    return tuple(match["id"] for name in names if (match := _NAME.match(name)))


def newest_key(folder: Path) -> MaskingKey:
    """The newest key of `folder`. Raises SettingsError when there is none or others can read it."""
    ids = list_keys(folder)
    if not ids:
        raise SettingsError(f"no masking key in {folder}: make one with `branchwarden keys new` and keep it safe")
    return read_key(folder / f"masking-{ids[0]}.key", ids[0])


def newest_secret(folder: Path) -> bytes | None:
    """The newest key of `folder`, or None where there is none yet. Raises SettingsError when others can read it."""
    return newest_key(folder).secret if list_keys(folder) else None


def given_key(path: Path) -> MaskingKey:
    """The key in a file, or the newest of a folder. Raises SettingsError when there is none or others can read it."""
    if path.is_dir() or not path.exists():
        return newest_key(path)
    named = _NAME.match(path.name)
    return read_key(path, named["id"] if named else path.stem)


def ephemeral_key() -> MaskingKey:
    """A key that nobody keeps: its fakes can never be made again, nor linked to those of another run."""
    return MaskingKey("ephemeral", secrets.token_bytes(KEY_BYTES))


def read_key(path: Path, key_id: str) -> MaskingKey:
    """The key in a file. Raises SettingsError when there is none or others can read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"others can read the masking key {path}: run chmod 600 on it")
        secret = bytes.fromhex(path.read_text().strip())
    except OSError as error:
        raise SettingsError(f"cannot read the masking key {path}: {error.strerror}") from None
    except ValueError:
        raise SettingsError(f"{path} is no masking key: restore it from your backup") from None
    if len(secret) != KEY_BYTES:
        raise SettingsError(f"{path} is no masking key: it must hold {KEY_BYTES} bytes in hex")
    return MaskingKey(key_id, secret)


def retire_key(folder: Path, key_id: str) -> None:
    """Take a key out of use by renaming its file; nothing is deleted. Raises SettingsError."""
    path = folder / f"masking-{key_id}.key"
    if key_id not in list_keys(folder):
        raise SettingsError(f"there is no key `{key_id}` in {folder}: `branchwarden keys list` shows them")
    try:
        path.rename(path.with_suffix(".retired"))
    except OSError as error:
        raise SettingsError(f"cannot retire the masking key {path}: {error.strerror}") from None
