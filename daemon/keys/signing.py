"""Signing keys: the newest signs attestations, older ones stay good for verifying until they are retired."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from daemon.errors import SettingsError
from daemon.keys.files import MOMENT, KeyFile, KeyKind, key_files, read_key_file, write_key
from sanitizers.attest.keys import PublicKey, SigningKey, make_signing_key, read_signing_key
from sanitizers.errors import AttestationError

MAKE_ONE = "make one with `branchwarden keys new --kind signing`"


def new_signing_key(folder: Path, now: datetime) -> str:
    """Make a key in `folder` and return its id, which is that of attestations. Raises SettingsError."""
    key = make_signing_key()
    write_key(folder / f"signing-{now:{MOMENT}}-{key.id}.key", key.pem)
    return key.id


def has_signing_key(folder: Path) -> bool:
    """Whether there is a key to sign with. Raises SettingsError."""
    return any(not file.retired for file in key_files(folder, KeyKind.SIGNING))


def newest_signing_key(folder: Path) -> SigningKey:
    """The key to sign with. Raises SettingsError when there is none or others can read it."""
    file = next((file for file in key_files(folder, KeyKind.SIGNING) if not file.retired), None)
    if file is None:
        raise SettingsError(f"no signing key in {folder}: {MAKE_ONE}")
    return _read(file)


def trusted_keys(folder: Path) -> tuple[PublicKey, ...]:
    """The public keys to verify with, newest first; a retired one is not trusted any more. Raises SettingsError."""
    return tuple(_read(file).public for file in key_files(folder, KeyKind.SIGNING) if not file.retired)


def retired_keys(folder: Path) -> tuple[PublicKey, ...]:
    """The public keys that were trusted before. Raises SettingsError."""
    return tuple(_read(file).public for file in key_files(folder, KeyKind.SIGNING) if file.retired)


def public_key(folder: Path, key_id: str | None = None) -> PublicKey:
    """The public half of a key, retired or not; by default of the one that signs. Raises SettingsError."""
    if key_id is None:
        return newest_signing_key(folder).public
    files = key_files(folder)
    file = next((file for file in files if file.id == key_id), None)
    if file is None:
        raise SettingsError(f"there is no key `{key_id}` in {folder}: `branchwarden keys list` shows them")
    if file.kind is not KeyKind.SIGNING:
        raise SettingsError(f"`{key_id}` is a {file.kind} key, which has no public half: name a signing key")
    return _read(file).public


def _read(file: KeyFile) -> SigningKey:
    try:
        key = read_signing_key(read_key_file(file.path, KeyKind.SIGNING))
    except AttestationError as error:
        raise SettingsError(f"{file.path}: {error}") from None
    if key.id != file.id:
        raise SettingsError(f"{file.path} holds the key {key.id}, not the one of its name: restore it from your backup")
    return key
