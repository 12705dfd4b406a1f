"""Encrypted and scrubbed columns where not all rows are taken, several streams copy, or a run was cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.engines.stream import CopyRun, Progress, copy_database
from sanitizers.fields.cipher import Context, decrypt
from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from tests.fix_postgres import TestDatabase
from tests.integration.fields_case import MODES, RING, rows
from tests.integration.stream_case import KEY, GivenUpError, clone_schema, connector

MakeDatabase = Callable[[], TestDatabase]

SCRIPT = """
CREATE TABLE people (id int PRIMARY KEY, name text, mail text UNIQUE);
CREATE TABLE notes (id int PRIMARY KEY, person int REFERENCES people, mail text REFERENCES people (mail), body text);
INSERT INTO people SELECT n, 'Anna Meyer' || n, 'anna' || n || '@corp.test' FROM generate_series(1, 400) AS n;
INSERT INTO notes SELECT id, id, mail, name || ' wrote' FROM people;
"""
POLICY = """
version = 1
[{0}.public.people]
id = "keep"
name = "digest"
mail = {{ strategy = "encrypt", deterministic = true }}
[{0}.public.notes]
id = "keep"
person = "keep"
mail = {{ strategy = "encrypt", deterministic = true }}
body = "scrub"
"""
A_QUARTER = """
[[tables]]
match = "people"
rows = "id % 4 = 0"
"""


def plan_of(database: TestDatabase, more: str = "") -> DatabasePlan:
    with psycopg.connect(database.dsn) as conn:
        schema = read_schema(conn)
    return compile_plan([schema], parse_policy(POLICY.format(database.name) + more, "x")).databases[0]


def filled(database: TestDatabase) -> TestDatabase:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(SCRIPT.encode())
    return database


def ran(mode: str, source: TestDatabase, target: TestDatabase, plan: DatabasePlan, **changes: Any) -> TestDatabase:
    told = changes.pop("told", lambda _: None)
    if mode == "in-place":
        rewrite_database(RewriteRun(connector(source), plan, KEY, keyring=RING, **changes), told)
        return source
    copy_database(CopyRun(connector(source), connector(target), plan, KEY, keyring=RING, **changes), told)
    return target


def all_right(database: TestDatabase) -> int:
    """How many rows there are whose text has the fake of its person, and whose token opens as that one's."""
    joined = "SELECT p.mail, n.mail, p.name, n.body, n.id FROM notes n JOIN people p ON p.id = person"
    found = rows(database, joined)
    for sealed, same, name, body, number in found:
        assert sealed == same
        assert decrypt(sealed, Context("public", "people", "mail"), RING) == f"anna{number}@corp.test"
        assert body == f"{name} wrote"
    assert rows(database, "SELECT count(*) FROM notes") == [(len(found),)]
    return len(found)


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("more", "expected"), [('[[tables]]\nmatch = "people"\nrows = "id % 4 = 0"\n', 100), ("", 400)]
)
def test_a_part_of_the_rows_has_the_fakes_of_its_people(
    mode: str, more: str, expected: int, make_database: MakeDatabase
) -> None:
    source, target = filled(make_database()), make_database()
    clone_schema(source, target)

    done = ran(mode, source, target, plan_of(source, more), streams=3)

    assert all_right(done) == expected


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
def test_a_run_that_was_cut_off_while_rows_passed_is_gone_on_with(mode: str, make_database: MakeDatabase) -> None:
    source, target = filled(make_database()), make_database()
    clone_schema(source, target)
    plan = plan_of(source)

    def give_up(progress: Progress) -> None:
        if progress.step == "rebuild":
            raise GivenUpError

    with pytest.raises(GivenUpError):
        ran(mode, source, target, plan, told=give_up)
    done = ran(mode, source, target, plan)

    assert all_right(done) == 400


@pytest.mark.postgres
def test_several_streams_that_share_a_keyring_move_each_row_once(make_database: MakeDatabase) -> None:
    source, target = make_database(), make_database()
    with psycopg.connect(source.dsn) as conn:
        conn.execute(SCRIPT.replace("400", "4000").encode())
    clone_schema(source, target)

    ran("clean-room", source, target, plan_of(source), streams=3, piece=16_384)

    assert all_right(target) == 4000
