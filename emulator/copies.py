"""How the data of a branch come to be: an empty cluster, a copy of another branch, or another branch's schema alone.

Plain synchronous functions on servers and folders; nothing here knows of projects or HTTP.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import psycopg

from emulator import roles
from emulator.binaries import Binaries
from emulator.postgres import SUPERUSER, Server

WAL = "pg_wal"
# Both exist in every cluster that `make_template` made.
_EXISTING = re.compile(rf"^CREATE ROLE ({SUPERUSER}|{roles.NEON_SUPERUSER});$", re.MULTILINE)


def make_template(server: Server) -> None:
    """Make an empty cluster with Neon's `neon_superuser`, stopped again: every new root is a copy of it."""
    server.init()
    with server, psycopg.connect(server.dsn(dbname="template1"), autocommit=True) as conn:
        roles.bootstrap(conn)


def copy_stopped(binaries: Binaries, source: Path, target: Path) -> None:
    """Copy the data directory of a server that does not run; old WAL that nothing needs stays behind."""
    told = control(binaries, source)
    clean = told["Database cluster state"] == "shut down"
    # After a clean stop the last checkpoint is all that is read of the WAL; its record may reach into the next segment.
    first = told["Latest checkpoint's REDO WAL file"] if clean else ""
    segments = sorted(f for f in (source / WAL).iterdir() if f.is_file() and f.name >= first)
    binaries.account.private_folder(target)
    for folder in (WAL, f"{WAL}/archive_status", f"{WAL}/summaries"):
        binaries.account.private_folder(target / folder)
    rest = [f for f in source.iterdir() if f.name not in {WAL, "postmaster.pid", "postmaster.opts"}]
    _copy(binaries, rest, target)
    _copy(binaries, segments[:2] if clean else segments, target / WAL)


def copy_running(source: Server, target: Path) -> None:
    """Copy the data directory of a running server: a consistent online backup."""
    binaries = source.binaries
    binaries.account.private_folder(target)
    binaries.run(
        "pg_basebackup",
        f"--dbname={source.dsn()}",
        f"--pgdata={target}",
        "--checkpoint=fast",
        "--wal-method=stream",
        "--no-sync",
        "--no-manifest",
    )


def copy_schema(source: Server, target: Server) -> None:
    """Fill a running empty cluster with the roles and, for each database, the schema of another; not one row."""
    dump = source.binaries
    every_role = dump.run("pg_dumpall", f"--dbname={source.dsn()}", "--roles-only", "--no-sync")
    _apply(target, _EXISTING.sub("", every_role))
    for database in user_databases(source):
        _apply(target, schema_sql(source, database, create=True))


def schema_sql(server: Server, database: str, *, create: bool = False) -> str:
    """Give the schema of a database as pg_dump writes it, owners and grants included."""
    options = ["--create"] if create else []
    if server.binaries.major >= 18:
        options.append("--no-statistics")  # they hold values of the tables
    return server.binaries.run("pg_dump", f"--dbname={server.dsn(dbname=database)}", "--schema-only", *options)


def user_databases(server: Server) -> list[str]:
    """Give the names of all databases but those of every cluster."""
    query = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY oid"
    with psycopg.connect(server.dsn()) as conn:
        return [row[0] for row in conn.execute(query)]


def checkpoint(binaries: Binaries, data: Path) -> str:
    """Give the LSN of a data directory's last checkpoint."""
    return control(binaries, data)["Latest checkpoint location"]


def size_of(data: Path) -> int:
    """Give the size of the databases of a data directory in bytes, WAL left out."""
    return sum(f.lstat().st_size for f in (data / "base").rglob("*") if f.is_file())


def remove(data: Path) -> None:
    """Remove a data directory."""
    shutil.rmtree(data, ignore_errors=True)


def control(binaries: Binaries, data: Path) -> dict[str, str]:
    """Give what pg_controldata tells of a data directory."""
    lines = binaries.run("pg_controldata", str(data)).splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _copy(binaries: Binaries, paths: list[Path], target: Path) -> None:
    # GNU cp shares the blocks where the file system can; other systems' cp copies them.
    binaries.run_any(["cp", "-a", *map(str, paths), f"{target}/"])


def _apply(server: Server, script: str) -> None:
    server.binaries.run(
        "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={server.dsn()}", script=script
    )
