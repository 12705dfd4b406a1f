"""Every version of Postgres, and a hot standby as the source: the whole command, schema included."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from emulator.postgres import Runtime, Server
from tests.fix_plain import ORIGINAL, POLICY, SHOP, Desk, execute, rows
from tests.fix_postgres import OWNER, TestDatabase
from tests.fix_versions import VERSIONS

PERSON = "SELECT id, name, email FROM people ORDER BY id"


@pytest.mark.parametrize("major", VERSIONS)
def test_a_copy_within_a_version_and_then_the_copy_in_place(
    desk: Desk, make_database_on: Callable[[int], TestDatabase], major: int
) -> None:
    source, target = make_database_on(major), make_database_on(major)
    execute(source.dsn, SHOP)
    desk.decide(POLICY.format(source.name))

    copied = desk.run("sanitize", "--source", source.dsn, "--target", target.dsn)
    masked = desk.run("sanitize", "--in-place", source.dsn, "--yes")

    assert copied.returncode == 0, copied.stderr
    assert masked.returncode == 0, masked.stderr
    assert rows(source.dsn, PERSON) == rows(target.dsn, PERSON)
    assert ORIGINAL not in repr(rows(target.dsn, PERSON))


def test_an_older_target_is_refused(
    desk: Desk, shop: TestDatabase, make_database_on: Callable[[int], TestDatabase]
) -> None:
    target = make_database_on(14)

    done = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn)

    assert done.returncode == 5
    assert "the target is PostgreSQL 14, the source 18" in done.stderr
    assert rows(target.dsn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]


@pytest.fixture
def standby(postgres: Server, postgres_runtime: Runtime, open_folder: Path) -> Iterator[Server]:
    """A hot standby of the session's server, as it is now."""
    folder = open_folder / "standby"
    postgres.binaries.account.private_folder(folder)
    postgres.binaries.run(
        "pg_basebackup",
        "--write-recovery-conf",
        "--no-sync",
        "--checkpoint=fast",
        "--wal-method=fetch",
        f"--pgdata={folder}",
        f"--dbname={postgres.dsn()}",
    )
    server = postgres_runtime.server(folder)
    with server:
        yield server
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_a_hot_standby_is_a_source_and_never_a_target(
    desk: Desk, shop: TestDatabase, make_database: Callable[[], TestDatabase], standby: Server
) -> None:
    target = make_database()
    source = standby.dsn(user=OWNER, password=shop.password, dbname=shop.name)

    itself = desk.run("sanitize", "--source", source, "--target", shop.dsn)
    done = desk.run("sanitize", "--source", source, "--target", target.dsn)
    spoiled = desk.run("sanitize", "--in-place", source, "--yes")

    with psycopg.connect(source) as conn:
        assert conn.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
    assert itself.returncode == 2
    assert "are one database" in itself.stderr
    assert done.returncode == 0, done.stderr
    assert "100 original values searched for, 0 found" in done.stdout
    assert ORIGINAL not in repr(rows(target.dsn, PERSON))
    assert spoiled.returncode == 5
    assert "hot standby" in spoiled.stderr
