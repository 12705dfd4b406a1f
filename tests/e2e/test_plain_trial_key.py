"""`plan` and `sanitize` try the fakes that the run will draw, so that they say the same."""

import hashlib
from collections.abc import Callable

import pytest

from tests.fix_plain import Desk, execute, rows
from tests.fix_postgres import TestDatabase

POLICY = 'version = 1\nreviewed_by = "Ada"\nreviewed_on = 2026-11-21\n["{}".public.t]\nc = "digest"\n'


def fake(desk: Desk, original: str) -> str:
    """What `digest` makes of it under the desk's key, by the recipe of the docs."""
    [path] = desk.folder.rglob("masking-*.key")
    subkey = hashlib.sha256(bytes.fromhex(path.read_text().strip()) + b"digest").digest()[:16]
    return hashlib.sha256(subkey + original.encode()).hexdigest()[:32]


@pytest.fixture
def picky(desk: Desk, make_database: Callable[[], TestDatabase]) -> TestDatabase:
    """A database that takes no fake but that of the desk's key."""
    database = make_database()
    allowed = fake(desk, "original")
    execute(database.dsn, f"CREATE TABLE t (c text CHECK (c IN ('original', '{allowed}')))")
    execute(database.dsn, "INSERT INTO t VALUES ('original')")
    desk.decide(POLICY.format(database.name))
    return database


def test_what_the_run_will_draw_passes_the_plan_and_the_run(
    desk: Desk, picky: TestDatabase, make_database: Callable[[], TestDatabase]
) -> None:
    target = make_database()

    planned = desk.run("plan", "--dsn", picky.dsn)
    copied = desk.run("sanitize", "--source", picky.dsn, "--target", target.dsn)
    masked = desk.run("sanitize", "--in-place", picky.dsn, "--yes")

    assert [done.returncode for done in (planned, copied, masked)] == [0, 0, 0], planned.stderr + copied.stderr
    assert rows(target.dsn, "SELECT c FROM t") == rows(picky.dsn, "SELECT c FROM t") == [(fake(desk, "original"),)]


def test_the_fakes_of_another_key_are_refused_before_anything_is_done(desk: Desk, picky: TestDatabase) -> None:
    done = desk.run("sanitize", "--in-place", picky.dsn, "--yes", "--ephemeral-key")

    assert done.returncode == 5
    assert "check t_c_check would be broken by c (digest) in 1 of 1 rows that were tried" in done.stderr
    assert rows(picky.dsn, "SELECT c FROM t") == [("original",)]
