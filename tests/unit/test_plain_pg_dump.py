"""What becomes of a pg_dump that does not do what it should: told in a sentence, never waited for without end."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from daemon.errors import RunRefusedError, StoppedError
from daemon.plain import parse_dsn
from daemon.plain.pg_dump import dump_schema

DSN = "host=/run/nowhere dbname=shop password=zqpassword"


def program(folder: Path, script: str) -> Path:
    """A program that stands where pg_dump would."""
    path = folder / "pg_dump"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_what_it_complains_of_is_told(tmp_path: Path) -> None:
    failing = program(tmp_path, "echo 'pg_dump: error: no such thing' >&2; exit 1")

    with pytest.raises(RunRefusedError, match=r"cannot read the schema of .*/shop: no such thing"):
        dump_schema(failing, parse_dsn("--source", DSN), Event())


def test_it_is_ended_when_the_run_is_stopped(tmp_path: Path) -> None:
    stop = Event()
    stop.set()

    with pytest.raises(StoppedError):
        dump_schema(program(tmp_path, "exec sleep 600"), parse_dsn("--source", DSN), stop)


def test_it_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.plain.pg_dump.LIMIT", 0)

    with pytest.raises(RunRefusedError, match=r"did not end within .* minutes: see what locks a table"):
        dump_schema(program(tmp_path, "exec sleep 600"), parse_dsn("--source", DSN), Event())


def test_a_schema_without_an_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunRefusedError, match=r"no encoding .*give --schema-exists"):
        dump_schema(program(tmp_path, "printf '\\377\\n'"), parse_dsn("--source", DSN), Event())


def test_no_password_is_in_its_command_line_and_it_finds_both(tmp_path: Path) -> None:
    telling = program(tmp_path, 'echo "$@"; echo "$PGPASSWORD"; cat "$PGSERVICEFILE"; ls -l "$PGSERVICEFILE"')

    told = dump_schema(telling, parse_dsn("--source", f"{DSN} sslpassword=zqsecret"), Event())

    arguments, password, service, secret, file = told.splitlines()
    assert "zq" not in arguments
    assert "--encoding=UTF8" in arguments
    assert "service=branchwarden" in arguments
    assert (password, service, secret) == ("zqpassword", "[branchwarden]", "sslpassword=zqsecret")
    assert file.startswith("-rw------- ")
    assert not Path(file.split()[-1]).exists()


def test_a_password_of_a_certificate_beside_a_service_is_refused_with_what_to_do(tmp_path: Path) -> None:
    database = parse_dsn("--source", "service=shop sslpassword=zqsecret")

    with pytest.raises(RunRefusedError, match="write it into the service file"):
        dump_schema(program(tmp_path, "exit 0"), database, Event())
