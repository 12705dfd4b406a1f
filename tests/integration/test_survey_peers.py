"""A database that another tool has masked by UPDATE, as pganonymize does: what is left is found, with the numbers."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import Found, Status
from sanitizers.proof.survey import SurveyRun, survey_database
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import plan_of

ROWS = 500
PEOPLE = f"""
CREATE TABLE people (id int PRIMARY KEY, name text, email text UNIQUE);
INSERT INTO people SELECT n, 'Theodora Papadimitriou' || n, 'theodora' || n || '@corp-mail.gr'
FROM generate_series(1, {ROWS}) n;
ANALYZE people;
"""
# pganonymize copies fakes into a temporary table, and updates from it.
MASK = f"""
CREATE TEMP TABLE fakes AS SELECT n AS id, 'Fake ' || n AS name, 'fake' || n || '@example.com' AS email
FROM generate_series(1, {ROWS}) n;
UPDATE people AS p SET name = f.name, email = f.email FROM fakes AS f WHERE f.id = p.id;
"""
MASKED = {"public.people.name": "full_name", "public.people.email": "email"}


def masked(make_database: Callable[[], TestDatabase]) -> tuple[TestDatabase, TestDatabase]:
    """The original, and a copy that was masked by UPDATE."""
    pair = make_database(), make_database()
    for database in pair:
        with psycopg.connect(database.dsn) as conn:
            conn.execute(PEOPLE.encode())
    with psycopg.connect(pair[1].dsn) as conn:
        conn.execute("ALTER TABLE people SET (autovacuum_enabled = false)")
        conn.execute(MASK.encode())
    return pair


def survey(original: TestDatabase, copy: TestDatabase) -> DatabaseProof:
    """As an administrator, who may read the bytes of pages."""
    run = SurveyRun(
        target=lambda _: psycopg.connect(copy.admin_dsn),
        source=lambda _: psycopg.connect(original.admin_dsn),
        plan=plan_of(original.dsn, MASKED),
        key=bytes(32),
    )
    return survey_database(run, lambda _: None)


def road(proof: DatabaseProof, name: str) -> Found:
    return next(road for road in proof.roads if road.road == name)


def test_its_dead_rows_and_its_statistics_fail_although_no_query_shows_an_original(
    make_database: Callable[[], TestDatabase],
) -> None:
    proof = survey(*masked(make_database))

    assert road(proof, "columns").status is Status.PASS
    pages, statistics = road(proof, "pages"), road(proof, "statistics")
    assert pages.status is statistics.status is Status.FAIL
    assert pages.numbers["dead-rows"] == ROWS
    assert pages.numbers["found"] > 0
    assert statistics.numbers["found"] > 100
    assert "theodora" not in repr(proof).lower()


def test_after_vacuum_and_analyze_the_bytes_of_its_pages_still_fail(
    make_database: Callable[[], TestDatabase],
) -> None:
    original, copy = masked(make_database)
    with psycopg.connect(copy.admin_dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE people")

    proof = survey(original, copy)

    assert road(proof, "statistics").status is Status.PASS
    assert road(proof, "pages").status is Status.FAIL
    assert road(proof, "pages").numbers["found"] > 0


def test_after_a_rewrite_nothing_of_it_is_left(make_database: Callable[[], TestDatabase]) -> None:
    original, copy = masked(make_database)
    with psycopg.connect(copy.admin_dsn, autocommit=True) as conn:
        conn.execute("VACUUM FULL ANALYZE people")

    proof = survey(original, copy)

    assert {one.road for one in proof.roads if one.status is Status.FAIL} == set()
