"""Signing keys: the newest signs, older ones verify, a retired one does neither."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.errors import SettingsError
from daemon.keys import (
    new_key,
    new_signing_key,
    newest_signing_key,
    public_key,
    retire_key,
    trusted_keys,
)
from sanitizers.attest.attestation import read_attestation, write_attestation
from sanitizers.errors import AttestationError
from tests.attest_case import OTHER, statement

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


def _file(folder: Path, key_id: str) -> Path:
    return next(folder.glob(f"signing-*-{key_id}.*"))


def test_a_new_key_signs_and_is_readable_for_its_owner_alone(tmp_path: Path) -> None:
    key_id = new_signing_key(tmp_path, NOW)

    key = newest_signing_key(tmp_path)

    assert key.id == key_id
    assert _file(tmp_path, key_id).name == f"signing-20261121T000000-{key_id}.key"
    assert stat.S_IMODE(_file(tmp_path, key_id).stat().st_mode) == 0o600
    assert key.pem.splitlines()[1] not in repr(key)


def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_verifies(tmp_path: Path) -> None:
    old = new_signing_key(tmp_path, NOW)
    before = write_attestation(statement(), [newest_signing_key(tmp_path)])
    new = new_signing_key(tmp_path, NOW + DAY)
    after = write_attestation(statement(), [newest_signing_key(tmp_path)])

    trusted = trusted_keys(tmp_path)

    assert [key.id for key in trusted] == [new, old]
    assert read_attestation(before, trusted).signers == (old,)
    assert read_attestation(after, trusted).signers == (new,)


def test_what_a_retired_key_signed_is_not_trusted_any_more(tmp_path: Path) -> None:
    leaked = new_signing_key(tmp_path, NOW)
    data = write_attestation(statement(), [newest_signing_key(tmp_path)])
    new_signing_key(tmp_path, NOW + DAY)

    retire_key(tmp_path, leaked)

    with pytest.raises(AttestationError, match=leaked):
        read_attestation(data, trusted_keys(tmp_path))


def test_a_key_is_retired_once(tmp_path: Path) -> None:
    key_id = new_signing_key(tmp_path, NOW)
    retire_key(tmp_path, key_id)

    with pytest.raises(SettingsError, match="is retired already"):
        retire_key(tmp_path, key_id)


def test_the_public_half_can_be_had_of_every_key_and_by_default_of_the_one_in_use(tmp_path: Path) -> None:
    old, new = new_signing_key(tmp_path, NOW), new_signing_key(tmp_path, NOW + DAY)
    retire_key(tmp_path, old)

    assert public_key(tmp_path).id == new
    assert public_key(tmp_path, old).id == old


def test_no_key_means_no_signature_and_says_how_to_make_one(tmp_path: Path) -> None:
    assert trusted_keys(tmp_path / "absent") == ()
    for wanted in (newest_signing_key, public_key):
        with pytest.raises(SettingsError, match="keys new --kind signing"):
            wanted(tmp_path / "absent")


def test_a_masking_key_has_no_public_half(tmp_path: Path) -> None:
    key_id = new_key(tmp_path, NOW)

    with pytest.raises(SettingsError, match="has no public half"):
        public_key(tmp_path, key_id)


def test_an_unknown_key_says_where_the_known_ones_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="keys list"):
        public_key(tmp_path, "0" * 16)


def test_a_key_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    key_id = new_signing_key(tmp_path, NOW)
    _file(tmp_path, key_id).write_text(OTHER.pem)

    with pytest.raises(SettingsError, match=f"holds the key {OTHER.id}"):
        newest_signing_key(tmp_path)


@pytest.mark.parametrize("text", ["", "ab" * 32, "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    key_id = new_signing_key(tmp_path, NOW)
    _file(tmp_path, key_id).write_text(text)

    with pytest.raises(SettingsError, match="is no signing key") as caught:
        newest_signing_key(tmp_path)
    assert not text or text not in str(caught.value)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key_id = new_signing_key(tmp_path, NOW)
    _file(tmp_path, key_id).chmod(0o604)

    with pytest.raises(SettingsError, match="chmod 600"):
        trusted_keys(tmp_path)
