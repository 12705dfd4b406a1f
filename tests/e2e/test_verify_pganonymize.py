"""A database that the real pganonymize has masked: `verify` finds what it has left, with the numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.fix_plain import Desk, execute
from tests.fix_postgres import TestDatabase

RELEASE = "pganonymize-0.13.0"
PACKAGES = ("pganonymize==0.13.0", "pgcopy==1.6.2")
BELOW = ("psycopg2-binary>=2.9,<3", "faker>=40,<41", "parmap>=1.7,<2", "pyyaml>=6,<7", "tqdm>=4,<5", "pytz")
"""What those two need; psycopg2 as the wheel, so that nothing has to be compiled."""
FETCH_LIMIT = 300  # seconds

ROWS = 2000
PEOPLE = f"""
CREATE TABLE people (id int PRIMARY KEY, name text, email text UNIQUE);
INSERT INTO people SELECT n, 'Zqtheodora Zqpapadimitriou' || n, 'zqtheodora' || n || '@corp-mail.gr'
FROM generate_series(1, {ROWS}) n;
ANALYZE people;
"""
FIELDS = [{"name": {"provider": {"name": "fake.name"}}}, {"email": {"provider": {"name": "fake.unique.email"}}}]
POLICY = """version = 1
[{0}.public.people]
id = "keep"
name = "full_name"
email = "email"
"""


@pytest.fixture(scope="module")
def program() -> Path:
    """The command, installed once into a folder of its own."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "branchwarden-tests"
    folder = cache / RELEASE
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as name:
            _install(Path(name))
            Path(name).rename(folder)
            Path(name).mkdir()  # which the context manager is to remove
    return folder


def _install(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    for packages in (BELOW, ("--no-deps", *PACKAGES)):
        done = subprocess.run([*pip, *packages], check=False, capture_output=True, text=True, timeout=FETCH_LIMIT)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()[-1:]
            pytest.skip(f"pip could not fetch pganonymize: {said}")  # a laptop may be offline; CI is not


def mask(program: Path, folder: Path, database: TestDatabase) -> None:
    """Run it as its documentation says."""
    schema = folder / "schema.yml"  # JSON is YAML
    schema.write_text(json.dumps({"tables": [{"people": {"primary_key": "id", "fields": FIELDS}}]}))
    parts = conninfo_to_dict(database.dsn)
    where = [f"--{name}={parts[key]}" for name, key in (("user", "user"), ("password", "password"), ("host", "host"))]
    call = "from pganonymize.__main__ import main; main()"
    command = [sys.executable, "-c", call, f"--schema={schema}", f"--dbname={database.name}", f"--port={parts['port']}"]
    environment = {**os.environ, "PYTHONPATH": str(program)}
    done = subprocess.run([*command, *where], check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_what_pganonymize_leaves_is_found_with_the_numbers(
    program: Path, desk: Desk, make_database: Callable[[], TestDatabase]
) -> None:
    original, copy = make_database(), make_database()
    for database in (original, copy):
        execute(database.dsn, PEOPLE)
    desk.decide(POLICY.format(copy.name))
    mask(program, desk.folder, copy)

    done = desk.run("verify", "--dsn", copy.dsn, "--source", original.dsn, "--json")

    assert done.returncode == 1, done.stderr
    roads = {road["road"]: road for road in json.loads(done.stdout)["roads"]}
    assert roads["columns"]["status"] == "PASS"  # no query shows an original
    assert roads["statistics"]["status"] == "FAIL"
    assert roads["statistics"]["numbers"]["found"] > 0
    assert roads["pages"]["status"] == "FAIL"
    assert roads["pages"]["numbers"]["dead-rows"] > 0
    assert "Zq" not in done.stdout + done.stderr
    assert "zqtheodora" not in done.stdout + done.stderr
