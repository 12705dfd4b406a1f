"""The real command on plain Postgres: a folder with a policy and a key, and no Neon anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fix_postgres import TestDatabase

ROOT = Path(__file__).parents[1]
SHOP = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text UNIQUE, joined date);
CREATE TABLE notes (id int PRIMARY KEY, person int REFERENCES people, body text);
CREATE VIEW everybody AS SELECT name FROM people;
CREATE MATERIALIZED VIEW domains AS SELECT email FROM people;
CREATE FUNCTION two() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
COMMENT ON TABLE people IS 'it''s; who';
INSERT INTO people SELECT n, 'Zqfirst Zqlast' || n, 'zq' || n || '@zq-original.test', date '2020-01-01' + n
FROM generate_series(1, 50) AS n;
INSERT INTO notes SELECT n, n, NULL FROM generate_series(1, 20) AS n;
REFRESH MATERIALIZED VIEW domains;
ANALYZE;
"""
ORIGINAL = "zq-original"
POLICY = """version = 1
reviewed_by = "Ada"
reviewed_on = 2026-11-21
[{0}.public.people]
id = "keep"
name = "full_name"
email = "email"
joined = "date_shift"
[{0}.public.notes]
id = "keep"
person = "keep"
body = "keep"
"""


@dataclass(frozen=True)
class Desk:
    """Somebody's working folder."""

    folder: Path

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL, **variables: str) -> subprocess.Popen[str]:
        """Start the command and leave it running."""
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("BRANCHWARDEN_", "NEON_", "PG"))}
        return subprocess.Popen(
            [sys.executable, "-m", "daemon", *arguments],
            env={**plain, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **variables},
            cwd=self.folder,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, typed: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        stdin = subprocess.DEVNULL if typed is None else subprocess.PIPE
        with self.start(*arguments, stdin=stdin, **variables) as process:
            out, err = process.communicate(typed, timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def json(self, *arguments: str) -> Any:
        """What the command prints as JSON."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def decide(self, text: str) -> None:
        """Write the masking policy."""
        (self.folder / "masking.toml").write_text(text)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with a masking key."""
    desk = Desk(tmp_path)
    assert desk.run("keys", "new").returncode == 0
    return desk


@pytest.fixture
def shop(make_database: Callable[[], TestDatabase], desk: Desk) -> TestDatabase:
    """A database with personal data, and a policy for it on the desk."""
    database = make_database()
    execute(database.dsn, SHOP)
    desk.decide(POLICY.format(database.name))
    return database


def execute(dsn: str, script: str) -> None:
    """Run statements and commit."""
    with psycopg.connect(dsn) as conn:
        conn.execute(script.encode())


def rows(dsn: str, query: str) -> Sequence[tuple[Any, ...]]:
    """The rows of a query."""
    with psycopg.connect(dsn) as conn:
        return conn.execute(query.encode()).fetchall()
