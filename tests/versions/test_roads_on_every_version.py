"""Every road can be looked down on every version of Postgres, and finds what is planted on it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sanitizers.proof.roads import ALL_ROADS, Status
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.stream_case import Case, make_plan

SCHEMA = """
CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text UNIQUE, doc jsonb,
  mail text GENERATED ALWAYS AS (lower(email)) STORED);
CREATE TABLE notes (id int PRIMARY KEY, body text);
CREATE MATERIALIZED VIEW addresses AS SELECT email FROM customers;
"""
ROWS = """
INSERT INTO customers (name, email) SELECT 'Theodora Papadimitriou' || n, 'theodora' || n || '@corp-mail.gr'
FROM generate_series(1, 30) n;
INSERT INTO notes SELECT n, 'nothing to see ' || n FROM generate_series(1, 30) n;
REFRESH MATERIALIZED VIEW addresses;
ANALYZE;
"""
MASKED = {"public.customers.name": "full_name", "public.customers.email": "email"}
PLANTED = """
INSERT INTO notes VALUES (31, 'theodora7@corp-mail.gr'), (32, 'ask theodora8@corp-mail.gr today');
COMMENT ON TABLE notes IS 'theodora9@corp-mail.gr';
UPDATE customers SET name = 'call anna.real@gmail.com' WHERE id = 3;
SELECT lo_from_bytea(0, 'hello');
"""


@pytest.mark.parametrize("major", VERSIONS)
def test_a_clean_copy_passes_and_a_planted_one_fails(
    make_database_on: Callable[[int], TestDatabase], major: int
) -> None:
    source, target = make_database_on(major), make_database_on(major)
    for database, script in ((source, SCHEMA + ROWS), (target, SCHEMA)):  # these servers come without pg_dump
        with psycopg.connect(database.dsn) as conn:
            conn.execute(script.encode())
    case = Case(source, target, make_plan(source, MASKED))
    case.copy()
    clean = case.verify(roads=ALL_ROADS, full=True)
    case.execute(PLANTED)

    planted = case.verify(roads=ALL_ROADS)

    assert {road.road: road.unseen for road in clean.roads if road.status is not Status.PASS} == {}
    failed = {road.road for road in planted.roads if road.status is Status.FAIL}
    assert failed >= {"columns", "containment", "definitions", "large-objects", "pages", "detectors", "shape"}
