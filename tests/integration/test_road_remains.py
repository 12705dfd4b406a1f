"""Sequences behind their columns, large objects, leftovers of runs and tools, and the shape of a copy."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sanitizers.proof.roads.large_objects import LargeObjects
from sanitizers.proof.roads.leftovers import Leftovers
from sanitizers.proof.roads.road import Status
from sanitizers.proof.roads.sequences import Sequences
from sanitizers.proof.roads.shape import Shape
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.looked_case import look, look_alone, make_alike, said
from tests.integration.stream_case import Case

MakeOn = Callable[[int], TestDatabase]

SCHEMA = """
CREATE TABLE customers (id serial PRIMARY KEY, email text);
CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int REFERENCES customers, total int);
CREATE SEQUENCE down INCREMENT -1;
CREATE TABLE debts (id int DEFAULT nextval('down') PRIMARY KEY);
CREATE UNLOGGED TABLE cache (id int);
ALTER TABLE orders ADD CHECK (total >= 0);
"""
ROWS = """
INSERT INTO customers (email) SELECT 'theodora' || n || '@mail.invalid' FROM generate_series(1, 20) n;
INSERT INTO orders (customer, total) SELECT n, n FROM generate_series(1, 20) n;
INSERT INTO debts DEFAULT VALUES;
INSERT INTO debts DEFAULT VALUES;
"""
MASKED = {"public.customers.email": "email"}


@pytest.fixture(params=VERSIONS)
def shop(request: pytest.FixtureRequest, make_database_on: MakeOn) -> Case:
    case = make_alike(lambda: make_database_on(request.param), SCHEMA, ROWS, MASKED)
    case.copy()
    return case


def test_sequences_of_a_copy_are_ahead_and_one_that_is_not_is_named(shop: Case) -> None:
    ahead = look(Sequences(), shop)
    shop.execute("SELECT setval('customers_id_seq', 20, false), setval('orders_id_seq', 3), setval('down', -1)")

    behind = look(Sequences(), shop)

    assert (ahead.status, said(ahead)) == (Status.PASS, {"sequences": 3})
    database = shop.plan.database
    assert [problem.partition(":")[0] for problem in behind.problems] == [
        f"sequence {database}.public.customers_id_seq is behind public.customers.id",
        f"sequence {database}.public.down is behind public.debts.id",
        f"sequence {database}.public.orders_id_seq is behind public.orders.id",
    ]


def test_a_sequence_that_is_behind_in_the_source_as_well_is_productions_trouble(shop: Case) -> None:
    for database in (shop.source, shop.target):
        shop.execute("SELECT setval('orders_id_seq', 3)", of=database)

    assert look(Sequences(), shop).status is Status.PASS


def test_large_objects_fail_until_they_are_gone_from_the_pages_too(shop: Case) -> None:
    none = look(LargeObjects(), shop)
    with psycopg.connect(shop.target.dsn) as conn:
        conn.execute("SELECT lo_from_bytea(0, 'a scan of a passport')")

    there = look(LargeObjects(), shop)
    shop.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
    unlinked = look(LargeObjects(), shop)
    with psycopg.connect(shop.target.dsn, autocommit=True) as conn:
        conn.execute("VACUUM pg_largeobject")
    gone = look(LargeObjects(), shop)

    statuses = [found.status.value for found in (none, there, unlinked, gone)]
    assert statuses == ["PASS", "FAIL", "FAIL", "PASS"]
    assert "1 large object (of neondb_owner)" in there.problems[0]
    assert "that were unlinked" in unlinked.problems[0]


@pytest.mark.parametrize(
    ("plant", "what"),
    [
        ("CREATE SCHEMA branchwarden_journal", "schema branchwarden_journal"),
        ("CREATE SCHEMA anon", "schema anon"),
        ("CREATE TABLE _pynonymizer_seed_fake_data (email text)", "of a masking tool"),
        ("CREATE TABLE customers_2024 (email text)", "which the source has not"),
        ("ALTER TABLE debts SET UNLOGGED", "table public.debts, unlogged here alone"),
    ],
)
def test_leftovers_are_named(make_database_on: MakeOn, plant: str, what: str) -> None:
    case = make_alike(lambda: make_database_on(18), SCHEMA, ROWS, MASKED)
    clean = look(Leftovers(), case)
    case.execute(plant)

    found = look(Leftovers(), case)

    assert clean.status is Status.PASS
    assert [what in problem for problem in found.problems] == [True]


def test_a_helper_schema_is_found_without_a_source_and_temporary_tables_cannot_be_read(
    make_database_on: MakeOn,
) -> None:
    database = make_database_on(18)
    with psycopg.connect(database.dsn, autocommit=True) as other:
        other.execute("CREATE TEMP TABLE saved AS SELECT 'somebody' AS name")
        temporary = look_alone(Leftovers(), database)
        other.execute("CREATE SCHEMA anon_funcs")
        found = look_alone(Leftovers(), database)

    assert temporary.status is Status.UNKNOWN
    assert "1 temporary table of other sessions" in temporary.unseen[0]
    assert found.status is Status.FAIL
    assert "DROP SCHEMA anon_funcs CASCADE" in found.problems[0]


def test_a_copy_has_the_shape_of_its_source(shop: Case) -> None:
    found = look(Shape(), shop)

    assert (found.status, found.problems) == (Status.PASS, ())
    assert said(found) == {"tables": 4, "rows": 42, "constraints": 2}


def test_lost_rows_and_constraints_that_are_not_valid_here_alone_are_named(shop: Case) -> None:
    shop.execute("ALTER TABLE orders DROP CONSTRAINT orders_total_check; DELETE FROM debts WHERE id = -1")
    shop.execute("ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0) NOT VALID")

    found = look(Shape(), shop)

    assert found.numbers["not-valid"] == 1
    assert found.problems == (
        f"{shop.plan.database}.public.debts has 1 rows, it must have 2",
        "constraint orders_total_check of public.orders differs from the source's",
    )


def test_what_is_not_valid_in_the_source_may_be_so_in_the_copy(make_database_on: MakeOn) -> None:
    schema = SCHEMA + "ALTER TABLE orders ADD CONSTRAINT small CHECK (total < 1000) NOT VALID;"
    case = make_alike(lambda: make_database_on(18), schema, ROWS, MASKED)
    case.copy()

    found = look(Shape(), case)
    alone = look(Shape(), case, source=False)

    assert (found.status, found.numbers["not-valid"]) == (Status.PASS, 1)
    assert alone.status is Status.UNKNOWN
    assert "whether constraint small of orders was NOT VALID in the source" in alone.unseen


TYPES = """
CREATE TYPE status AS ENUM ('new', 'old');
CREATE DOMAIN amount AS int CHECK (VALUE >= 0);
CREATE TABLE bills (id int GENERATED ALWAYS AS IDENTITY, state status NOT NULL DEFAULT 'new', sum amount,
  twice int GENERATED ALWAYS AS (id * 2) STORED, code varchar(20) COLLATE "C" DEFAULT 'a' || 'b', plain text);
"""


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ("ALTER TABLE bills DROP COLUMN code", ["column code of public.bills is missing in the target"]),
        ("ALTER TABLE bills ADD more int", ["column more of public.bills is not in the source"]),
        ("ALTER TABLE bills ALTER code TYPE varchar(30)", ["column code of public.bills differs from the source's"]),
        ("ALTER TABLE bills ALTER code TYPE varchar(20)", ["column code of public.bills differs from the source's"]),
        ("ALTER TABLE bills ALTER code DROP DEFAULT", ["column code of public.bills differs from the source's"]),
        ("ALTER TABLE bills ALTER state DROP NOT NULL", ["column state of public.bills differs from the source's"]),
        (
            "ALTER TABLE bills ALTER id SET GENERATED BY DEFAULT",
            ["column id of public.bills differs from the source's"],
        ),
        ("ALTER TABLE bills ALTER twice DROP EXPRESSION", ["column twice of public.bills differs from the source's"]),
        (
            "ALTER TABLE bills RENAME plain TO bare",
            [
                "column bare of public.bills is not in the source",
                "column plain of public.bills is missing in the target",
            ],
        ),
        ("ALTER TYPE status ADD VALUE 'Zqfirst124'", ["enum public.status differs from the source's"]),
        ("ALTER DOMAIN amount DROP CONSTRAINT amount_check", ["domain public.amount differs from the source's"]),
        ("CREATE TABLE other (id int)", ["table public.other is not in the source"]),
    ],
)
def test_columns_and_types_must_be_those_of_the_source(
    make_database: Callable[[], TestDatabase], change: str, problems: list[str]
) -> None:
    case = make_alike(make_database, TYPES)
    alike = look(Shape(), case)
    case.execute(change)

    found = look(Shape(), case)

    assert alike.problems == ()
    assert (found.status, list(found.problems)) == (Status.FAIL, problems)
    assert "Zqfirst124" not in repr(found)


def test_schemas_and_functions_that_the_source_has_not_are_leftovers(make_database: Callable[[], TestDatabase]) -> None:
    case = make_alike(make_database, TYPES + "CREATE FUNCTION ours() RETURNS int LANGUAGE sql AS 'SELECT 1';")
    before = look(Leftovers(), case)
    case.execute("CREATE SCHEMA _dump; CREATE FUNCTION anon_fake(int) RETURNS int LANGUAGE sql AS 'SELECT 1'")

    found = look(Leftovers(), case)

    name = case.plan.database
    assert before.status is Status.PASS
    assert found.problems == (
        f"schema _dump, which the source has not, was left behind in {name}: DROP SCHEMA _dump",
        (
            "function public.anon_fake(pg_catalog.int4), which the source has not, was left behind in"
            f" {name}: DROP ROUTINE public.anon_fake(pg_catalog.int4)"
        ),
    )
