"""`sanitize --in-place`: a database is masked where it is, once somebody has typed its name."""

import json
import signal
import subprocess
import time

import psycopg
import pytest

from tests.fix_plain import ORIGINAL, Desk, execute, rows
from tests.fix_postgres import TestDatabase

PERSON = "SELECT id, name, email FROM people ORDER BY id"


def test_a_database_is_masked_where_it_is_after_its_name_was_typed(desk: Desk, shop: TestDatabase) -> None:
    before = rows(shop.dsn, PERSON)

    done = desk.run("sanitize", "--in-place", shop.dsn, "--json", typed=f"{shop.name}\n")

    after = rows(shop.dsn, PERSON)
    assert done.returncode == 0, done.stderr
    proof = json.loads(done.stdout)["proof"]
    assert (proof["mode"], proof["rows"], proof["found"]) == ("in-place", 70, 0)
    assert proof["original values searched"] == 100
    assert [row[0] for row in before] == [row[0] for row in after]
    assert ORIGINAL not in repr(after)
    assert rows(shop.dsn, "SELECT email FROM domains ORDER BY 1") == sorted((row[2],) for row in after)
    assert rows(shop.dsn, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'branchwarden%'") == [(0,)]


@pytest.mark.parametrize("typed", ["", "yes\n", "SHOP\n"])
def test_another_name_changes_nothing(desk: Desk, shop: TestDatabase, typed: str) -> None:
    before = rows(shop.dsn, PERSON)

    done = desk.run("sanitize", "--in-place", shop.dsn, typed=typed)

    assert done.returncode == 2
    assert "the name was not typed: nothing was changed" in done.stderr
    assert rows(shop.dsn, PERSON) == before


def test_without_anybody_to_ask_other_sessions_refuse_it(desk: Desk, shop: TestDatabase) -> None:
    with psycopg.connect(shop.dsn):
        used = desk.run("sanitize", "--in-place", shop.dsn, "--yes")
    alone = desk.run("sanitize", "--in-place", shop.dsn, "--yes")

    assert used.returncode == 5
    assert f"1 other session is connected to {shop.name}" in used.stderr
    assert alone.returncode == 0, alone.stderr


def test_what_is_kept_although_it_is_an_original_fails_the_proof(desk: Desk, shop: TestDatabase) -> None:
    execute(shop.dsn, "UPDATE notes SET body = 'zq7@zq-original.test' WHERE id = 3")

    done = desk.run("sanitize", "--in-place", shop.dsn, "--yes")

    assert done.returncode == 5
    assert f"{shop.name}.public.notes.body holds 1 original value of {shop.name}.public.people.email" in done.stderr
    assert "zq7" not in done.stdout + done.stderr


def test_a_run_that_was_killed_is_gone_on_with_and_says_what_it_could_not_see(desk: Desk, shop: TestDatabase) -> None:
    execute(
        shop.dsn,
        "CREATE FUNCTION slow(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS"
        " 'BEGIN PERFORM pg_sleep(0.5); RETURN true; END';"
        "ALTER TABLE notes ADD CHECK (slow(body)) NOT VALID",
    )
    policy = (desk.folder / "masking.toml").read_text()
    desk.decide(policy.replace('body = "keep"', 'body = "null"'))
    # By name: with --yes the connections that wait for the journal here would refuse it.
    with desk.start("sanitize", "--in-place", shop.dsn, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(f"{shop.name}\n")
        process.stdin.flush()
        _wait_for_journal(shop)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    half = rows(shop.dsn, "SELECT to_regclass('branchwarden_journal.purpose') IS NOT NULL")
    _wait_until_alone(shop)

    done = desk.run("sanitize", "--in-place", shop.dsn, "--yes")

    assert half == [(True,)]
    assert done.returncode == 0, done.stderr
    assert "this one goes on where that one ended" in done.stderr
    assert "not looked at: whether every index" in done.stdout
    assert ORIGINAL not in repr(rows(shop.dsn, PERSON))


def _wait_for_journal(shop: TestDatabase) -> None:
    end = time.monotonic() + 30
    while not rows(shop.dsn, "SELECT to_regclass('branchwarden_journal.purpose') IS NOT NULL")[0][0]:
        assert time.monotonic() < end, "the run never began"
        time.sleep(0.01)


def _wait_until_alone(shop: TestDatabase) -> None:
    end = time.monotonic() + 30
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while rows(shop.dsn, others)[0][0]:
        assert time.monotonic() < end, "the killed run's connections stay"
        time.sleep(0.05)


def test_a_run_that_failed_its_proof_stays_failed(desk: Desk, shop: TestDatabase) -> None:
    execute(shop.dsn, "INSERT INTO notes (id, body) SELECT 900, email FROM people LIMIT 1")

    first = desk.run("sanitize", "--in-place", shop.dsn, "--yes")
    again = desk.run("sanitize", "--in-place", shop.dsn, "--yes")

    assert first.returncode == again.returncode == 5
    assert "holds 1 original value of" in first.stderr
    assert "masked but not proven" in first.stderr
    assert "an earlier run masked" in again.stderr
    assert "DROP SCHEMA branchwarden_journal CASCADE" in again.stderr
