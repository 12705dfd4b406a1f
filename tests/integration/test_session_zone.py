"""No time zone of a server, database or role has a say in the fakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import RewriteCase
from tests.integration.shapes_case import make_plan
from tests.integration.stream_case import make_case, plan_of

SCRIPT = """
CREATE TABLE visits (seen timestamptz, doors timestamptz[], who int);
INSERT INTO visits SELECT '2024-03-01 12:00+00'::timestamptz + n * interval '7 hours',
  ARRAY['2024-03-01 12:00+00'::timestamptz + n * interval '1 day'], n FROM generate_series(1, 60) n;
"""
STRATEGIES = {"public.visits.seen": "date_shift", "public.visits.doors": "date_shift", "public.visits.who": "shuffle"}
ROWS = "SELECT extract(epoch FROM seen), extract(epoch FROM doors[1]), who FROM visits ORDER BY 1, 2, 3"


def set_zone(database: TestDatabase, zone: str) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {database.name} SET timezone = '{zone}'".encode())


def in_clean_room(make_database: Callable[[], TestDatabase], zone: str) -> list[tuple[Any, ...]]:
    case = make_case(make_database, SCRIPT, STRATEGIES)
    set_zone(case.source, zone)
    case.copy()
    return case.rows(ROWS)


def in_place(make_database: Callable[[], TestDatabase], zone: str) -> list[tuple[Any, ...]]:
    database = make_database()
    with psycopg.connect(database.dsn) as conn:
        conn.execute(SCRIPT.encode())
    set_zone(database, zone)
    case = RewriteCase(database, plan_of(database.dsn, STRATEGIES))
    case.rewrite()
    return case.rows(ROWS)


def test_fakes_are_the_same_in_every_time_zone_and_by_either_engine(make_database: Callable[[], TestDatabase]) -> None:
    expected = in_clean_room(make_database, "UTC")

    assert expected == in_clean_room(make_database, "America/Los_Angeles")
    assert expected == in_place(make_database, "America/Los_Angeles")


def test_a_condition_on_rows_means_the_same_moments_to_the_copy_and_to_the_proof(
    make_database: Callable[[], TestDatabase],
) -> None:
    case = make_case(make_database, SCRIPT)
    set_zone(case.source, "America/Los_Angeles")
    policy = """[db.public.visits]
    seen = "date_shift"
    doors = "null"
    who = "keep"
    [[tables]]
    match = "visits"
    rows = "seen >= '2024-03-05'"
    """
    with psycopg.connect(case.source.dsn) as conn:
        case.plan = make_plan(conn, policy)

    case.copy()

    assert case.rows("SELECT count(*), min(who) FROM visits") == [(49, 12)]  # it is at midnight in UTC
    assert case.verify().problems == ()
