"""Values outside reserved space: found in every column, told apart by what the policy says."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sanitizers.proof.roads import detectors
from sanitizers.proof.roads.detectors import Detectors
from sanitizers.proof.roads.road import Status
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.looked_case import look, look_alone, make_alike, said

MakeOn = Callable[[int], TestDatabase]

SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text, phone text, card text, note text, doc jsonb,
  lower_email text GENERATED ALWAYS AS (lower(email)) STORED);
CREATE TABLE staff (id int PRIMARY KEY, email text, host inet);
CREATE MATERIALIZED VIEW mails AS SELECT email FROM people;
"""
ROWS = """
INSERT INTO people SELECT n, 'Theodora ' || n, 'theodora' || n || '@corp.de', '+49 30 901820' || n,
  '4556737586899855', 'call 030/90182012 about DE89 3704 0044 0532 0130 00', '{"mail": "theo@corp.de"}'
FROM generate_series(10, 40) n;
INSERT INTO staff SELECT n, 'staff' || n || '@corp.de', '81.2.69.160' FROM generate_series(1, 3) n;
"""
MASKED = {
    "public.people.name": "full_name",
    "public.people.email": "email",
    "public.people.phone": "phone",
    "public.people.card": "card",
    "public.people.note": "text",
    "public.people.doc": {"strategy": "json", "paths": {"mail": "email"}},
}
PLANTED = [
    ("UPDATE people SET email = 'anna@corp.de' WHERE id = 11", "email"),
    ("UPDATE people SET phone = '+49 30 9018201' WHERE id = 11", "phone"),
    ("UPDATE people SET name = 'Anna 4556 7375 8689 9855' WHERE id = 11", "card"),
    ("UPDATE people SET note = 'IBAN DE89 3704 0044 0532 0130 00' WHERE id = 11", "iban"),
    ("UPDATE people SET note = 'from 81.2.69.160' WHERE id = 11", "ip"),
    ("UPDATE people SET note = 'SSN 123-45-6789' WHERE id = 11", "national-id"),
    ("""UPDATE people SET doc = '{"a": ["anna@corp.de"]}' WHERE id = 11""", "email"),
]


@pytest.mark.parametrize("major", VERSIONS)
def test_a_masked_copy_passes_and_kept_columns_are_told_apart(make_database_on: MakeOn, major: int) -> None:
    case = make_alike(lambda: make_database_on(major), SCHEMA, ROWS, MASKED)
    case.copy()

    found = look(Detectors(), case)

    assert (found.status, found.problems) == (Status.PASS, ())
    assert said(found)["kept"] == 6
    assert "public.staff.email (email 3) [kept]; public.staff.host (ip 3) [kept]" in found.sentence


@pytest.mark.parametrize(("plant", "kind"), PLANTED)
def test_a_value_outside_reserved_space_in_a_masked_column_fails(
    make_database_on: MakeOn, plant: str, kind: str
) -> None:
    case = make_alike(lambda: make_database_on(18), SCHEMA, ROWS, MASKED)
    case.copy()
    case.execute(plant)

    found = look(Detectors(), case)

    assert found.status is Status.FAIL
    assert found.numbers[kind] >= 1
    assert not any(secret in repr(found) for secret in ("corp.de", "9018201", "8689", "0532", "81.2", "6789"))


def test_what_is_computed_of_a_masked_column_is_judged_as_it_is(make_database_on: MakeOn) -> None:
    case = make_alike(lambda: make_database_on(18), SCHEMA, ROWS, MASKED)
    case.copy()
    case.execute("DELETE FROM staff; UPDATE people SET email = 'anna@corp.de'; REFRESH MATERIALIZED VIEW mails")
    case.execute("UPDATE people SET email = 'anna@example.com'")

    found = look(Detectors(), case)

    assert len(found.problems) == 1
    assert "public.mails.email (email 31)" in found.problems[0]


def test_values_that_stay_by_policy_are_no_problem(make_database_on: MakeOn) -> None:
    kept = {"public.people.email": {"strategy": "email", "keep_values": ["*@corp.de"]}}
    case = make_alike(lambda: make_database_on(18), SCHEMA, ROWS, MASKED | kept)
    case.copy()

    found = look(Detectors(), case)

    assert found.status is Status.PASS
    assert "public.people.email (email 31) [partly kept]" in found.sentence


def test_without_a_plan_nobody_said_that_anything_may_stay(make_database_on: MakeOn) -> None:
    case = make_alike(lambda: make_database_on(18), SCHEMA, ROWS, MASKED)

    found = look_alone(Detectors(), case.source)

    assert found.status is Status.FAIL
    kinds = ("email", "phone", "ip", "iban", "card")
    assert {kind: found.numbers[kind] > 0 for kind in kinds} == dict.fromkeys(kinds, True)


def test_of_large_tables_a_sample_is_read_and_told(make_database_on: MakeOn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "MOST_ROWS", 4000)
    database = make_database_on(18)
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE mails (email text) PARTITION BY LIST (email)")
        conn.execute("CREATE TABLE other_mails PARTITION OF mails DEFAULT")
        conn.execute("INSERT INTO mails SELECT 'anna' || n || '@corp.de' FROM generate_series(1, 20000) n")
        conn.execute("ANALYZE mails")

    sampled, full = look_alone(Detectors(), database), look_alone(Detectors(), database, full=True)

    assert "1 table about 4,000 rows each" in sampled.sentence
    assert 0 < sampled.numbers["email"] < 10_000
    assert full.numbers["email"] == 20000


def test_what_was_looked_at_in_a_sample_alone_is_no_pass(
    make_database_on: MakeOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detectors, "MOST_ROWS", 4000)
    database = make_database_on(18)
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE words (word text)")
        conn.execute("INSERT INTO words SELECT 'nobody' FROM generate_series(1, 20000) n")
        conn.execute("ANALYZE words")

    sampled, full = look_alone(Detectors(), database), look_alone(Detectors(), database, full=True)

    assert (sampled.status, full.status) == (Status.SAMPLED, Status.PASS)


def test_the_end_of_a_long_text_is_looked_at_where_everything_is_to_be(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE letters (id int, body text)")
        conn.execute("INSERT INTO letters VALUES (1, repeat('nothing ', 3000) || 'anna@corp.de')")

    full = look_alone(Detectors(), database, full=True)

    assert (full.status, said(full)["email"]) == (Status.FAIL, 1)
