"""What a killed emulator left half done in its folder is finished or undone by the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator import fleet, folder
from emulator.binaries import Account
from emulator.errors import EmulatorError


def data(root: Path, name: str, mark: str) -> None:
    (root / "branches" / name).mkdir(parents=True)
    (root / "branches" / name / "mark").write_text(mark)


def marks(root: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in (root / "branches").glob("*/mark")}


def test_a_replacement_that_was_not_put_in_place_yet_is_thrown_away(tmp_path: Path) -> None:
    data(tmp_path, "br-a", "before")
    data(tmp_path, "br-a.new", "half")

    fleet.tidy(tmp_path, ["br-a"])

    assert marks(tmp_path) == {"br-a": "before"}


def test_a_replacement_that_was_complete_is_put_in_place(tmp_path: Path) -> None:
    data(tmp_path, "br-a.new", "after")
    data(tmp_path, "br-a.old", "before")

    fleet.tidy(tmp_path, ["br-a"])

    assert marks(tmp_path) == {"br-a": "after"}


def test_data_of_branches_that_nobody_knows_go(tmp_path: Path) -> None:
    data(tmp_path, "br-a", "kept")
    data(tmp_path, "br-half-made", "gone")

    fleet.tidy(tmp_path, ["br-a"])

    assert marks(tmp_path) == {"br-a": "kept"}


def test_a_process_that_only_has_the_number_of_a_server_is_left_alone(tmp_path: Path) -> None:
    data(tmp_path, "br-a", "kept")
    (tmp_path / "branches" / "br-a" / "postmaster.pid").write_text("1\n")  # init, not a server of ours

    fleet.reap(tmp_path)

    assert Path("/proc/1").exists()


@pytest.mark.parametrize("name", ["precious", "bw-sockets-link"])
def test_a_note_about_sockets_cannot_make_us_remove_something_else(tmp_path: Path, name: str) -> None:
    (tmp_path / "precious").mkdir()
    if name != "precious":
        (tmp_path / name).symlink_to(tmp_path / "precious")
    work = tmp_path / "work"
    work.mkdir()
    folder.note_sockets(work, tmp_path / name)

    folder._clear(work)

    assert (tmp_path / "precious").exists()
    assert not (work / "sockets").exists()


def test_a_folder_that_the_servers_cannot_enter_is_one_sentence(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    nobody = Account("nobody", 65534, 65534)

    with pytest.raises(EmulatorError, match="runs as the user nobody, who cannot enter"):
        folder._prepared(closed, nobody)
