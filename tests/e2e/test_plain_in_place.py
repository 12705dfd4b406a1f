"""`sanitize --in-place`: a database is masked where it is, once somebody has typed its name."""

import json
import signal
import subprocess
import time
from collections.abc import Callable

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


def test_an_address_inside_a_kept_sentence_fails_the_proof(desk: Desk, shop: TestDatabase) -> None:
    execute(shop.dsn, "UPDATE notes SET body = 'Mail ZQ7@zq-original.test, soon.' WHERE id = 3")

    done = desk.run("sanitize", "--in-place", shop.dsn, "--yes")

    assert done.returncode == 5
    place, column = f"{shop.name}.public.notes.body", f"{shop.name}.public.people.email"
    assert f"texts of {place} contain 1 original value of {column}" in done.stderr
    assert ORIGINAL not in (done.stdout + done.stderr).lower()


def test_what_cannot_be_compared_on_one_server_is_said(desk: Desk, shop: TestDatabase) -> None:
    done = desk.run("sanitize", "--in-place", shop.dsn, "--yes", "--json")

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    roads = {road["road"]: road["status"] for road in said["proof"]["databases"][shop.name]["roads"]}
    assert (roads["containment"], roads["same-key"], roads["passwords"]) == ("PASS", "PASS", "UNKNOWN")
    [passwords] = [note for note in said["notes"] if "passwords" in note]
    assert "masking where it is changed none of them" in passwords


SNAIL = """
CREATE FUNCTION snail(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(0.1); RETURN $1; END';
ALTER TABLE notes ADD COLUMN slow int GENERATED ALWAYS AS (snail(id)) STORED;
"""
DONE = "SELECT to_regclass('branchwarden_journal.done') IS NOT NULL"
PEOPLE_DONE = "SELECT EXISTS (SELECT FROM branchwarden_journal.done WHERE name = 'people')"
ALONE = "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def kill_between_tables(desk: Desk, shop: TestDatabase) -> None:
    """Start a run and kill its process when the people are masked and the notes are not."""
    execute(shop.dsn, SNAIL)
    policy = (desk.folder / "masking.toml").read_text()
    desk.decide(policy.replace('body = "keep"', 'body = "null"'))
    # By name: with --yes the connections that wait for the journal here would refuse it.
    with desk.start("sanitize", "--in-place", shop.dsn, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(f"{shop.name}\n")
        process.stdin.flush()
        for query in (DONE, PEOPLE_DONE):
            _wait_until(shop, query)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    _wait_until(shop, ALONE)
    assert rows(shop.dsn, "SELECT name FROM branchwarden_journal.done") == [("people",)]


def _wait_until(shop: TestDatabase, query: str) -> None:
    end = time.monotonic() + 60
    while not rows(shop.dsn, query)[0][0]:
        assert time.monotonic() < end, query
        time.sleep(0.01)


def test_a_run_that_was_killed_between_two_tables_is_gone_on_with_and_proven(desk: Desk, shop: TestDatabase) -> None:
    kill_between_tables(desk, shop)

    done = desk.run("sanitize", "--in-place", shop.dsn, "--yes", "--json")

    assert done.returncode == 0, done.stderr
    assert "this one goes on where that one ended" in done.stderr
    proof = json.loads(done.stdout)["proof"]
    assert proof["original values searched"] == 100
    assert [note for note in json.loads(done.stdout)["notes"] if not note.startswith("not looked at: ")] == []
    assert ORIGINAL not in repr(rows(shop.dsn, PERSON))
    assert rows(shop.dsn, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'branchwarden%'") == [(0,)]


def test_what_is_left_of_a_table_that_a_killed_run_had_masked_is_found(desk: Desk, shop: TestDatabase) -> None:
    execute(
        shop.dsn,
        "COMMENT ON TABLE notes IS 'ask zq7@zq-original.test, or \"Zqfirst Zqlast8\"';"
        "ALTER TABLE notes ALTER body SET DEFAULT 'zq9@ZQ-original.test'",
    )
    kill_between_tables(desk, shop)
    execute(shop.dsn, "DROP INDEX IF EXISTS people_email_key; CREATE TYPE mood AS ENUM ('Zqfirst Zqlast9')")

    done = desk.run("sanitize", "--in-place", shop.dsn, "--yes")

    assert done.returncode == 5
    assert f"holds 1 original value of {shop.name}.public.people.email" in done.stderr
    assert "the definition of table public.notes" in done.stderr
    assert "the definition of default value for column body of table public.notes" in done.stderr
    assert f"the definition of type public.mood in {shop.name} holds 1 original value" in done.stderr
    assert "zq-original" not in (done.stdout + done.stderr).lower()


def test_what_a_killed_run_remembers_holds_no_original_and_no_plain_hash_of_one(desk: Desk, shop: TestDatabase) -> None:
    execute(shop.dsn, "ALTER TABLE notes ADD CHECK (body <> 'zq3@zq-original.test')")
    kill_between_tables(desk, shop)

    [(facts,)] = rows(shop.dsn, "SELECT facts FROM branchwarden_journal.witness")
    plain = rows(
        shop.dsn,
        "SELECT count(*) FROM branchwarden_journal.original WHERE hash IN (SELECT hashtextextended("
        f"'zq' || n || '@zq-original.test', {facts['seed']}) FROM generate_series(1, 50) AS n)",
    )

    assert rows(shop.dsn, "SELECT count(*) FROM branchwarden_journal.original") == [(100,)]
    assert plain == [(0,)]
    assert "zq" not in json.dumps(facts).lower()


def test_a_sentence_that_quotes_what_a_killed_run_had_masked_is_found(desk: Desk, shop: TestDatabase) -> None:
    execute(shop.dsn, "ALTER TABLE notes ADD told text")
    execute(shop.dsn, "UPDATE notes SET told = 'Zqfirst Zqlast8 called, write to zq9@zq-original.test' WHERE id = 3")
    desk.decide((desk.folder / "masking.toml").read_text() + 'told = "keep"\n')
    kill_between_tables(desk, shop)

    done = desk.run("sanitize", "--in-place", shop.dsn, "--yes")

    assert done.returncode == 5
    for column in ("name", "email"):
        whose = f"{shop.name}.public.people.{column}"
        assert f"texts of {shop.name}.public.notes.told contain 1 original value of {whose}" in done.stderr
    assert ORIGINAL not in (done.stdout + done.stderr).lower()


def test_rows_that_are_lost_between_two_runs_are_missed(desk: Desk, shop: TestDatabase) -> None:
    kill_between_tables(desk, shop)
    execute(shop.dsn, "DELETE FROM people WHERE id = 50")

    done = desk.run("sanitize", "--in-place", shop.dsn, "--yes")

    assert done.returncode == 5
    assert f"{shop.name}.public.people has 49 rows, it must have 50" in done.stderr


def test_a_run_that_failed_its_proof_is_proven_anew_when_what_was_found_is_gone(desk: Desk, shop: TestDatabase) -> None:
    execute(shop.dsn, "INSERT INTO notes (id, body) SELECT 900, email FROM people LIMIT 1")

    first = desk.run("sanitize", "--in-place", shop.dsn, "--yes")
    again = desk.run("sanitize", "--in-place", shop.dsn, "--yes")
    masked = rows(shop.dsn, PERSON)
    execute(shop.dsn, "UPDATE notes SET body = NULL")
    at_last = desk.run("sanitize", "--in-place", shop.dsn, "--yes")

    for failed in (first, again):
        assert failed.returncode == 5
        assert "public.notes.body holds 1 original value of" in failed.stderr
        assert "masked but not proven" in failed.stderr
        assert "DROP SCHEMA branchwarden_journal CASCADE" in failed.stderr
    assert at_last.returncode == 0, at_last.stderr
    assert masked == rows(shop.dsn, PERSON)


def test_an_event_trigger_that_is_not_there_cannot_be_allowed(desk: Desk, shop: TestDatabase) -> None:
    execute(
        shop.admin_dsn,
        """CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER "Watch it" ON ddl_command_end EXECUTE FUNCTION watch()""",
    )
    command = ("sanitize", "--in-place", shop.dsn, "--yes", "--allow-event-trigger", "Watch it")

    refused = desk.run(*command, "--allow-event-trigger", "watch it")
    done = desk.run(*command)

    assert refused.returncode == 5
    assert "There is no event trigger watch it that could be allowed: there is Watch it;" in refused.stderr
    assert done.returncode == 0, done.stderr


def test_a_target_without_event_triggers_says_so_before_anything_is_made(
    desk: Desk, shop: TestDatabase, make_database: Callable[[], TestDatabase]
) -> None:
    target = make_database()

    refused = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn, "--allow-event-trigger", "loud")

    assert refused.returncode == 5
    assert "There is no event trigger loud that could be allowed: there is none;" in refused.stderr
    assert rows(target.dsn, "SELECT to_regclass('people') IS NULL") == [(True,)]
