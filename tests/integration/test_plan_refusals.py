"""What a schema alone, or a few rows of it, say against a policy: told when the plan is made, not when it runs."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from sanitizers.errors import PlanError
from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from sanitizers.trial import try_plan
from tests.fix_postgres import TestDatabase
from tests.integration.peers_case import MakeDatabase, make_twins, refusal
from tests.integration.stream_case import plan_of

DOMAINS = """
CREATE DOMAIN filled AS text NOT NULL; CREATE DOMAIN twice_filled AS filled CHECK (VALUE <> '');
CREATE TYPE mood AS ENUM ('sad', 'glad');
"""


@pytest.mark.parametrize(
    ("ddl", "strategies", "reason"),
    [
        ("a filled", {"a": "null"}, "the column is NOT NULL: use constant"),
        ("a twice_filled", {"a": "null"}, "the column is NOT NULL: use constant"),
        ("a text PRIMARY KEY", {"a": "null"}, "the column is NOT NULL: use constant"),
        ("a text NOT NULL", {"a": "null"}, "the column is NOT NULL: use constant"),
        ("a text UNIQUE", {"a": "first_name"}, "the column is unique and these fakes repeat"),
        ("a text UNIQUE", {"a": "city"}, "the column is unique and these fakes repeat"),
        ("a text UNIQUE", {"a": "phone"}, "set digits = 20"),
        ("a inet UNIQUE", {"a": "ip"}, "there are few addresses of IPv4"),
        ("a text UNIQUE", {"a": "card"}, "there are few test numbers"),
        ("a int UNIQUE", {"a": "digest"}, "a digest of so few bits"),
        ("a date UNIQUE", {"a": "date_shift"}, "the column is unique and these fakes repeat"),
        ("a mood UNIQUE", {"a": {"strategy": "constant", "value": "sad"}}, "the column is unique and these fakes"),
        (
            "a text, low text GENERATED ALWAYS AS (lower(a)) STORED UNIQUE",
            {"a": "city"},
            "its fakes repeat and the key (low) is generated of it and must stay unique",
        ),
        (
            '"A b" text, n int, low text GENERATED ALWAYS AS (lower("A b")) STORED, UNIQUE (low, n)',
            {"A b": "city"},
            "its fakes repeat and the key (low, n) is generated of it and must stay unique",
        ),
    ],
)
def test_what_cannot_fit_is_refused_by_the_schema_alone(
    ddl: str, strategies: dict[str, Any], reason: str, database: TestDatabase
) -> None:
    chosen = {f"public.t.{name}": strategy for name, strategy in strategies.items()}

    assert reason in refusal(database, f"{DOMAINS}\n\nCREATE TABLE t ({ddl})", chosen)


@pytest.mark.parametrize(
    "ddl",
    [
        "a text, low text GENERATED ALWAYS AS (a || id) STORED UNIQUE",
        "a text, low text GENERATED ALWAYS AS (lower(a)) STORED, UNIQUE (low, id)",
        "b text, a text, low text GENERATED ALWAYS AS (lower(b)) STORED UNIQUE",
    ],
)
def test_what_is_generated_of_a_key_as_well_or_of_others_is_masked(ddl: str, make_database: MakeDatabase) -> None:
    script = (
        f"CREATE TABLE t (id int PRIMARY KEY, {ddl}); INSERT INTO t (id, a) SELECT n, n FROM generate_series(1, 99) n"
    )

    twins = make_twins(make_database, "clean-room", script, {"public.t.a": "city"})
    twins.run()

    assert twins.rows("SELECT count(*) FROM t") == [(99,)]


@pytest.mark.parametrize(
    ("ddl", "reason"),
    [
        ("a text CHECK (a IS NOT NULL)", "check t_a_check would be broken by a (null) in 1 of 1 rows"),
        (
            "a text, low text GENERATED ALWAYS AS (lower(a)) STORED NOT NULL",
            "low is NOT NULL and would be generated as NULL in 1 of 1 rows",
        ),
        (
            "a text, low filled GENERATED ALWAYS AS (lower(a)) STORED",
            "low is NOT NULL and would be generated as NULL in 1 of 1 rows",
        ),
    ],
)
def test_null_that_a_check_or_a_generated_column_refuses_is_told_by_the_trial(
    ddl: str, reason: str, database: TestDatabase
) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        conn.execute(
            f"CREATE DOMAIN filled AS text NOT NULL; CREATE TABLE t ({ddl}); INSERT INTO t VALUES ('A')".encode()
        )

        assert reason in str(try_plan(conn, plan_of(database.dsn, {"public.t.a": "null"})))


def test_every_column_says_which_part_of_the_policy_decided(database: TestDatabase) -> None:
    with pytest.raises(PlanError, match="is not covered"):
        _origins(database, "")
    text = '[[columns]]\nmatch = "*"\nstrategy = "keep"\n[[columns]]\ntype = "text"\nstrategy = "city"\n'

    assert _origins(database, text) == {"a": "match *", "b": "match *"}


def _origins(database: TestDatabase, policy: str) -> dict[str, str]:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS t (a text, b int)")
        conn.commit()
        schema = read_schema(conn)
    plan = compile_plan([schema], parse_policy(f"version = 1\n{policy}", "masking.toml")).databases[0]
    return {column.column.name: column.origin for column in plan.tables[0].columns}
