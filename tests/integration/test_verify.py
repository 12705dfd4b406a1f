"""The residue proof on real Postgres: what it finds, what it must not find, and that it never names a value."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import psycopg
import pytest

from sanitizers.proof.verifiers import Verifiers, read_verifiers, same_verifiers
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import HARD_SCHEMA, KEY, PEOPLE, Case, make_case

MakeDatabase = Callable[[], TestDatabase]

SHOP = """
CREATE TABLE customers (id int PRIMARY KEY, name text, email text UNIQUE, city text, token text);
CREATE TABLE orders (id int PRIMARY KEY, note text, tags text[], extra jsonb, raw json, words tsvector, seen date);
CREATE TABLE products (id int PRIMARY KEY, title text, maker text);
INSERT INTO customers SELECT n, 'Theodora Papadimitriou' || n, 'theodora' || n || '@mail.invalid', 'Heraklion',
  'tok-' || n FROM generate_series(1, 20) n;
INSERT INTO orders SELECT n, 'note ' || n FROM generate_series(1, 20) n;
INSERT INTO products VALUES (1, 'A chair', 'Heraklion');
"""
MASKED = {
    "public.customers.name": "full_name",
    "public.customers.email": "email",
    "public.customers.city": "city",
    "public.customers.token": "digest",
    "public.orders.seen": "date_shift",
    "public.products.maker": {"strategy": "keep", "public": True},
}


@pytest.fixture
def hard(make_database: MakeDatabase) -> Case:
    return make_case(make_database, HARD_SCHEMA.read_text(encoding="utf-8"), PEOPLE)


@pytest.fixture
def shop(make_database: MakeDatabase) -> Case:
    case = make_case(make_database, SHOP, MASKED)
    case.copy()
    return case


def expected(case: Case, place: str, column: str = "public.customers.email") -> str:
    database = case.plan.database
    return f"{place.format(database)} holds 1 original value of {database}.{column}"


def test_a_masked_copy_of_a_hard_schema_is_clean(hard: Case) -> None:
    hard.copy()

    proof = hard.verify()

    assert proof.problems == ()
    assert proof.clean
    assert proof.rows == 94
    assert proof.not_searched == ("public.people.born",)
    assert {c.column: c.searched for c in proof.columns}["public.people.email"] == 31


def test_the_proof_counts_what_it_searched_and_holds_no_value(shop: Case) -> None:
    proof = shop.verify()

    assert proof.clean
    counts = {c.column: (c.searched, c.too_short) for c in proof.columns}
    assert counts == {
        "public.customers.name": (20, 0),
        "public.customers.email": (20, 0),
        "public.customers.city": (1, 0),
        "public.customers.token": (20, 0),
    }
    assert proof.public == ("public.products.maker",)
    assert proof.searched == 61
    written = json.dumps(asdict(proof)).lower()
    assert "papadimitriou" not in written
    assert "heraklion" not in written


@pytest.mark.parametrize(
    ("plant", "place"),
    [
        ("UPDATE orders SET note = ' Theodora7@mail.INVALID ' WHERE id = 3", "{}.public.orders.note"),
        ("UPDATE customers SET token = 'theodora7@mail.invalid' WHERE id = 3", "{}.public.customers.token"),
        ("UPDATE orders SET tags = ARRAY['a', 'theodora7@mail.invalid'] WHERE id = 3", "{}.public.orders.tags"),
        ("""UPDATE orders SET extra = '{"a": [{"b": "theodora7@mail.invalid"}]}'""", "{}.public.orders.extra"),
        ("""UPDATE orders SET extra = '{"theodora7@mail.invalid": null}'""", "{}.public.orders.extra"),
        (r"""UPDATE orders SET raw = '{"a": "theodora7@mail.invalid", "b": 1}' WHERE id = 1""", "{}.public.orders.raw"),
        ("UPDATE orders SET words = to_tsvector('simple', 'ask theodora7@mail.invalid now')", "{}.public.orders.words"),
        (
            "COMMENT ON TABLE orders IS 'ask theodora7@mail.invalid'",
            "the definition of table public.orders in {}",
        ),
        (
            "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'theodora7@mail.invalid' $$",
            "the definition of function public.f() in {}",
        ),
    ],
)
def test_an_original_is_found_wherever_it_hides(shop: Case, plant: str, place: str) -> None:
    shop.execute(plant)

    proof = shop.verify()

    assert proof.problems == (expected(shop, place),)
    assert "theodora7" not in repr(proof)


@pytest.mark.parametrize(
    ("plant", "where"),
    [
        ("COMMENT ON DATABASE {} IS 'ask theodora7@mail.invalid'", "database"),
        ("CREATE PUBLICATION p FOR TABLE customers WHERE (email <> 'theodora7@mail.invalid')", "publication p"),
    ],
)
def test_an_original_in_what_surrounds_the_tables_is_found(shop: Case, plant: str, where: str) -> None:
    shop.execute(plant.format(shop.target.name))

    problems = [p for p in shop.verify().problems if "original value" in p]

    assert len(problems) == 1
    assert where in problems[0]


def test_an_original_in_the_options_of_a_foreign_server_is_found(shop: Case) -> None:
    with psycopg.connect(shop.target.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE FOREIGN DATA WRAPPER away")
        admin.execute("CREATE SERVER far FOREIGN DATA WRAPPER away OPTIONS (contact 'theodora7@mail.invalid')")

    problems = [p for p in shop.verify().problems if "original value" in p]

    assert len(problems) == 1
    assert "server far" in problems[0]


def test_an_original_in_json_below_two_domains_is_found(make_database: MakeDatabase) -> None:
    domains = "CREATE DOMAIN d1 AS jsonb; CREATE DOMAIN d2 AS d1; CREATE TABLE deep (id int PRIMARY KEY, doc d2);"
    case = make_case(make_database, domains + SHOP, MASKED)
    case.copy()
    case.execute("""INSERT INTO deep VALUES (1, '{"contact": "theodora7@mail.invalid"}')""")

    problems = [p for p in case.verify().problems if "original value" in p]

    assert problems == [expected(case, "{}.public.deep.doc")]


def test_an_original_in_stale_statistics_is_found(shop: Case) -> None:
    shop.execute("UPDATE orders SET note = 'theodora7@mail.invalid'; ANALYZE orders; UPDATE orders SET note = 'gone'")

    proof = shop.verify()

    assert proof.problems == (expected(shop, "the statistics of {}.public.orders.note"),)


def test_a_literal_in_a_default_is_found_and_the_default_is_named(shop: Case) -> None:
    shop.execute("ALTER TABLE orders ALTER note SET DEFAULT 'Theodora Papadimitriou7'")

    (problem,) = (p for p in shop.verify().problems if "the definition of" in p)  # `shape` tells of it, too

    assert "default value for column note of table public.orders" in problem
    assert "customers.name" in problem


def test_what_a_pool_can_produce_or_a_public_column_holds_is_no_residue(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE people (id int PRIMARY KEY, first text, whole text, city text);
    CREATE TABLE places (name text, shouted text GENERATED ALWAYS AS (name || '') STORED);
    CREATE MATERIALIZED VIEW places_view AS SELECT name FROM places;
    INSERT INTO people SELECT n, 'Michael', 'michael johnson', 'Neverland' FROM generate_series(1, 500) n;
    INSERT INTO places VALUES ('Neverland');
    ALTER TABLE places ADD CHECK (name IN ('Neverland', 'Utopia'));
    REFRESH MATERIALIZED VIEW places_view;
    """
    masked = {"public.people.first": "first_name", "public.people.whole": "full_name", "public.people.city": "city"}
    case = make_case(make_database, script, masked | {"public.places.name": {"strategy": "keep", "public": True}})
    case.copy()
    case.execute("UPDATE people SET first = 'Michael', whole = 'Michael Johnson' WHERE id = 7")

    proof = case.verify()

    assert proof.problems == ()
    assert [c.by_chance for c in proof.columns] == [1, 1, 0]


TOWNS = """
CREATE TABLE people (id int PRIMARY KEY, surname text, city text);
CREATE TABLE products (id int PRIMARY KEY, title text, maker text);
INSERT INTO people SELECT n, 'Zqsurname' || n, 'Zqtown' || n FROM generate_series(1, 40) n;
INSERT INTO products SELECT n, 'Zqtown' || n, 'Zqsurname' || n FROM generate_series(1, {}) n;
"""


@pytest.mark.parametrize(("shared", "titles", "makers"), [(1, False, False), (2, False, False), (4, True, True)])
def test_a_few_common_words_elsewhere_are_a_coincidence_and_many_are_residue(
    make_database: MakeDatabase, shared: int, titles: bool, makers: bool
) -> None:
    masked = {"public.people.surname": "last_name", "public.people.city": "city"}
    case = make_case(make_database, TOWNS.format(shared), masked)
    case.copy()

    proof = case.verify()

    assert any("products.title holds" in problem for problem in proof.problems) == titles
    assert any("products.maker holds" in problem for problem in proof.problems) == makers
    assert [c.by_coincidence for c in proof.columns] == ([0, 0] if titles else [shared, shared])


def test_of_few_people_every_name_counts_and_two_towns_do_not(make_database: MakeDatabase) -> None:
    few = TOWNS.replace("(1, 40)", "(1, 4)").format(2)
    case = make_case(make_database, few, {"public.people.surname": "last_name", "public.people.city": "city"})
    case.copy()

    problems = case.verify().problems

    assert [problem.partition(" of ")[2].rpartition(".")[2] for problem in problems] == ["surname"] * len(problems)
    assert f"{case.plan.database}.public.products.maker holds 2 original values" in problems[0]


def test_a_number_written_as_text_is_found_in_a_column_of_numbers(make_database: MakeDatabase) -> None:
    script = """CREATE TABLE people (id int PRIMARY KEY, phone text, code text);
    CREATE TABLE calls (id int PRIMARY KEY, dialled bigint);
    INSERT INTO people VALUES (1, '302105550123', '123456'); INSERT INTO calls VALUES (1, 302105550123), (123456, 7)"""
    case = make_case(make_database, script, {"public.people.phone": "phone", "public.people.code": "digest"})
    case.copy()

    proof = case.verify()

    assert proof.problems[0] == expected(case, "{}.public.calls.dialled", "public.people.phone")
    assert [(c.searched, c.too_short) for c in proof.columns] == [(1, 0), (0, 1)]


def test_missing_rows_and_changed_objects_are_problems(shop: Case) -> None:
    shop.execute(
        """DELETE FROM orders WHERE id = 1; ALTER TABLE customers DROP CONSTRAINT customers_email_key;
        CREATE INDEX extra ON orders (note)"""
    )

    database = shop.plan.database
    assert shop.verify().problems == (
        f"{database}.public.orders has 19 rows, it must have 20",
        "constraint customers_email_key of public.customers is missing in the target",
        "index public.customers_email_key is missing in the target",
        "index public.extra is not in the source",
    )


@pytest.mark.parametrize("spelling", [KEY.hex(), KEY.hex().upper(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="])
def test_the_masking_key_is_searched_for(shop: Case, spelling: str) -> None:
    shop.execute(f"COMMENT ON TABLE orders IS 'key {spelling}'")

    assert shop.verify().problems == ("the masking key is written in table public.orders",)


def test_equal_verifiers_are_named_and_never_shown(shop: Case) -> None:
    with psycopg.connect(shop.source.admin_dsn) as conn:
        conn.execute("CREATE ROLE alice LOGIN PASSWORD 'one'; CREATE ROLE bob LOGIN PASSWORD 'two'")
    try:
        with psycopg.connect(shop.source.dsn) as conn:
            before = read_verifiers(conn)
        with psycopg.connect(shop.source.admin_dsn) as conn:
            conn.execute("ALTER ROLE alice PASSWORD 'three'")
        with psycopg.connect(shop.source.dsn) as conn:
            after = read_verifiers(conn)
    finally:
        with psycopg.connect(shop.source.admin_dsn) as conn:
            conn.execute("DROP ROLE alice; DROP ROLE bob")

    assert same_verifiers(before, after.without({"neondb_owner"})) == ("bob",)
    assert isinstance(after, Verifiers)
    assert "SCRAM" not in repr(after)
    assert "bob" in repr(after)
