"""Masking keys: made once, mode 600, never shown."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.errors import SettingsError
from daemon.keys import given_key, list_keys, new_key, newest_key, retire_key, secret_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_new_key_is_readable_for_its_owner_alone_and_becomes_the_newest(tmp_path: Path) -> None:
    first = new_key(tmp_path / "keys", NOW)
    second = new_key(tmp_path / "keys", NOW + timedelta(days=1))

    key = newest_key(tmp_path / "keys")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}

    assert list_keys(tmp_path / "keys") == (second, first)
    assert key.id == second
    assert len(key.secret) == 32
    assert modes == {0o600}
    assert key.secret.hex() not in repr(key)


def test_the_key_of_a_run_is_its_own_or_none_and_never_another_one(tmp_path: Path) -> None:
    first, second = (new_key(tmp_path, NOW + timedelta(days=day)) for day in (0, 1))
    own = newest_key(tmp_path).secret
    retire_key(tmp_path, second)

    assert secret_of(tmp_path, second) == own
    assert secret_of(tmp_path, "") == secret_of(tmp_path, first), "nobody knows which: the one in use"
    assert secret_of(tmp_path, "ephemeral") is None
    assert secret_of(tmp_path, "20200101T000000-abcd") is None


def test_two_keys_differ(tmp_path: Path) -> None:
    new_key(tmp_path, NOW)
    one = newest_key(tmp_path).secret
    new_key(tmp_path, NOW + timedelta(seconds=1))

    assert newest_key(tmp_path).secret != one


def test_a_retired_key_is_out_of_use_but_not_gone(tmp_path: Path) -> None:
    first = new_key(tmp_path, NOW)
    second = new_key(tmp_path, NOW + timedelta(days=1))

    retire_key(tmp_path, second)

    assert newest_key(tmp_path).id == first
    assert len(list(tmp_path.iterdir())) == 2


def test_no_folder_means_no_key_and_says_how_to_make_one(tmp_path: Path) -> None:
    assert list_keys(tmp_path / "absent") == ()
    with pytest.raises(SettingsError, match="keys new"):
        newest_key(tmp_path / "absent")


@pytest.mark.parametrize("text", ["", "not hex at all", "abcd", "ab" * 31])
def test_a_file_that_is_no_key_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    key_id = new_key(tmp_path, NOW)
    (tmp_path / f"masking-{key_id}.key").write_text(text)

    with pytest.raises(SettingsError, match="is no masking key") as caught:
        newest_key(tmp_path)
    assert not text or text not in str(caught.value)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key_id = new_key(tmp_path, NOW)
    (tmp_path / f"masking-{key_id}.key").chmod(0o640)

    with pytest.raises(SettingsError, match="chmod 600"):
        newest_key(tmp_path)


def test_retiring_an_unknown_key_says_where_the_known_ones_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="keys list"):
        retire_key(tmp_path, "20200101T000000-abcd")


def test_where_no_key_is_given_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no masking key in .*: make one with `branchwarden keys new`"):
        given_key(tmp_path / "keys")
