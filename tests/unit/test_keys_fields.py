"""Field keys in files: the newest encrypts, older ones open, a retired one does neither."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.errors import SettingsError
from daemon.keys import every_key, field_keyring, list_keys, new_field_key, new_key, required_keyring, retire_key
from sanitizers.errors import UnknownKeyError
from sanitizers.fields.cipher import Context, decrypt, encrypt, key_of
from sanitizers.fields.keyring import KEY_ID_LENGTH

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACE = Context("s", "t", "c")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def field_file(folder: Path) -> Path:
    (file,) = folder.glob("field-*.key")
    return file


def test_a_key_is_a_file_that_nobody_else_reads_and_says_in_its_id_when_it_was_made(folder: Path) -> None:
    key_id = new_field_key(folder, NOW)

    assert (len(key_id), key_id[:15]) == (KEY_ID_LENGTH, "20261122T120000")
    assert field_file(folder).stat().st_mode & 0o777 == 0o600
    assert [(entry.kind, entry.id, entry.state) for entry in every_key(folder)] == [("field", key_id, "in use")]
    assert list_keys(folder) == ()


def test_the_newest_encrypts_and_all_that_are_not_retired_open(folder: Path) -> None:
    first = new_field_key(folder, NOW)
    token = encrypt("x", PLACE, required_keyring(folder), deterministic=True)
    second = new_field_key(folder, NOW + timedelta(days=1))

    both = required_keyring(folder)
    assert (both.newest, decrypt(token, PLACE, both)) == (second, "x")
    assert retire_key(folder, first) == "field"
    with pytest.raises(UnknownKeyError, match=first):
        decrypt(token, PLACE, required_keyring(folder))
    assert key_of(encrypt("x", PLACE, required_keyring(folder), deterministic=False)) == second


def test_without_a_field_key_there_is_no_keyring_and_a_masking_key_is_none(folder: Path) -> None:
    new_key(folder, NOW)

    assert field_keyring(folder) is None
    with pytest.raises(SettingsError, match="keys new --kind field"):
        required_keyring(folder)


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31, "ä" * 32])
def test_a_file_that_holds_no_key_is_refused_without_its_content(folder: Path, content: str) -> None:
    new_field_key(folder, NOW)
    field_file(folder).write_text(content + "\n")

    with pytest.raises(SettingsError, match="field-20261122T120000") as caught:
        required_keyring(folder)

    assert not content or content not in str(caught.value)


def test_a_key_that_others_can_read_is_refused(folder: Path) -> None:
    new_field_key(folder, NOW)
    field_file(folder).chmod(0o640)

    with pytest.raises(SettingsError, match="others can read the field key"):
        required_keyring(folder)


def test_where_every_key_is_retired_it_says_how_to_take_one_back(folder: Path) -> None:
    key_id = new_field_key(folder, NOW)
    retire_key(folder, key_id)

    with pytest.raises(SettingsError, match=rf"retired.*rename field-{key_id}\.retired to field-{key_id}\.key"):
        required_keyring(folder)
    with pytest.raises(SettingsError, match=f"field key `{key_id}` is retired already"):
        retire_key(folder, key_id)
