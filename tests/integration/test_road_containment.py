"""Originals inside longer texts are found, however they are written, and fakes, chance and kept values are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sanitizers.proof.roads.containment import Containment
from sanitizers.proof.roads.road import Found, Status
from tests.fix_postgres import TestDatabase
from tests.integration.roads_case import no_value_in, walk
from tests.integration.stream_case import Case, make_case

MakeDatabase = Callable[[], TestDatabase]

SHOP = """
CREATE TABLE customers (id int PRIMARY KEY, name text, email text UNIQUE, phone text, home text, city text);
CREATE TABLE orders (id int PRIMARY KEY, note text, extra jsonb, number bigint, seen timestamptz);
CREATE TABLE customers_audit (id int PRIMARY KEY, old_row text);
CREATE MATERIALIZED VIEW notes AS SELECT note FROM orders;
INSERT INTO customers SELECT n, 'Anna Zqmaria Schmidt' || n, 'anna' || n || '@corp.invalid',
  '+30 210 ' || lpad(n::text, 7, '0'), n || ' Zqlong Street, Flat ' || n, 'Zqtown Hills' FROM generate_series(1, 40) n;
INSERT INTO customers SELECT n, 'Bruno Zqmeyer' || n, 'bruno' || n || '@corp.invalid' FROM generate_series(41, 60) n;
INSERT INTO orders SELECT n, 'please call back about order ' || n * 1000003, '{"a": "hello world again"}', n * 10000019,
  '2026-01-01' FROM generate_series(1, 40) n;
INSERT INTO customers_audit VALUES (1, 'nothing');
REFRESH MATERIALIZED VIEW notes;
"""
MASKED = {
    "public.customers.name": "full_name",
    "public.customers.email": "email",
    "public.customers.phone": "phone",
    "public.customers.home": "street",
    "public.customers.city": "city",
}


@pytest.fixture
def shop(make_database: MakeDatabase) -> Case:
    case = make_case(make_database, SHOP, MASKED)
    case.copy()
    return case


def look(case: Case) -> Found:
    return walk(Containment(), case)


def test_a_masked_copy_contains_no_original(shop: Case) -> None:
    found = look(shop)

    assert found.problems == ()
    assert found.status is Status.PASS
    assert found.numbers["found"] == 0
    assert found.numbers["places"] == 13
    assert found.numbers["tokens"] >= 60 + 2 * 40


@pytest.mark.parametrize(
    ("plant", "place", "column"),
    [
        ("UPDATE orders SET note = 'Mail ANNA7@corp.invalid, soon.' WHERE id = 1", "orders.note", "email"),
        ("UPDATE orders SET note = '<mailto:anna7@corp.invalid>' WHERE id = 1", "orders.note", "email"),
        (
            """UPDATE customers_audit SET old_row = '{"id":7,"mail":"anna7@corp.invalid"}'""",
            "customers_audit.old_row",
            "email",
        ),
        ("""UPDATE orders SET extra = '{"a": ["see anna7@corp.invalid"]}' WHERE id = 1""", "orders.extra", "email"),
        ("UPDATE orders SET note = 'call (210) 000-0007 today' WHERE id = 1", "orders.note", "phone"),
        ("UPDATE orders SET note = 'tel.0030-210.000.00.07' WHERE id = 1", "orders.note", "phone"),
        ("UPDATE orders SET number = 302100000007 WHERE id = 1", "orders.number", "phone"),
        ("UPDATE orders SET note = 'ref 302100000007x' WHERE id = 1", "orders.note", "phone"),
        ("UPDATE orders SET note = 'TEL302100000007MOB soon' WHERE id = 1", "orders.note", "phone"),
        ("UPDATE orders SET note = 'Dear Anna Zqmaria Schmidt7, hello' WHERE id = 1", "orders.note", "name"),
        ("UPDATE orders SET note = 'Dear Bruno Zqmeyer41, hello' WHERE id = 1", "orders.note", "name"),
        (
            """UPDATE customers_audit SET old_row = '(7,"Anna Zqmaria Schmidt7","7 Zqlong Street")'""",
            "customers_audit.old_row",
            "name",
        ),
        ("UPDATE orders SET note = 'to 7 Zqlong Street - Flat 7 by noon' WHERE id = 1", "orders.note", "home"),
    ],
)
def test_an_original_inside_a_text_is_found(shop: Case, plant: str, place: str, column: str) -> None:
    shop.execute(plant)

    found = look(shop)

    database = shop.plan.database
    assert found.problems == (
        f"texts of {database}.public.{place} contain 1 original value of {database}.public.customers.{column}",
    )
    assert (found.status, found.numbers["found"]) == (Status.FAIL, 1)
    no_value_in(found, "anna7", "0000007", "zqmaria", "zqmeyer", "zqlong")


def test_without_a_source_nobody_can_tell(shop: Case) -> None:
    found = walk(Containment(), shop, with_source=False)

    assert found.status is Status.UNKNOWN
    assert found.unseen == ("originals inside longer texts: there is no source to take them from",)


def test_what_a_pool_can_make_or_the_policy_keeps_is_no_residue(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE people (id int PRIMARY KEY, name text, email text);
    CREATE TABLE tickets (id int PRIMARY KEY, body text);
    INSERT INTO tickets VALUES (1, 'zqticket for ops@team.invalid');
    CREATE TABLE notes (id int PRIMARY KEY, body text);
    INSERT INTO people SELECT n, 'Michael Johnson', 'ops@team.invalid' FROM generate_series(1, 20) n;
    INSERT INTO people VALUES (21, 'Zqbruno Zqmeyer', 'zqbruno@corp.invalid');
    INSERT INTO notes VALUES (1, 'Dear Michael Johnson, write to ops@team.invalid'), (2, 'Dear Zqbruno Zqmeyer');
    """
    kept = {"strategy": "email", "keep_values": ["*@team.invalid"]}
    masked = {"public.people.name": "full_name", "public.people.email": kept, "public.tickets.body": "null"}
    case = make_case(make_database, script, masked)
    case.copy()

    found = look(case)

    database = case.plan.database
    assert found.problems == (
        f"texts of {database}.public.notes.body contain 1 original value of {database}.public.people.name",
    )


def test_what_a_public_column_says_counts_neither_there_nor_in_its_views(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE people (id int PRIMARY KEY, email text);
    CREATE TABLE pages (id int PRIMARY KEY, body text);
    CREATE MATERIALIZED VIEW bodies AS SELECT 'page: ' || body AS body FROM pages;
    INSERT INTO people VALUES (1, 'zqpress@corp.invalid');
    INSERT INTO pages VALUES (1, 'Write to zqpress@corp.invalid!');
    REFRESH MATERIALIZED VIEW bodies;
    """
    public = {"strategy": "keep", "public": True}
    case = make_case(make_database, script, {"public.people.email": "email", "public.pages.body": public})
    case.copy()

    assert look(case).status is Status.PASS


@pytest.mark.parametrize(("shared", "status"), [(2, Status.PASS), (10, Status.FAIL)])
def test_a_few_towns_in_texts_are_a_coincidence_and_many_are_residue(
    make_database: MakeDatabase, shared: int, status: Status
) -> None:
    script = f"""
    CREATE TABLE people (id int PRIMARY KEY, city text);
    CREATE TABLE trips (id int PRIMARY KEY, title text);
    INSERT INTO people SELECT n, 'Zqtown Hills' || n FROM generate_series(1, 40) n;
    INSERT INTO trips SELECT n, 'a day in Zqtown Hills' || n FROM generate_series(1, {shared}) n;
    """
    case = make_case(make_database, script, {"public.people.city": "city"})
    case.copy()

    found = look(case)

    assert found.status is status
    assert found.numbers["by-coincidence"] == (shared if status is Status.PASS else 0)


def test_numbers_that_chance_explains_are_no_residue(make_database: MakeDatabase) -> None:
    # 5,000 of the 10,000,000 numbers of seven digits, and 5,000 others: two or three agree by chance.
    script = """
    CREATE TABLE people (id int PRIMARY KEY, phone text);
    CREATE TABLE parts (id int PRIMARY KEY, label text);
    INSERT INTO people SELECT n, (1000000 + n * 1777)::text FROM generate_series(1, 5000) n;
    INSERT INTO parts SELECT n, 'part no. ' || (1000003 + n * 1787) FROM generate_series(1, 5000) n;
    """
    case = make_case(make_database, script, {"public.people.phone": {"strategy": "phone", "digits": 9}})
    case.copy()

    found = look(case)

    assert found.status is Status.PASS
    assert 0 < found.numbers["by-chance"] < 18


def test_a_paragraph_is_found_by_half_of_its_words(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE visits (id int PRIMARY KEY, report text);
    CREATE TABLE mails (id int PRIMARY KEY, body text);
    INSERT INTO visits VALUES (1, (SELECT string_agg('Zqword' || n, ' ') FROM generate_series(1, 60) n));
    INSERT INTO mails VALUES (1, 'nothing');
    """
    case = make_case(make_database, script, {"public.visits.report": "text"})
    case.copy()
    some = "UPDATE mails SET body = 'cited: ' || (SELECT string_agg('Zqword' || n, ' ') FROM generate_series(1, {}) n)"
    case.execute(some.format(10))
    little = look(case)
    case.execute(some.format(55))

    found = look(case)

    assert little.status is Status.PASS
    assert found.numbers["found"] == 1
