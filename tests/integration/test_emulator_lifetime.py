"""The emulator as a program: it starts with one clear sentence or not at all, ends cleanly, and remembers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from emulator.server import Emulator, Tuning, running
from tests.fix_emulator import Api

pytestmark = pytest.mark.postgres
ROOT = Path(__file__).parents[2]


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m emulator`; it is killed at the end if it still lives."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-m", "emulator", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def greeted(process: subprocess.Popen[str]) -> Emulator:
    """Read the greeting and give what it says."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(6)]
    words = {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines)}
    port = re.match(r"localhost:(\d+)", words["Postgres"])
    assert port is not None
    projects = (words["Projects"],)
    return Emulator(words["Neon API"], words["API key"], projects, Path(words["Data"]), int(port[1]))


def servers_on(folder: Path) -> list[int]:
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (proc / "cmdline").read_bytes():
                found.append(int(proc.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_cleanly_with_every_server(number: signal.Signals) -> None:
    with program() as process:
        neon = greeted(process)
        with Api(neon) as api, psycopg.connect(api.uri("production")):
            process.send_signal(number)

            code = process.wait(30)

    assert code == 0
    assert not neon.folder.exists()
    assert servers_on(neon.folder) == []


def test_a_signal_while_the_seed_is_loaded_ends_the_program_cleanly(fresh_folder: Path) -> None:
    with program("--seed", "demo", "--data", str(fresh_folder)) as process:
        assert process.stderr is not None
        process.stderr.readline()

        process.send_signal(signal.SIGTERM)

        assert process.wait(30) == 0
    assert servers_on(fresh_folder) == []


def test_data_keys_and_connection_strings_survive_a_restart(fresh_folder: Path, templates: Path) -> None:
    tuning = Tuning(templates=templates)
    with running(data=fresh_folder, tuning=tuning) as neon, Api(neon) as api:
        api.sql("production", "CREATE TABLE t AS SELECT 7 AS n")
        api.create("dev")
        before, key, uri = api.get("/branches", sort_by="name"), neon.api_key, api.uri("dev")

    with running("demo", data=fresh_folder, tuning=tuning) as again, Api(again) as api:
        after, rows = api.get("/branches", sort_by="name"), api.sql("dev", "SELECT n FROM t")
        new_uri = api.uri("dev")

    assert (key, uri) == (again.api_key, new_uri)
    assert [b["id"] for b in before["branches"]] == [b["id"] for b in after["branches"]]
    assert rows == [(7,)]


def test_after_a_kill_the_next_start_stops_the_servers_and_goes_on(fresh_folder: Path) -> None:
    with program("--data", str(fresh_folder)) as process:
        neon = greeted(process)
        with Api(neon) as api:
            api.sql("production", "CREATE TABLE t AS SELECT 7 AS n")
            conn = psycopg.connect(api.uri("production"))  # keeps the server awake
            api.send("POST", "/branches", {"branch": {"name": "half-made"}})
            process.kill()
            process.wait()
            conn.close()
    left = servers_on(fresh_folder / "branches")
    assert left

    with running(data=fresh_folder) as again, Api(again) as api:
        gone = [pid for pid in left if not Path(f"/proc/{pid}").exists()]
        rows = api.sql("production", "SELECT n FROM t")
        api.create("new")
        names = {b["name"] for b in api.get("/branches")["branches"]}

    assert gone == left
    assert rows == [(7,)]
    assert names == {"production", "new"}


def test_what_a_killed_temporary_emulator_left_is_swept_by_the_next() -> None:
    with program() as process:
        neon = greeted(process)
        with Api(neon) as api:
            api.sql("production", "SELECT 1")
        process.kill()
        process.wait()
    assert neon.folder.exists()

    with running():
        pass

    assert not neon.folder.exists()
    assert servers_on(neon.folder) == []


def test_two_emulators_do_not_share_a_folder(fresh_folder: Path) -> None:
    with running(data=fresh_folder):
        code, out, err = finished("--data", str(fresh_folder))

    assert (code, out) == (2, "")
    assert err == f"Another emulator works in {fresh_folder}: stop it or name another folder.\n"


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        code, out, err = finished("--port", str(port))

    assert (code, out) == (2, "")
    assert err == f"Port {port} of 127.0.0.1 cannot be used: Address already in use. Name another.\n"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    code, out, err = finished("--data", str(file / "data"))

    assert (code, out) == (2, "")
    assert err == f"The folder {file}/data cannot be made: Not a directory. Name another.\n"


def test_a_bad_seed_is_one_sentence(tmp_path: Path) -> None:
    code, out, err = finished("--seed", str(tmp_path))

    assert (code, out) == (2, "")
    assert err == f"Cannot read the seed {tmp_path}/project.toml: No such file or directory.\n"


def test_a_sql_file_that_fails_is_named_with_its_line_and_no_value(fresh_folder: Path) -> None:
    seed, data = fresh_folder / "seed", fresh_folder / "data"
    seed.mkdir()
    (seed / "project.toml").write_text(
        '[project]\nname = "p"\n[[branches]]\nname = "main"\ndefault = true\n'
        'databases = [{ name = "neondb", sql = ["bad.sql"] }]\n'
    )
    (seed / "bad.sql").write_text("CREATE TABLE t (e text UNIQUE);\nINSERT INTO t VALUES ('secret@x'), ('secret@x');\n")

    code, _, err = finished("--seed", str(seed), "--data", str(data))

    assert code == 2
    assert "The seed's file bad.sql fails" in err
    assert "bad.sql:2: ERROR:  duplicate key" in err
    assert "secret@x" not in err


def test_a_broken_state_file_is_one_sentence(fresh_folder: Path) -> None:
    (fresh_folder / "state.json").write_text("{")

    code, _, err = finished("--data", str(fresh_folder))

    assert code == 2
    assert err == f"{fresh_folder}/state.json is not the state of an emulator: move the folder away or name another.\n"


def test_the_state_with_its_passwords_is_readable_by_its_owner_alone(fresh_folder: Path) -> None:
    with running(data=fresh_folder):
        mode = (fresh_folder / "state.json").stat().st_mode

    assert mode & 0o077 == 0


def finished(*arguments: str) -> tuple[int, str, str]:
    """Run the program to its end; the lines that tell progress are left out."""
    with program(*arguments) as process:
        out, err = process.communicate(timeout=60)
    told = [line for line in err.splitlines(keepends=True) if not line.startswith("branch ")]
    return process.returncode, out, "".join(told)
