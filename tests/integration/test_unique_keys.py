"""Unique keys that one column does not decide alone: permitted where they hold after masking, refused where not."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from sanitizers.errors import PlanError
from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import Schema, read_schema
from tests.fix_postgres import TestDatabase
from tests.integration.peers_case import Engine, MakeDatabase, both_engines, make_masked, refusal
from tests.unit.test_plan import column, lines, table

SHIFT = {"strategy": "date_shift", "days": 20, "per": ["room"]}
DAYS = """
CREATE TABLE t (room int, day date NOT NULL, note text, UNIQUE (room, day));
INSERT INTO t SELECT r, date '2020-01-01' + d FROM generate_series(1, 30) AS r, generate_series(1, 100) AS d;
INSERT INTO t SELECT NULL, date '2020-01-01' + d % 10 FROM generate_series(1, 100) AS d
"""


@both_engines
def test_days_that_move_together_in_each_group_of_their_key_stay_unique(
    engine: Engine, make_database: MakeDatabase
) -> None:
    twins = make_masked(make_database, engine, DAYS, {"public.t.day": SHIFT})

    distances = (
        "SELECT room, max(day) - min(day), count(DISTINCT day) FROM t WHERE room IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    assert twins.originals(distances) == twins.rows(distances)
    moved = "SELECT count(*) FROM t WHERE room IS NOT NULL AND day BETWEEN '2020-01-02' AND '2020-04-10'"
    assert twins.originals(moved) != twins.rows(moved)


@pytest.mark.parametrize(
    ("ddl", "shift", "reason"),
    [
        ("room int, day date, UNIQUE (room, day)", {"strategy": "date_shift"}, "write per = [room], or keep it"),
        ("room int, day date, lane int, UNIQUE (lane, day)", SHIFT, "write per = [lane], or keep it"),
        ("room int, day date, UNIQUE NULLS NOT DISTINCT (room, day)", SHIFT, "its fakes repeat"),
        ("room numeric, day date, UNIQUE (room, day)", SHIFT, "values of room can be equal and written in two ways"),
        ("room float, day date, UNIQUE (room, day)", SHIFT, "values of room can be equal and written in two ways"),
        (
            "room int, day date, UNIQUE (room, day)",
            {**SHIFT, "keep_if": "room = 1"},
            "rows that stay as they are would meet those that move",
        ),
        (
            "room int NOT NULL, day timestamp); CREATE UNIQUE INDEX ON t (room, date_trunc('month', day)",
            SHIFT,
            "its fakes repeat",
        ),
    ],
)
def test_days_that_may_meet_are_refused_with_the_reason(
    ddl: str, shift: dict[str, Any], reason: str, database: TestDatabase
) -> None:
    assert reason in refusal(database, f"CREATE TABLE t ({ddl})", {"public.t.day": shift})


def test_texts_that_are_equal_in_a_collation_of_their_own_are_no_group() -> None:
    members = (column("room", "text", loose=True), column("day", "date"))
    schema = Schema("neondb", (table("t", *members, unique_keys=(("day", "room"),)),))
    policy = lines('room = "keep"', 'day = { strategy = "date_shift", per = ["room"] }')

    with pytest.raises(PlanError, match="values of room can be equal and written in two ways"):
        compile_plan([schema], parse_policy(policy, "masking.toml"))


def test_numbers_of_a_fixed_scale_are_written_in_one_way(make_database: MakeDatabase) -> None:
    ddl = DAYS.replace("room int", "room numeric(8, 2)")

    assert make_masked(make_database, "clean-room", ddl, {"public.t.day": SHIFT}).rows("SELECT count(*) FROM t")


@pytest.mark.parametrize(
    ("ddl", "strategies", "reason"),
    [
        (
            "a int, b int, UNIQUE (a, b)",
            {"a": "shuffle"},
            "the key (a, b) must stay unique: shuffle all of its columns together, by with",
        ),
        ("a int, UNIQUE NULLS NOT DISTINCT (a)", {"a": "null"}, "the key (a) holds NULL for equal to NULL"),
        (
            "a int, b int, UNIQUE NULLS NOT DISTINCT (a, b)",
            {"b": "null"},
            "the key (a, b) holds NULL for equal to NULL",
        ),
        ("a text); CREATE UNIQUE INDEX ON t (coalesce(a, '')", {"a": "null"}, "or computes something of it"),
        ("a text); CREATE UNIQUE INDEX ON t (lower(a)", {"a": "permute"}, "in which fakes may be equal"),
        (
            "a int UNIQUE",
            {"a": {"strategy": "permute", "keep_values": ["5"]}},
            "with keep_values, fakes may be values that stay",
        ),
        (
            "a int, b int, UNIQUE (a, b)",
            {"a": {"strategy": "permute", "keep_if": "b = 1"}},
            "with keep_if, fakes may be values that stay",
        ),
        (
            "a int, gone timestamp); CREATE UNIQUE INDEX ON t (a) WHERE (gone IS NULL",
            {"gone": "null"},
            "t_a_idx is unique where (gone IS NULL), and rows would come under that",
        ),
        (
            "a int, state text); CREATE UNIQUE INDEX ON t (a) WHERE (state <> 'old'",
            {"state": "scramble"},
            "t_a_idx is unique where (state <> 'old'::text)",
        ),
        ("email text); CREATE UNIQUE INDEX ON t (email) WHERE (email <> ''", {"email": "email"}, "keep_values"),
    ],
)
def test_what_may_make_rows_of_a_key_equal_is_refused(
    ddl: str, strategies: dict[str, Any], reason: str, database: TestDatabase
) -> None:
    chosen = {f"public.t.{name}": strategy for name, strategy in strategies.items()}

    assert reason in refusal(database, f"CREATE TABLE t ({ddl})", chosen)


@both_engines
def test_what_leaves_rows_of_a_key_different_is_masked(engine: Engine, make_database: MakeDatabase) -> None:
    ddl = """
    CREATE TABLE t (id int PRIMARY KEY, a int, b int, token text, gone timestamp, mail text, UNIQUE (a, b));
    CREATE UNIQUE INDEX ON t (token) WHERE token IS NOT NULL;
    CREATE UNIQUE INDEX ON t (a) WHERE b = 1 AND gone IS NULL;
    CREATE UNIQUE INDEX ON t (mail) WHERE mail <> '' AND gone IS NULL;
    CREATE UNIQUE INDEX ON t (id, a) WHERE mail > 'm';
    INSERT INTO t SELECT n, n / 10, n % 10, 'token ' || n, CASE WHEN n % 2 = 0 THEN now() END,
      CASE WHEN n % 3 = 0 THEN '' ELSE n || '@corp.test' END FROM generate_series(1, 300) AS n
    """
    strategies = {
        "public.t.a": "keep",
        "public.t.token": "null",
        "public.t.gone": "date_shift",
        "public.t.mail": {"strategy": "email", "keep_values": [""]},
    }

    twins = make_masked(make_database, engine, ddl, strategies)

    assert twins.rows("SELECT count(*) FILTER (WHERE mail = ''), count(token) FROM t") == [(100, 0)]
    gone = "SELECT id FROM t WHERE gone IS NULL ORDER BY 1"
    assert twins.originals(gone) == twins.rows(gone)


def test_columns_of_a_key_that_are_shuffled_together_stay_unique(make_database: MakeDatabase) -> None:
    ddl = """
    CREATE TABLE t (a int, b int, UNIQUE (a, b)); INSERT INTO t SELECT n / 10, n % 10 FROM generate_series(1, 99) n
    """
    together = {
        "public.t.a": {"strategy": "shuffle", "with": ["b"]},
        "public.t.b": {"strategy": "shuffle", "with": ["a"]},
    }

    twins = make_masked(make_database, "in-place", ddl, together)

    assert twins.rows("SELECT count(DISTINCT (a, b)) FROM t") == [(99,)]


def test_rows_that_stay_do_not_meet_those_of_an_exclusion_constraint_that_move(database: TestDatabase) -> None:
    ddl = """
    CREATE TABLE t (room int4range, during daterange, EXCLUDE USING gist (room WITH =, during WITH &&))
    """
    assert _refused(database, ddl, "") == ""
    assert "rows that stay as they are would meet" in _refused(database, "SELECT 1", 'keep_rows = "room IS NULL"')


def _refused(database: TestDatabase, ddl: str, more: str) -> str:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(ddl.encode())
        conn.commit()
        schema = read_schema(conn)
    text = (
        f'version = 1\n[[tables]]\nmatch = "t"\n{more}\n[{schema.database}.public.t]\nroom = "keep"\n'
        'during = { strategy = "range_shift", per = ["room"] }'
    )
    try:
        compile_plan([schema], parse_policy(text, "masking.toml"))
    except PlanError as error:
        return str(error)
    return ""
