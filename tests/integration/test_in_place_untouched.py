"""A run in place that ends before it has changed anything has changed nothing, says so, and stands in nobody's way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from daemon.errors import RunFailedError, RunRefusedError
from daemon.keys import ephemeral_key
from daemon.plain import InPlace, mask_in_place, parse_dsn
from daemon.plain.outlook import Wish
from daemon.plain.run import How, Sanitized
from daemon.progress import Watch
from sanitizers.policy import parse_policy
from tests.attest_case import SIGNING
from tests.fix_postgres import OWNER, TestDatabase

SCRIPT = f"""
CREATE TABLE people (id int PRIMARY KEY, email text, seen timestamptz);
CREATE TABLE notes (id int PRIMARY KEY, body text);
INSERT INTO people SELECT n, 'jane' || n || '@corp.invalid' FROM generate_series(1, 9) n;
CREATE TYPE loud AS ENUM ('quiet', 'shrill');
CREATE TABLE heard (id int PRIMARY KEY, what loud);
CREATE FUNCTION shout(loud) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
CREATE CAST (loud AS text) WITH FUNCTION shout(loud);
CREATE FOREIGN DATA WRAPPER away;
CREATE SERVER far FOREIGN DATA WRAPPER away;
ALTER SERVER far OWNER TO {OWNER};
CREATE USER MAPPING FOR {OWNER} SERVER far OPTIONS (user 'production');
CREATE FUNCTION watching() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'
"""
POLICY = """version = 1
[{0}.public.people]
id = "keep"
email = "{1}"
seen = "keep"
[{0}.public.notes]
id = "keep"
body = "null"
[{0}.public.heard]
id = "keep"
what = {{strategy = "constant", value = "quiet"}}
"""
MAPPINGS = "SELECT count(*) FROM pg_user_mapping"


@pytest.fixture
def shop(database: TestDatabase) -> TestDatabase:
    execute(database, SCRIPT)
    for table in ("people", "notes", "heard"):
        execute(database, f"ALTER TABLE {table} OWNER TO {OWNER}")
    return database


def execute(shop: TestDatabase, script: str) -> None:
    with psycopg.connect(shop.admin_dsn) as conn:
        conn.execute(script.encode())


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where attestations are written to."""
    monkeypatch.chdir(tmp_path)


def count(shop: TestDatabase, query: str) -> int:
    with psycopg.connect(shop.admin_dsn) as conn:
        row = conn.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def mask(shop: TestDatabase, strategy: str = "email", meanwhile: Callable[[], None] = lambda: None) -> Sanitized:
    """`meanwhile` is what happens while somebody types the name of the database."""
    policy = parse_policy(POLICY.format(shop.name, strategy), "masking.toml")
    run = InPlace(parse_dsn("--in-place", shop.dsn), How(Wish("in-place", policy), ephemeral_key(), signing=SIGNING))
    return mask_in_place(run, lambda _: meanwhile(), Watch(lambda _: None))


def test_what_came_in_the_way_after_the_preflight_is_met_before_neighbours_are_cut(shop: TestDatabase) -> None:
    trigger = "CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watching()"

    with pytest.raises(RunRefusedError, match="Event trigger watch would run"):
        mask(shop, meanwhile=lambda: execute(shop, trigger))

    assert count(shop, MAPPINGS) == 1
    assert count(shop, "SELECT count(*) FROM pg_namespace WHERE nspname = 'branchwarden_journal'") == 0


def test_a_run_that_ends_while_it_looks_at_the_originals_says_that_nothing_was_changed(shop: TestDatabase) -> None:
    with pytest.raises(RunFailedError, match="No row was changed") as failure:
        mask(shop, meanwhile=lambda: execute(shop, "INSERT INTO heard VALUES (1, 'shrill')"))

    assert "half masked" not in str(failure.value)
    assert count(shop, MAPPINGS) == 1


def test_a_run_that_would_fail_alike_says_what_to_change(shop: TestDatabase) -> None:
    judge = "CREATE OR REPLACE FUNCTION judge(text) RETURNS boolean LANGUAGE sql AS 'SELECT {}'"
    execute(shop, f"{judge.format('true')}; ALTER TABLE people ADD CONSTRAINT judged CHECK (judge(email))")

    with pytest.raises(RunFailedError, match=r"check judged of public\.people: CheckViolation") as failure:
        mask(shop, meanwhile=lambda: execute(shop, judge.format("$1 ~ ''corp''")))

    assert "The same again would fail alike. Either change or drop in the database what this says" in str(failure.value)
    assert "Run the same again, with the same policy and key" not in str(failure.value)


def test_the_next_run_may_have_another_policy_and_key(shop: TestDatabase) -> None:
    with pytest.raises(RunFailedError):
        mask(shop, meanwhile=lambda: execute(shop, "INSERT INTO heard VALUES (1, 'shrill')"))
    execute(shop, "DELETE FROM heard; ALTER TABLE people ADD nick text")
    execute(shop, "ALTER TABLE people DROP seen")
    policy = POLICY.replace('seen = "keep"', 'nick = "null"')

    run = InPlace(
        parse_dsn("--in-place", shop.dsn),
        How(
            Wish("in-place", parse_policy(policy.format(shop.name, "null"), "masking.toml")),
            ephemeral_key(),
            signing=SIGNING,
        ),
    )
    done = mask_in_place(run, lambda _: None, Watch(lambda _: None))

    assert done.proof["found"] == 0
    assert count(shop, "SELECT count(email) FROM people") == 0
    assert count(shop, MAPPINGS) == 0
