"""A search for bytes in the files of a database, as the servers' superuser and past all that SQL shows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg

from tests.fix_postgres import TestDatabase


def files_holding(database: TestDatabase, needle: bytes) -> set[str]:
    """Names of the files of the database that hold these bytes, by what they belong to."""
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        conn.execute("CHECKPOINT")
        row = conn.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        assert row
        folder = Path(row[0]) / "base" / str(row[1])
        nodes: dict[str, str] = dict(
            conn.execute("SELECT pg_relation_filenode(oid)::text, relname FROM pg_class").fetchall()
        )
    found = subprocess.run(["grep", "-rlaF", needle, folder], capture_output=True, check=False)
    assert found.returncode in {0, 1}, found.stderr
    names = [Path(line).name for line in found.stdout.decode().splitlines()]
    return {nodes.get(name.partition(".")[0], f"file {name}") for name in names}
