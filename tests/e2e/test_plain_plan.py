"""`plan --dsn`: everything that stands in the way at once, and what decides every column."""

from __future__ import annotations

import pytest

from tests.fix_plain import Desk, execute
from tests.fix_postgres import TestDatabase


@pytest.fixture
def desk_with_rules(desk: Desk, shop: TestDatabase) -> Desk:
    """A policy by pattern, of which the last rule comes too late to decide anything."""
    desk.decide(
        f"""version = 1
[{shop.name}.public.people]
id = "keep"
name = {{ strategy = "sql", expression = "(name::int)::text" }}
[{shop.name}.public.notes]
id = "keep"
person = "keep"
body = "keep"
[[columns]]
match = "*.email"
strategy = "keep"
[[columns]]
match = "*.joined"
strategy = "date_shift"
[[columns]]
match = "*.people.email"
strategy = "email"
"""
    )
    return desk


def test_what_fails_on_rows_is_told_beside_what_is_wrong_without_them(
    desk_with_rules: Desk, shop: TestDatabase
) -> None:
    execute(shop.dsn, "ALTER TABLE notes ADD phone text")

    document = desk_with_rules.json("plan", "--dsn", shop.dsn)

    problems = "\n".join(document["problems"])
    assert "notes.phone is not covered" in problems
    assert "people.email looks personal (email) and is kept" in problems
    assert "people: name: sql does not fit" in problems


def test_decisions_are_listed_also_where_the_plan_is_refused(desk_with_rules: Desk, shop: TestDatabase) -> None:
    document = desk_with_rules.json("plan", "--dsn", shop.dsn)

    origins = {(row["table"], row["column"]): row["origin"] for row in document["columns"]}
    assert document["exit_code"] == 5
    assert origins["public.people", "email"] == "match *.email"
    assert origins["public.people", "id"] == "its name"


def test_a_rule_that_decides_nothing_is_noted(desk_with_rules: Desk, shop: TestDatabase) -> None:
    notes = desk_with_rules.json("plan", "--dsn", shop.dsn)["notes"]

    assert [note for note in notes if "decides no column" in note] == [
        "[[columns]] match *.people.email decides no column: what it fits is decided by name or by a rule before it"
    ]


def test_large_objects_that_are_not_copied_are_noted(desk: Desk, shop: TestDatabase) -> None:
    execute(shop.dsn, "SELECT lo_from_bytea(0, 'x'), lo_from_bytea(0, 'y')")

    notes = desk.json("plan", "--dsn", shop.dsn)["notes"]

    assert any(note.startswith("2 large objects are not copied") for note in notes)


def test_a_check_that_rows_behind_the_first_thousand_break_is_a_problem(desk: Desk, shop: TestDatabase) -> None:
    execute(
        shop.dsn,
        "INSERT INTO people SELECT n, 'A B', n || '@zq-original.test', '2005-01-01' FROM generate_series(2001, 3600) n;"
        "ALTER TABLE people ADD CONSTRAINT early CHECK (id < 3501 OR joined = '2005-01-01')",
    )

    document = desk.json("plan", "--dsn", shop.dsn)

    assert any("early" in problem for problem in document["problems"]), document["problems"]
