"""Fakes that a CHECK would refuse are told of before the run: see docs/explanation/what-others-met.md."""

from __future__ import annotations

import psycopg
import pytest

from sanitizers.trial import try_plan
from tests.fix_postgres import TestDatabase
from tests.integration.peers_case import execute
from tests.integration.stream_case import plan_of

CHECKED = """
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE TABLE people (id int PRIMARY KEY, age int CHECK (age < 130), size small,
  country text CHECK (country ~ '^[A-Z]{2}$'), twice int, name text CHECK (name <> 'Zebediah'),
  fourfold int GENERATED ALWAYS AS (twice * 4) STORED);
INSERT INTO people SELECT n, 40, 3, 'GR', n, 'Eve' FROM generate_series(1, 50) n;
"""


@pytest.mark.parametrize("column", ["age", "size", "country", "twice"])
def test_a_fake_that_a_check_would_refuse_is_told_of_before_the_run(database: TestDatabase, column: str) -> None:
    execute(database, CHECKED)
    plan = plan_of(database.dsn, {f"public.people.{column}": "digest"})

    with psycopg.connect(database.dsn, autocommit=True) as conn:
        problems = try_plan(conn, plan)

    assert len(problems) == 1
    assert "public.people" in problems[0]


def test_a_fake_that_every_check_allows_is_no_problem(database: TestDatabase) -> None:
    execute(database, CHECKED)
    plan = plan_of(database.dsn, {"public.people.name": "full_name"})

    with psycopg.connect(database.dsn, autocommit=True) as conn:
        assert try_plan(conn, plan) == ()
