"""A state store that cannot be used is one sentence, and nothing in it is lost."""

import multiprocessing
import os
import resource
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.errors import StateError
from daemon.records import Event
from daemon.store import edge, open_store
from tests.store_case import NOW, event, write_events

# a store that cannot be used


def open_fails(state_file):
    with pytest.raises(StateError) as caught, open_store(state_file, exclusive=True):
        pass
    message = str(caught.value)
    assert message.startswith(f"State store {state_file}: ")
    assert "\n" not in message
    return message


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    assert "the folder" in open_fails(tmp_path / "missing" / "state.db")


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").touch()

    assert "the folder" in open_fails(tmp_path / "file" / "state.db")


def test_a_path_that_is_a_folder_is_refused(tmp_path):
    assert "Is a directory" in open_fails(tmp_path)


def test_a_file_that_is_no_database_is_refused(state_file):
    state_file.write_bytes(b"hello, I am a diary" * 100)

    assert "not an SQLite database" in open_fails(state_file)


def test_a_database_of_another_program_is_left_alone(state_file):
    with sqlite3.connect(state_file) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()

    assert "another program" in open_fails(state_file)


def test_a_damaged_file_is_said_to_be_damaged(state_file):
    with open_store(state_file, exclusive=True) as state_store:
        for number in range(200):
            state_store.append_event(event(number), NOW)
    size = state_file.stat().st_size
    with state_file.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))

    with pytest.raises(StateError, match="damaged"):
        write_events(state_file, 1)


def test_a_full_database_is_said_to_be_full_and_keeps_what_it_had(state_store):
    state_store.append_event(event(1), NOW)

    @sa.event.listens_for(state_store.engine, "begin")
    def shrink(connection):
        connection.exec_driver_sql("PRAGMA max_page_count = 1")

    with pytest.raises(StateError, match="disk is full"):
        state_store.append_event(Event("long", None, None, "x" * 100_000), NOW)
    assert state_store.verify_events().ok


def test_a_disk_that_takes_no_more_bytes_is_one_sentence(state_file):
    with open_store(state_file, exclusive=True):
        pass

    failed = multiprocessing.get_context("spawn").Pool(1)
    with failed as pool:
        message = pool.apply(write_under_a_limit, (state_file,))

    assert "the disk" in message


def write_under_a_limit(state_file):
    """Write until the kernel refuses; the limit holds for root as well."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        write_events(state_file, 1000)
    except StateError as error:
        return str(error)
    return "it went through"


@pytest.fixture
def read_only_folder():
    """Root may write anything, so root is put aside; tmp_path is closed to others, hence a folder of our own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written_is_one_sentence(read_only_folder):
    assert "Permission denied; check the folder" in open_fails(read_only_folder / "state.db")


def test_a_store_that_became_read_only_is_one_sentence(state_store):
    @sa.event.listens_for(state_store.engine, "begin")
    def freeze(connection):
        connection.exec_driver_sql("PRAGMA query_only = ON")

    with pytest.raises(StateError, match="cannot be written"):
        state_store.heartbeat(NOW)


def test_a_file_that_another_process_never_lets_go_of_is_one_sentence(state_file, monkeypatch):
    monkeypatch.setattr(edge, "BUSY_TIMEOUT_MS", 50)
    with open_store(state_file, exclusive=True) as state_store:
        other = sqlite3.connect(state_file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StateError, match="another process holds it"):
            state_store.heartbeat(NOW)
        assert state_store.last_heartbeat() is None
        other.close()
