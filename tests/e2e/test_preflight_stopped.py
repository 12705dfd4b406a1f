"""A signal ends a preflight at once: nothing was begun yet, so there is nothing to tidy up and nothing to wait for."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.fix_plain import Desk, execute, rows
from tests.fix_postgres import TestDatabase

MakeDatabase = Callable[[], TestDatabase]
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'branchwarden' AND wait_event_type = 'Lock' AND datname = current_database()
"""
CONNECTED = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'branchwarden' AND datname = current_database()
"""


def _wait_until(database: TestDatabase, query: str, count: int) -> None:
    end = time.monotonic() + 60
    while rows(database.admin_dsn, query) != [(count,)]:
        assert time.monotonic() < end, query
        time.sleep(0.02)


@contextmanager
def _held(database: TestDatabase, statement: str) -> Iterator[None]:
    """What the statement locks stays locked."""
    with psycopg.connect(database.dsn) as conn:
        conn.execute(statement.encode())
        yield
        conn.rollback()


def _stopped(process: subprocess.Popen[str], database: TestDatabase, number: signal.Signals) -> str:
    """Send one signal, once the command waits for a lock; what it said."""
    _wait_until(database, WAITING, 1)

    process.send_signal(number)
    _, err = process.communicate(timeout=120)

    assert process.returncode == 5, err
    assert "Traceback" not in err
    assert "stopped on request" in err
    return err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_preflight_that_waits_for_a_lock_in_place(
    desk: Desk, shop: TestDatabase, number: signal.Signals, more: tuple[str, ...]
) -> None:
    with _held(shop, "LOCK TABLE people IN ACCESS EXCLUSIVE MODE"):
        process = desk.start("sanitize", "--in-place", shop.dsn, "--yes", *more)

        err = _stopped(process, shop, number)

        _wait_until(shop, CONNECTED, 0)
    assert "The run had not begun" in err
    assert rows(shop.dsn, "SELECT count(*) FROM people WHERE email LIKE '%@zq-original.test'") == [(50,)]


def test_a_preflight_of_a_clean_room_that_waits_for_a_lock(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase
) -> None:
    target = make_database()
    with _held(shop, "LOCK TABLE people IN ACCESS EXCLUSIVE MODE"):
        process = desk.start("sanitize", "--source", shop.dsn, "--target", target.dsn)

        err = _stopped(process, shop, signal.SIGTERM)

        _wait_until(shop, CONNECTED, 0)
    assert "The run had not begun" in err
    assert rows(target.dsn, "SELECT to_regclass('people') IS NULL") == [(True,)]


def test_a_target_that_makes_the_schema_wait(desk: Desk, shop: TestDatabase, make_database: MakeDatabase) -> None:
    target = make_database()
    execute(shop.dsn, "CREATE SCHEMA annex")
    with _held(target, "CREATE SCHEMA annex"):
        process = desk.start("sanitize", "--source", shop.dsn, "--target", target.dsn)

        err = _stopped(process, target, signal.SIGTERM)

        _wait_until(target, CONNECTED, 0)
    assert "the target is as empty as before" in err
    assert rows(target.dsn, "SELECT to_regclass('people') IS NULL") == [(True,)]


def test_somebody_who_does_not_want_to_type_the_name(desk: Desk, shop: TestDatabase) -> None:
    process = desk.start("sanitize", "--in-place", shop.dsn, stdin=subprocess.PIPE)
    assert process.stderr is not None
    while "There is no way back" not in process.stderr.readline():
        assert process.poll() is None

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)

    assert process.returncode == 5, err
    assert "The run had not begun" in err


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_preflight_that_waits_for_neon(desk: Desk, shop: TestDatabase, more: tuple[str, ...]) -> None:
    assert shop.name in (desk.folder / "masking.toml").read_text()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = desk.start(
            *("sanitize", *more), NEON_API_KEY="napi_x", NEON_API_HOST=host, BRANCHWARDEN_PROJECT="quiet-lake-1"
        )
        connection, _ = silent.accept()
        with connection:
            asked = connection.recv(1000)

            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=120)

    assert asked.startswith(b"GET /projects/quiet-lake-1")
    assert process.returncode == 5, err
    assert "The run had not begun" in err
    assert desk.json("events") == []


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("more", [(), ("--mode", "in-place")])
def test_a_second_signal_while_neon_is_waited_for_ends_it_at_once(
    desk: Desk, shop: TestDatabase, more: tuple[str, ...], second: signal.Signals
) -> None:
    assert shop.name in (desk.folder / "masking.toml").read_text()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = desk.start(
            *("sanitize", *more), NEON_API_KEY="napi_x", NEON_API_HOST=host, BRANCHWARDEN_PROJECT="quiet-lake-1"
        )
        connection, _ = silent.accept()
        with connection:
            asked = connection.recv(1000)

            process.send_signal(signal.SIGTERM)
            process.send_signal(second)
            _, err = process.communicate(timeout=120)

    assert asked.startswith(b"GET /projects/quiet-lake-1")
    # The first one may have ended it already, since nothing was begun.
    assert process.returncode in {5, -signal.SIGTERM, -second}, err
    assert "Traceback" not in err
    assert desk.json("events") == []


def test_a_server_that_ends_during_a_preflight_is_a_failed_run(desk: Desk, shop: TestDatabase) -> None:
    with _held(shop, "LOCK TABLE people IN ACCESS EXCLUSIVE MODE"):
        process = desk.start("sanitize", "--in-place", shop.dsn, "--yes")
        _wait_until(shop, WAITING, 1)

        rows(
            shop.admin_dsn, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity{WAITING.partition('activity')[2]}"
        )
        _, err = process.communicate(timeout=120)

    assert process.returncode == 5, err
    assert "connection to Postgres was lost" in err
    assert "Nothing was created or changed" in err
