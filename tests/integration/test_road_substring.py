"""Originals are found letter by letter when it is asked for; what the limit leaves out is said, never passed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sanitizers.proof.roads.road import Found, Status
from sanitizers.proof.roads.substring import Substring
from tests.fix_postgres import TestDatabase
from tests.integration.roads_case import no_value_in, walk
from tests.integration.stream_case import Case, make_case

MakeDatabase = Callable[[], TestDatabase]

SHOP = """
CREATE TABLE people (id int PRIMARY KEY, login text, name text, staff text);
CREATE TABLE logs (id int PRIMARY KEY, line text, extra jsonb);
INSERT INTO people SELECT n, 'zqlogin' || n || 'x', 'Michael Johnson', 'zqstaff-desk' FROM generate_series(10, 49) n;
INSERT INTO logs SELECT n, 'line ' || n, '{}' FROM generate_series(1, 20) n;
INSERT INTO logs VALUES (21, 'for michael johnson''s desk, zqstaff-desk2', '{}');
"""
MASKED = {
    "public.people.login": "user_name",
    "public.people.name": "full_name",
    "public.people.staff": {"strategy": "digest", "keep_values": ["zqstaff-*"]},
}


@pytest.fixture
def shop(make_database: MakeDatabase) -> Case:
    case = make_case(make_database, SHOP, MASKED)
    case.copy()
    return case


def look(case: Case, most_pairs: int = 10**9) -> Found:
    return walk(Substring(most_pairs), case, full=True)


def test_a_masked_copy_holds_no_original_in_any_text(shop: Case) -> None:
    found = look(shop)

    assert (found.status, found.numbers["found"], found.numbers["originals"]) == (Status.PASS, 0, 41)


@pytest.mark.parametrize(
    ("plant", "place"),
    [
        ("UPDATE logs SET line = '/home/ZQlogin12x/notes' WHERE id = 3", "logs.line"),
        ("""UPDATE logs SET extra = '{"a": ["--zqlogin12x--"]}' WHERE id = 3""", "logs.extra"),
    ],
)
def test_an_original_inside_a_word_is_found(shop: Case, plant: str, place: str) -> None:
    shop.execute(plant)

    found = look(shop)

    database = shop.plan.database
    assert found.problems == (
        f"texts of {database}.public.{place} contain 1 original value of {database}.public.people.login",
    )
    no_value_in(found, "zqlogin12x")


def test_what_the_limit_leaves_out_is_said(shop: Case) -> None:
    found = look(shop, most_pairs=41)

    assert found.status is Status.UNKNOWN
    (name,) = [one for one in found.unseen if one.endswith(".public.people.login")]
    assert name == f"originals anywhere inside the 40 texts of {shop.plan.database}.public.people.login"
