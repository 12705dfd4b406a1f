"""Files of keys: closed to others, written whole, and told apart by their names."""

import os
import resource
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.errors import SettingsError
from daemon.keys import (
    KeyKind,
    KeyState,
    every_key,
    given_key,
    list_keys,
    new_key,
    new_signing_key,
    newest_key,
    retire_key,
)
from daemon.keys.files import read_key_file, write_key

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


def test_all_keys_are_listed_with_what_they_are_for_and_whether_they_are_used(tmp_path: Path) -> None:
    old, new = new_key(tmp_path, NOW), new_key(tmp_path, NOW + DAY)
    first, second, third = (new_signing_key(tmp_path, NOW + n * DAY) for n in range(3))
    retire_key(tmp_path, third)

    found = [(entry.kind, entry.id, entry.made, entry.state) for entry in every_key(tmp_path)]

    assert found == [
        (KeyKind.MASKING, new, NOW + DAY, KeyState.IN_USE),
        (KeyKind.MASKING, old, NOW, KeyState.OLDER),
        (KeyKind.SIGNING, third, NOW + 2 * DAY, KeyState.RETIRED),
        (KeyKind.SIGNING, second, NOW + DAY, KeyState.IN_USE),
        (KeyKind.SIGNING, first, NOW, KeyState.OLDER),
    ]


def test_signing_keys_are_no_masking_keys(tmp_path: Path) -> None:
    new_signing_key(tmp_path, NOW)

    assert list_keys(tmp_path) == ()
    with pytest.raises(SettingsError, match="no masking key"):
        newest_key(tmp_path)


def test_files_from_before_there_were_signing_keys_are_still_read(tmp_path: Path) -> None:
    path = tmp_path / "masking-20251231T235959-00ff.key"
    path.write_text("ab" * 32 + "\n")
    path.chmod(0o600)
    (tmp_path / "masking-20250101T000000-0000.retired").write_text("")

    assert list_keys(tmp_path) == ("20251231T235959-00ff",)
    assert newest_key(tmp_path).secret == b"\xab" * 32
    assert given_key(path).id == "20251231T235959-00ff"


def test_other_files_are_no_keys(tmp_path: Path) -> None:
    names = ["notes.txt", "masking-x.key", "masking-20261399T000000-abcd.key", "signing-20261121T000000-abcd.key"]
    for name in (*names, ".masking-20261121T000000-abcd.key.0011"):
        (tmp_path / name).touch()

    assert every_key(tmp_path) == ()


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "keys"
    new_key(folder, NOW)
    folder.chmod(mode)

    with pytest.raises(SettingsError, match="chmod go-w"):
        newest_key(folder)
    with pytest.raises(SettingsError, match="chmod go-w"):
        new_key(folder, NOW)


@pytest.mark.parametrize("mode", [0o755, 0o1777])
def test_a_folder_in_which_others_cannot_swap_files_is_fine(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "keys"
    key_id = new_key(folder, NOW)
    folder.chmod(mode)

    assert newest_key(folder).id == key_id


def test_a_new_folder_is_closed(tmp_path: Path) -> None:
    new_key(tmp_path / "deep" / "keys", NOW)

    assert stat.S_IMODE((tmp_path / "deep" / "keys").stat().st_mode) == 0o700


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a key that somebody else put into a sticky folder
    key_id = new_key(tmp_path, NOW)
    path = tmp_path / f"masking-{key_id}.key"
    if os.geteuid() == 0:
        os.chown(path, 1234, -1)
    me = path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: me)

    with pytest.raises(SettingsError, match="belongs to another user"):
        newest_key(tmp_path)


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "masking-20261121T000000-abcd.key"
    write_key(path, "first")

    with pytest.raises(SettingsError, match="already"):
        write_key(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    # given a disk that takes the file and no byte of it
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))

    try:
        with pytest.raises(SettingsError, match="cannot write a key"):
            new_key(tmp_path, NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")

    with pytest.raises(SettingsError, match="cannot write a key"):
        new_key(tmp_path / "keys", NOW)
    with pytest.raises(SettingsError, match="cannot read the key folder"):
        list_keys(tmp_path / "keys")


def test_a_file_that_is_too_long_for_a_key_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "endless"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    path.chmod(0o600)
    started = time.monotonic()

    with pytest.raises(SettingsError, match="too long"):
        read_key_file(path, KeyKind.MASKING)
    assert time.monotonic() - started < 5


def test_a_key_can_come_through_a_pipe(tmp_path: Path) -> None:
    # as of `--key <(...)`: the shell gives a path below /dev/fd
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as file:
        file.write("cd" * 32)

    try:
        key = given_key(Path(f"/dev/fd/{reader}"))
    finally:
        os.close(reader)

    assert key.secret == b"\xcd" * 32
