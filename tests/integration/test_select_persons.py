"""One person per row: which columns belong together, and what each fake is drawn by."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.pools import pool
from sanitizers.schema import read_schema
from sanitizers.select import masked_select
from tests.integration.select_case import Masked, masked

__all__ = ["masked"]

USERS = """
CREATE TABLE users (id int PRIMARY KEY, first_name text, last_name text, whole text, email text UNIQUE, login text,
  phone text, street text, born date);
INSERT INTO users
SELECT n, 'F' || n % 3, 'L' || n % 4, 'F L', 'u' || n || '@corp.test', 'u' || n, '1', '2', '1990-01-01'
FROM generate_series(1, 60) AS n;
INSERT INTO users VALUES (61, 'F1', 'L1', 'F1 L1', NULL, 'x', '1', '2', '1990-01-01');
INSERT INTO users (id) VALUES (62);
"""
POLICY = """
[public.users]
id = "keep"
first_name = "first_name"
last_name = "last_name"
whole = "full_name"
email = "email"
login = "user_name"
phone = "phone"
street = "street"
born = "date_shift"
"""


def handle(first: str, last: str) -> tuple[str, str]:
    return (
        pool("first_handle")[pool("first_name").index(first)],
        pool("last_handle")[pool("last_name").index(last)],
    )


def test_names_login_and_address_of_a_row_are_those_of_one_person(masked: Masked) -> None:
    users = masked(USERS, POLICY)["users"]

    for user in users[:61]:
        first, last = user["first_name"], user["last_name"]
        assert user["whole"] == f"{first} {last}"
        assert tuple(user["login"].split("_")[:2]) == handle(first, last)
        assert user["email"] is None or tuple(user["email"].split(".")[:2]) == handle(first, last)
    assert len({(u["first_name"], u["last_name"]) for u in users[:60]}) > 55
    assert set(users[61].values()) == {62, None}


def test_details_are_the_persons_where_every_row_is_about_another_one(masked: Masked) -> None:
    users = masked(USERS, POLICY)["users"][:60]

    assert len({u["phone"] for u in users}) == 60  # one original
    assert len({u["street"] for u in users}) > 55
    assert len({u["born"] for u in users}) > 40


@pytest.mark.parametrize("by", ["value", "person"])
def test_the_policy_can_say_what_decides(masked: Masked, by: str) -> None:
    ddl = USERS.replace("email text UNIQUE", "email text")

    users = masked(ddl, POLICY.replace('"phone"', f'{{ strategy = "phone", by = "{by}" }}'))["users"][:60]

    assert len({u["phone"] for u in users}) == (1 if by == "value" else 60)


def test_the_same_address_is_the_same_person_in_every_table_however_it_is_spelt(
    masked: Masked,
) -> None:
    ddl = """
    CREATE TABLE people (email text UNIQUE, first_name text);
    CREATE TABLE orders (customer_email varchar(200), billing_name text, other_email text);
    INSERT INTO people VALUES ('Ann@Corp.test', 'Ann'), ('ann@corp.test', 'Ann'), ('ANN@corp.test', 'Ann'),
      ('b@c.d', 'B');
    INSERT INTO orders VALUES ('ANN@Corp.test', 'Ann X', 'b@c.d'), ('b@c.d', 'Bob', 'ANN@corp.test');
    """
    policy = """
    [public.people]
    email = "email"
    first_name = "first_name"
    [public.orders]
    customer_email = "email"
    billing_name = "full_name"
    other_email = "email"
    """

    rows = masked(ddl, policy)

    people, orders = rows["people"], rows["orders"]
    assert len({p["email"] for p in people}) == 4
    assert len({p["email"].lower() for p in people}) == 2
    assert len({p["first_name"] for p in people[:3]}) == 1
    assert orders[0]["customer_email"].lower() == people[1]["email"]
    assert orders[0]["billing_name"].startswith(people[0]["first_name"] + " ")
    assert orders[0]["other_email"] == people[3]["email"] == orders[1]["customer_email"]
    assert orders[1]["other_email"] == people[2]["email"]


def test_blanks_around_an_address_count_to_an_index_but_make_nobody_else(masked: Masked) -> None:
    ddl = """
    CREATE TABLE b (email text, name text); CREATE UNIQUE INDEX ON b (lower(email));
    INSERT INTO b VALUES ('anna@corp.test', 'A'), (' anna@corp.test', 'A'), ('anna@corp.test ', 'A'), (' Bob@x.y', 'B');
    """

    rows = masked(ddl, '[public.b]\nemail = "email"\nname = "full_name"')["b"]

    assert len({row["email"].lower() for row in rows}) == 4
    assert len({row["name"] for row in rows[:3]}) == 1
    assert len({row["email"].lower().rpartition(".")[0].rpartition(".")[0] for row in rows[:3]}) == 1
    assert all(row["email"] == row["email"].strip() for row in rows)


def test_the_policy_can_name_the_key_of_a_person_and_foreign_keys_lead_to_it(
    masked: Masked,
) -> None:
    ddl = """
    CREATE TABLE people (id int PRIMARY KEY, whole text, email text);
    CREATE TABLE addresses (id int, person int REFERENCES people, first_name text, last_name text, street text);
    CREATE TABLE staff (id int PRIMARY KEY, whole text);
    INSERT INTO people SELECT n, 'P' || n, 'p@q.r' FROM generate_series(1, 9) AS n;
    INSERT INTO addresses SELECT n, n, 'A', 'B', 'S' FROM generate_series(1, 9) AS n;
    INSERT INTO staff SELECT n, 'P' || n FROM generate_series(1, 9) AS n;
    """
    policy = """
    [[tables]]
    match = "people"
    person = "id"
    [[tables]]
    match = "addresses"
    person = "person"
    [[tables]]
    match = "staff"
    person = "id"
    [public.people]
    id = "keep"
    whole = "full_name"
    email = "email"
    [public.addresses]
    id = "keep"
    person = "keep"
    first_name = "first_name"
    last_name = "last_name"
    street = "street"
    [public.staff]
    id = "keep"
    whole = "full_name"
    """

    rows = masked(ddl, policy)

    names = [p["whole"] for p in rows["people"]]
    assert [f"{a['first_name']} {a['last_name']}" for a in rows["addresses"]] == names
    assert len(set(names)) == 9
    assert not {s["whole"] for s in rows["staff"]} & set(names)  # other numbers, other people
    assert len({p["email"].split(".")[0] for p in rows["people"]}) > 5
    assert len({a["street"] for a in rows["addresses"]}) == 1  # a person may have several addresses


def test_rows_speak_the_language_of_their_country(masked: Masked) -> None:
    ddl = """
    CREATE TABLE people (country text, last_name text, city text);
    INSERT INTO people SELECT c, n::text, n::text
    FROM generate_series(1, 40) AS n, unnest('{DE,de_DE,jp,US,NULL}'::text[]) AS c;
    """
    policy = """
    [[tables]]
    match = "people"
    locale_column = "country"
    locales = ["de_DE", "ja_JP"]
    [public.people]
    country = "keep"
    last_name = "last_name"
    city = "city"
    """

    people = masked(ddl, policy)["people"]

    locales = {"DE": "de_DE", "de_DE": "de_DE", "jp": "ja_JP", "US": "en_US", None: "en_US"}
    for person in people:
        assert person["city"] in pool("city", locales[person["country"]])
        assert person["last_name"] in pool("last_name", locales[person["country"]])


def test_workers_can_share_the_work(database: Any) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(USERS)
        schema = read_schema(conn)
        text = "version = 1" + POLICY.replace("[public.", f'["{schema.database}".public.')
        table = compile_plan([schema], parse_policy(text, "m")).databases[0].tables[0]
        conn.execute("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0")

        plan = conn.execute(sql.SQL("EXPLAIN {}").format(masked_select(table))).fetchall()

    assert any("Gather" in line for (line,) in plan)


def test_of_several_details_each_is_another_one_but_dates_move_together(masked: Masked) -> None:
    ddl = """
    CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL UNIQUE, home text, mobile text, born date, hired date);
    INSERT INTO people SELECT n, n || '@corp.test', '1' || n, '2' || n, date '1990-01-01' + n, date '2020-01-01' + n
    FROM generate_series(1, 40) AS n;
    """
    policy = """
    [public.people]
    id = "keep"
    email = "email"
    home = "phone"
    mobile = "phone"
    born = "date_shift"
    hired = "date_shift"
    """

    people = masked(ddl, policy)["people"]

    assert not [p for p in people if p["home"] == p["mobile"]]
    assert len({(p["hired"] - p["born"]).days for p in people}) == 1
