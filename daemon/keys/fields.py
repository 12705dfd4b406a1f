"""Field keys: the newest encrypts columns, all that are not retired decrypt."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from daemon.errors import SettingsError
from daemon.keys.files import MOMENT, KeyFile, KeyKind, key_files, read_key_file, write_key
from sanitizers.errors import FieldError
from sanitizers.fields.keyring import KEY_BYTES, FieldKey, Keyring

MAKE_ONE = "make one with `branchwarden keys new --kind field`"


def new_field_key(folder: Path, now: datetime) -> str:
    """Make a key in `folder` and return its id, which every token shows. Raises SettingsError."""
    key_id = f"{now:{MOMENT}}-{secrets.token_hex(2)}"
    write_key(folder / f"field-{key_id}.key", secrets.token_hex(KEY_BYTES) + "\n")
    return key_id


def field_keyring(folder: Path) -> Keyring | None:
    """The field keys of a folder, or None where there is none. Raises SettingsError."""
    files = [file for file in key_files(folder, KeyKind.FIELD) if not file.retired]
    return Keyring([_read(file) for file in files]) if files else None


def required_keyring(folder: Path) -> Keyring:
    """The same. Raises SettingsError where there is none."""
    ring = field_keyring(folder)
    retired = key_files(folder, KeyKind.FIELD)
    if ring is None and retired:
        raise SettingsError(
            f"every field key in {folder} is retired, so that none decrypts: rename {retired[0].path.name} to"
            f" {retired[0].path.stem}.key to use it again, or whichever encrypted"
        )
    if ring is None:
        raise SettingsError(f"no field key in {folder}: {MAKE_ONE}, or restore the backup of the one that encrypted")
    return ring


def _read(file: KeyFile) -> FieldKey:
    try:
        return FieldKey(file.id, bytes.fromhex(read_key_file(file.path, KeyKind.FIELD).decode("ascii").strip()))
    except FieldError as error:
        raise SettingsError(f"{file.path}: {error}") from None
    except ValueError:
        raise SettingsError(f"{file.path} is no field key: restore it from your backup") from None
