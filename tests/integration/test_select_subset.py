"""A part of the rows, such that no row refers to one that is not there."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import psycopg
import pytest

from sanitizers.digests import set_key
from sanitizers.errors import PlanError
from sanitizers.plan import compile_plan, draft_plan
from sanitizers.policy import parse_policy
from sanitizers.rules import share_of
from sanitizers.schema import read_schema
from sanitizers.select import counted_select, masked_select

KEY = bytes(range(32))
Rows = dict[str, list[dict[str, Any]]]
Taken = Callable[..., Rows]

SHOP = """
CREATE TABLE countries (code text PRIMARY KEY);
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE, country text REFERENCES countries);
CREATE TABLE orders (customer int REFERENCES customers, number int, PRIMARY KEY (customer, number));
CREATE TABLE items (customer int, number int, line int, PRIMARY KEY (customer, number, line),
  FOREIGN KEY (customer, number) REFERENCES orders);
CREATE TABLE notes (id int, customer int REFERENCES customers);
INSERT INTO countries VALUES ('DE'), ('FR');
INSERT INTO customers SELECT n, n || '@corp.test', 'DE' FROM generate_series(1, 1000) AS n;
INSERT INTO orders SELECT c, n FROM generate_series(1, 1000) AS c, generate_series(1, 2) AS n;
INSERT INTO items SELECT customer, number, l FROM orders, generate_series(1, 2) AS l;
INSERT INTO notes SELECT n, CASE WHEN n % 2 = 0 THEN n END FROM generate_series(1, 1000) AS n;
"""
POLICY = '[[columns]]\nmatch = "*.email"\nstrategy = "email"\n[[columns]]\nmatch = "*"\nstrategy = "keep"\n'
CIRCLE = """
CREATE TABLE teams (id int PRIMARY KEY, lead int {});
CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, boss int REFERENCES people, team int REFERENCES teams);
ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES people;
INSERT INTO teams SELECT n, 1 FROM generate_series(1, 0) AS n;
INSERT INTO people SELECT n, n || '@corp.test', nullif(n - 1, 0) FROM generate_series(1, 500) AS n;
INSERT INTO teams SELECT n, n FROM generate_series(1, 50) AS n;
UPDATE people SET team = 1 + id % 50;
"""


@pytest.fixture
def taken(database: Any) -> Taken:
    def run(ddl: str, policy: str = POLICY, sample: str = "") -> Rows:
        with psycopg.connect(database.dsn) as conn:
            conn.execute(ddl)
            conn.commit()
            plan = compile_plan([read_schema(conn)], parse_policy(f'version = 1\nsample = "{sample}"\n{policy}', "m"))
            set_key(conn, KEY)
            with conn.cursor(row_factory=psycopg.rows.dict_row) as cur:
                found = {t.table.name: cur.execute(masked_select(t)).fetchall() for t in plan.databases[0].tables}
            for table in plan.databases[0].tables:
                assert conn.execute(counted_select(table)).fetchone() == (len(found[table.table.name]),)
            return found

    return run


def test_a_sample_of_the_people_comes_with_all_that_is_theirs_and_nothing_that_is_others(taken: Taken) -> None:
    rows = taken(SHOP, sample="10%")

    customers = {c["id"] for c in rows["customers"]}
    orders = {(o["customer"], o["number"]) for o in rows["orders"]}
    assert 60 < len(customers) < 140
    assert len(rows["countries"]) == 2
    assert orders == {(c, n) for c in customers for n in (1, 2)}
    assert {(i["customer"], i["number"]) for i in rows["items"]} == orders
    assert len(rows["items"]) == 2 * len(orders)
    assert {n["customer"] for n in rows["notes"]} == {None, *(c for c in customers if c % 2 == 0)}


def test_the_same_people_are_in_every_sample_with_the_same_key(taken: Taken) -> None:
    share = 'rows = "10%"'
    by_table = taken(SHOP, f'[[tables]]\nmatch = "customers"\n{share}\n{POLICY}')

    assert 60 < len(by_table["customers"]) < 140
    assert len(by_table["notes"]) < 640


def test_a_condition_takes_along_only_what_refers_to_its_rows(taken: Taken) -> None:
    rows = taken(SHOP, f'[[tables]]\nmatch = "customers"\nrows = "id <= 3"\n{POLICY}')

    assert [c["id"] for c in rows["customers"]] == [1, 2, 3]
    assert len(rows["items"]) == 3 * 2 * 2
    assert len([n for n in rows["notes"] if n["customer"]]) == 1


def test_links_are_followed_like_foreign_keys(taken: Taken, database: Any) -> None:
    ddl = SHOP + "CREATE TABLE mails (address text); INSERT INTO mails SELECT email FROM customers;"
    link = f'[[links]]\nfrom = "{database.name}.public.mails.address"\nto = "{database.name}.public.customers.email"\n'
    rule = '[[columns]]\nmatch = "*.address"\nstrategy = "email"\n'

    rows = taken(ddl, link + rule + POLICY, sample="10%")

    assert {m["address"] for m in rows["mails"]} == {c["email"] for c in rows["customers"]}
    assert len(rows["mails"]) == len(rows["customers"]) < 140


def test_a_circle_is_cut_where_it_may_be_null(taken: Taken) -> None:
    rows = taken(CIRCLE.format(""), sample="20%")

    people, teams = {p["id"]: p for p in rows["people"]}, {t["id"]: t for t in rows["teams"]}
    assert 60 < len(people) < 140
    assert {p["boss"] for p in people.values()} <= {None, *people}
    assert {p["team"] for p in people.values()} <= {None, *teams}
    assert {t["lead"] for t in teams.values()} <= {None, *people}
    assert any(p["boss"] for p in people.values())


def test_a_circle_that_cannot_be_cut_is_refused(taken: Taken) -> None:
    ddl = CIRCLE.format("").replace("boss int", "boss int NOT NULL").replace("nullif(n - 1, 0)", "greatest(n - 1, 1)")

    with pytest.raises(PlanError, match=r"people \(boss\) refers back to tables that refer to it, and is NOT NULL"):
        taken(ddl, sample="20%")


def test_a_sample_of_nobody_is_refused(taken: Taken) -> None:
    with pytest.raises(PlanError, match="no table has a row for each person"):
        taken("CREATE TABLE t (a int)", sample="20%")


@pytest.mark.parametrize(
    ("text", "share"), [("5%", Fraction(1, 20)), ("0.5 %", Fraction(1, 200)), ("0%", None), ("100%", None), ("x", None)]
)
def test_shares_are_percentages(text: str, share: Fraction | None) -> None:
    assert share_of(text) == share


TENANTS = """
CREATE TABLE users (id int PRIMARY KEY, tenant int, email text NOT NULL, UNIQUE (tenant, email));
CREATE TABLE orders (id int PRIMARY KEY, "user" int REFERENCES users, email text);
CREATE TABLE newsletter (email text PRIMARY KEY);
CREATE TABLE towns (name text)
"""


@pytest.mark.parametrize(
    ("rule", "whole"),
    [
        ("", ["public.orders, public.users"]),
        ('[[tables]]\nmatch = "users"\nrows = "5%"\n', []),
        ('[[tables]]\nmatch = "*"\nrows = "all"\n[[tables]]\nmatch = "newsletter"\nrows = "5%"\n', []),
    ],
    ids=["nothing said", "a share of one", "all said"],
)
def test_whoever_is_taken_whole_is_told(database: Any, rule: str, whole: list[str]) -> None:
    policy = parse_policy(f'version = 1\nsample = "5%"\n{rule}{POLICY}', "masking.toml")
    with psycopg.connect(database.dsn) as conn:
        conn.execute(TENANTS)

        notes = draft_plan([read_schema(conn)], policy).notes

    assert [note.partition(" takes ")[2].partition(" whole")[0] for note in notes] == whole
