"""Schema → plan → clean room → proof on every Postgres from 14 to 18, with every type that they have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from emulator.postgres import Binaries
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.rewrite_case import RewriteCase
from tests.integration.stream_case import Case, make_plan

EVERY_TYPE = Path(__file__).with_name("every_type.sql")
KEPT = ("numbers", "texts", "times", "documents", "addresses", "shapes", "nested")
CHANGED = ("people", "letters", "computed")
MASKED = {
    "public.people.email": "email",
    "public.people.first_name": "first_name",
    "public.people.last_name": "last_name",
    "public.people.phone": "phone",
    "public.people.born": "date_shift",
    "public.people.seen": "date_shift",
    "public.people.address": "digest",
    "public.people.token": "digest",
    "public.people.secret": "digest",
    "public.people.badge": "digest",
    "public.people.note": "null",
    "public.people.city": "city",
    "public.letters.to": "email",
    "public.letters.body": "null",
    "public.computed.first": {"strategy": "first_name", "unique": True},
    "public.computed.last": {"strategy": "last_name", "unique": True},
}

MakeDatabase = Callable[[int], TestDatabase]


def make_case(major: int, make_database_on: MakeDatabase) -> Case:
    source, target = make_database_on(major), make_database_on(major)
    script = EVERY_TYPE.read_text(encoding="utf-8")
    for database in (source, target):
        with psycopg.connect(database.dsn) as conn:
            conn.execute(script.encode())
    with psycopg.connect(target.dsn) as conn:
        conn.execute(EMPTY)
    return Case(source, target, make_plan(source, MASKED))


EMPTY = """
DO $$ DECLARE t text; BEGIN
  FOR t IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('TRUNCATE %s RESTART IDENTITY CASCADE', t);
  END LOOP;
END $$
"""


def schema_of(database: TestDatabase) -> list[str]:
    """As the newest pg_dump writes it: it reads every older server."""
    text = Binaries.find(18).run("pg_dump", "--schema-only", database.admin_dsn)
    return [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]


def texts(case: Case, table: str, of: TestDatabase) -> list[tuple[object, ...]]:
    return case.rows(f"SELECT t::text FROM {table} AS t ORDER BY id", of=of)


@pytest.mark.parametrize("major", VERSIONS)
def test_every_type_arrives_as_it_was_and_the_proof_is_clean(major: int, make_database_on: MakeDatabase) -> None:
    case = make_case(major, make_database_on)
    before = schema_of(case.target)

    case.copy()

    source, target = ({t: texts(case, t, of) for t in KEPT} for of in (case.source, case.target))
    assert source == target
    assert before == schema_of(case.target)
    assert case.verify().problems == ()


@pytest.mark.parametrize("major", VERSIONS)
def test_masked_rows_join_and_generated_columns_follow(major: int, make_database_on: MakeDatabase) -> None:
    case = make_case(major, make_database_on)

    case.copy()

    assert case.rows('SELECT count(*) FROM letters l JOIN people p ON p.email = l."to"') == [(201,)]
    assert case.rows("SELECT count(*) FROM people WHERE email ~ '@example[.](com|org|net)$'") == [(201,)]
    follow = """SELECT count(*) FROM computed
                WHERE "full" = first || ' ' || last AND words @@ plainto_tsquery('simple', first)"""
    assert case.rows(follow) == [(20,)]
    assert case.rows("SELECT born::text, seen::text FROM people WHERE email IS NULL") == [("infinity", "-infinity")]


@pytest.mark.parametrize("major", VERSIONS)
def test_both_engines_write_the_same_rows(major: int, make_database_on: MakeDatabase) -> None:
    case = make_case(major, make_database_on)
    before = schema_of(case.source)

    case.copy()
    RewriteCase(case.source, case.plan).rewrite()

    there, here = ({t: texts(case, t, of) for t in (*KEPT, *CHANGED)} for of in (case.target, case.source))
    assert there == here
    assert before == schema_of(case.source)
