"""A run that finds something leaves a signed record, too: of what it looked at and what it found, never of a value."""

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from daemon.neon import Login
from tests.fix_daemon import Warden
from tests.fix_plain import ORIGINAL, Desk, execute
from tests.fix_postgres import TestDatabase

QUOTED = f"ALTER TABLE notes ADD told text; UPDATE notes SET told = 'zq9@{ORIGINAL}.test' WHERE id = 3"
KEPT = 'told = "keep"\n'


@pytest.fixture
def quoting(desk: Desk, shop: TestDatabase) -> TestDatabase:
    """A shop in which a kept column quotes what another one masks."""
    execute(shop.dsn, QUOTED)
    desk.decide((desk.folder / "masking.toml").read_text() + KEPT)
    return shop


def _check(folder: Path, run: Callable[..., object], before: int = 0) -> None:
    files = sorted((folder / "attestations").glob("attestation-*.json"))
    assert len(files) == before + 1
    done = run("verify", "--attestation", str(files[-1]), "--json")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    roads = said["attestation"]["statement"]["predicate"]["roads"]
    (columns,) = (road for road in roads if road["name"] == "columns")
    assert (said["verdict"], columns["status"]) == ("FAIL", "FAIL")
    assert ORIGINAL not in files[-1].read_text() + done.stdout


def test_of_a_copy(desk: Desk, quoting: TestDatabase, make_database: Callable[[], TestDatabase]) -> None:
    done = desk.run("sanitize", "--source", quoting.dsn, "--target", make_database().dsn)

    assert done.returncode == 5
    assert "attestation of what was found: " in done.stderr
    _check(desk.folder, desk.run)


def test_in_place(desk: Desk, quoting: TestDatabase) -> None:
    done = desk.run("sanitize", "--in-place", quoting.dsn, "--yes")

    assert done.returncode == 5
    _check(desk.folder, desk.run)


@pytest.mark.slow
def test_of_a_branch(sanitized: Warden) -> None:
    with sanitized.client() as client:
        production = next(b for b in client.list_branches(sanitized.project_id) if b.name == "production")
        uri = client.connection_uri(sanitized.project_id, Login(production.id, "neondb", "neondb_owner"))
    with psycopg.connect(uri) as conn:
        conn.execute(QUOTED.encode())
    sanitized.policy.write_text(sanitized.policy.read_text().replace("\nbody = ", f"\n{KEPT}body = "))
    before = len(list((sanitized.folder / "attestations").glob("attestation-*.json")))

    done = sanitized.run("sanitize")

    assert done.returncode != 0
    _check(sanitized.folder, sanitized.run, before)
