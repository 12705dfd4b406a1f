"""Masked values that are what they were are found row by row, small domains included; what chance explains is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sanitizers.proof.roads.road import Found, Status
from sanitizers.proof.roads.same_key import SameKey
from tests.fix_postgres import TestDatabase
from tests.integration.roads_case import no_value_in, walk
from tests.integration.stream_case import Case, make_case

MakeDatabase = Callable[[], TestDatabase]

SHOP = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text, born date, town text, joined date);
INSERT INTO people SELECT n, (ARRAY['Michael', 'Linda', 'Susan', 'Robert'])[1 + n % 4],
  'zq' || n || '@corp.invalid', date '1950-01-01' + n * 3, 'Zqtown', date '2020-01-01' + n
FROM generate_series(1, 400) n;
"""
MASKED = {
    "public.people.name": "first_name",
    "public.people.email": "email",
    "public.people.born": "date_shift",
    "public.people.town": {"strategy": "constant", "value": "Zqtown"},
}


@pytest.fixture
def shop(make_database: MakeDatabase) -> Case:
    case = make_case(make_database, SHOP, MASKED)
    case.copy()
    return case


def look(case: Case, *, full: bool = False) -> Found:
    return walk(SameKey(), case, full=full)


def test_a_masked_copy_is_none_of_its_originals(shop: Case) -> None:
    found = look(shop)

    assert found.problems == ()
    assert (found.status, found.numbers["columns"], found.numbers["values"]) == (Status.PASS, 4, 1600)
    assert found.numbers["equal"] >= 400  # the constant is what everybody had


@pytest.mark.parametrize(
    ("plant", "column", "equal"),
    [
        ("UPDATE people SET email = 'zq7@corp.invalid' WHERE id = 7", "email", 1),
        ("UPDATE people SET name = (ARRAY['Michael', 'Linda', 'Susan', 'Robert'])[1 + id % 4]", "name", 400),
        ("UPDATE people SET born = date '1950-01-01' + id * 3", "born", 400),
    ],
)
def test_values_as_they_were_are_found_by_their_key(shop: Case, plant: str, column: str, equal: int) -> None:
    shop.execute(plant)

    found = look(shop)

    place = f"{shop.plan.database}.public.people.{column}"
    assert found.problems == (f"{place} is as it was in {equal} of 400 rows that were compared by their key",)
    assert found.status is Status.FAIL
    no_value_in(found, "zq7", "michael")


def test_a_value_of_another_row_is_not_this_rows_original(shop: Case) -> None:
    shop.execute("UPDATE people SET email = 'zq8@corp.invalid' WHERE id = 7")

    assert look(shop).status is Status.PASS


def test_values_kept_on_purpose_may_be_what_they_were(make_database: MakeDatabase) -> None:
    kept = {"strategy": "email", "keep_if": "id < 100"}
    case = make_case(make_database, SHOP, {"public.people.email": kept})
    case.copy()

    found = look(case)

    assert (found.status, found.numbers["values"]) == (Status.PASS, 301)


@pytest.mark.parametrize("key", ["", "code text PRIMARY KEY, "])
def test_rows_without_a_kept_key_are_said_to_be_unseen(make_database: MakeDatabase, key: str) -> None:
    script = f"CREATE TABLE logins ({key}email text); INSERT INTO logins (email) SELECT 'a' WHERE false;"
    masked = {"public.logins.email": "email"} | ({"public.logins.code": "digest"} if key else {})
    case = make_case(make_database, script, masked)
    case.copy()

    found = look(case)

    assert found.status is Status.UNKNOWN
    assert found.unseen == (f"{case.plan.database}.public.logins, whose rows no kept column tells apart",)


@pytest.mark.parametrize(("plant", "status"), [("id = -id", Status.UNKNOWN), ("id = -id WHERE id > 1", Status.PASS)])
def test_rows_of_which_none_has_a_key_of_before_are_said_to_be_unseen(shop: Case, plant: str, status: Status) -> None:
    shop.execute(f"UPDATE people SET {plant}")

    found = look(shop)

    assert found.status is status
    if status is Status.UNKNOWN:
        assert found.unseen == (f"{shop.plan.database}.public.people, of whose rows none has the key of one of before",)


@pytest.mark.parametrize("empty", ["source", "target"])
def test_an_empty_table_is_next_to_nothing(shop: Case, empty: str) -> None:
    shop.execute("DELETE FROM people", of=getattr(shop, empty))

    assert look(shop).status is Status.PASS


def test_a_part_of_a_large_table_is_compared_unless_it_is_to_be_full(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE many (id int PRIMARY KEY, email text);
    INSERT INTO many SELECT n, 'zq' || n || '@corp.invalid' FROM generate_series(1, 210000) n; ANALYZE many;
    """
    case = make_case(make_database, script, {"public.many.email": "email"})
    case.copy()

    part, whole = look(case), look(case, full=True)

    assert whole.numbers["values"] == whole.numbers["rows"] == whole.numbers["rows-looked-at"] == 210_000
    assert 8_000 < part.numbers["values"] == part.numbers["rows-looked-at"] < 16_000
    assert part.numbers["rows"] == 210_000
    assert "of about 210,000 rows drawn at random" in part.sentence
    assert "drawn" not in whole.sentence
