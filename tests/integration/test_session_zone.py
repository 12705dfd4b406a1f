"""No setting of a server, database or role has a say in the fakes, in which rows are copied, or in the proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import RewriteCase
from tests.integration.shapes_case import make_plan
from tests.integration.stream_case import Case, make_case, plan_of

SCRIPT = """
CREATE TABLE visits (seen timestamptz, doors timestamptz[], who int);
INSERT INTO visits SELECT '2024-03-01 12:00+00'::timestamptz + n * interval '7 hours',
  ARRAY['2024-03-01 12:00+00'::timestamptz + n * interval '1 day'], n FROM generate_series(1, 60) n;
"""
STRATEGIES = {"public.visits.seen": "date_shift", "public.visits.doors": "date_shift", "public.visits.who": "shuffle"}
ROWS = "SELECT extract(epoch FROM seen), extract(epoch FROM doors[1]), who FROM visits ORDER BY 1, 2, 3"


def set_up(database: TestDatabase, setting: str, value: str) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {database.name} SET {setting} = '{value}'".encode())


def in_clean_room(make_database: Callable[[], TestDatabase], zone: str) -> list[tuple[Any, ...]]:
    case = make_case(make_database, SCRIPT, STRATEGIES)
    set_up(case.source, "timezone", zone)
    case.copy()
    return case.rows(ROWS)


def in_place(make_database: Callable[[], TestDatabase], zone: str) -> list[tuple[Any, ...]]:
    database = make_database()
    with psycopg.connect(database.dsn) as conn:
        conn.execute(SCRIPT.encode())
    set_up(database, "timezone", zone)
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
    set_up(case.source, "timezone", "America/Los_Angeles")
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


WRITTEN = {
    "datestyle": ("SQL, DMY", "date", "'1950-01-01'::date + n"),
    "intervalstyle": ("sql_standard", "interval", "n * interval '1 day 2 hours 3 seconds'"),
    "timezone": ("Asia/Tokyo", "timestamptz", "'1950-01-01 12:00+00'::timestamptz + n * interval '7 hours'"),
    "extra_float_digits": ("0", "float8", "1234567.1::float8 + n / 3.0::float8"),
    "bytea_output": ("escape", "bytea", "convert_to('jane' || n, 'UTF8')"),
}
"""A setting, a value of it, and values of a type that are written in another way then."""


def verify_planted(case: Case, kind: str, values: str) -> tuple[str, ...]:
    """What the proof says of 50 originals in a column of the target that is kept."""
    assert case.rows("SELECT count(was), count(kept) FROM secrets") == [(0, 0)]
    case.execute(f"SET timezone = 'UTC'; UPDATE secrets SET kept = ({values})::{kind}")
    return case.verify().problems


@pytest.mark.parametrize("setting", WRITTEN)
def test_a_text_is_found_as_a_value_of_a_type_that_the_target_writes_in_its_own_way(
    make_database: Callable[[], TestDatabase], setting: str
) -> None:
    value, kind, values = WRITTEN[setting]
    script = f"""SET timezone = 'UTC'; CREATE TABLE secrets (n int, was text, kept {kind});
    INSERT INTO secrets SELECT n, ({values})::text FROM generate_series(1, 50) n"""
    case = make_case(make_database, script, {"public.secrets.was": "null"})
    case.copy()

    set_up(case.target, setting, value)

    name = case.plan.database
    expected = f"{name}.public.secrets.kept holds 50 original values of {name}.public.secrets.was"
    assert verify_planted(case, kind, values) == (expected,)


@pytest.mark.parametrize("setting", ["bytea_output", "intervalstyle"])
def test_values_are_found_again_that_the_source_writes_in_its_own_way(
    make_database: Callable[[], TestDatabase], setting: str
) -> None:
    value, kind, values = WRITTEN[setting]
    script = f"""CREATE TABLE secrets (n int, was {kind}, kept {kind});
    INSERT INTO secrets SELECT n, {values} FROM generate_series(1, 50) n"""
    case = make_case(make_database, script, {"public.secrets.was": "null"})
    case.copy()

    set_up(case.source, setting, value)

    name = case.plan.database
    expected = f"{name}.public.secrets.kept holds 50 original values of {name}.public.secrets.was"
    assert verify_planted(case, kind, values) == (expected,)


def test_a_condition_on_how_a_value_is_written_means_the_same_rows_to_the_copy_and_to_the_proof(
    make_database: Callable[[], TestDatabase],
) -> None:
    script = (
        "CREATE TABLE wares (price float8, who text); INSERT INTO wares VALUES (0.3, 'a'), (0.1 + 0.2::float8, 'b')"
    )
    case = make_case(make_database, script)
    set_up(case.source, "extra_float_digits", "0")
    policy = """[db.public.wares]
    price = "keep"
    who = "null"
    [[tables]]
    match = "wares"
    rows = "price::text = '0.3'"
    """
    with psycopg.connect(case.source.dsn) as conn:
        case.plan = make_plan(conn, policy)

    case.copy()

    assert case.rows("SELECT price FROM wares") == [(0.3,)]
    assert case.verify().problems == ()
