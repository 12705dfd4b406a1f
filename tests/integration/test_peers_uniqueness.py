"""Unique columns at the size where other anonymizers' fakes met: see docs/explanation/what-others-met.md."""

from __future__ import annotations

import pytest

from tests.integration.peers_case import Engine, MakeDatabase, both_engines, make_masked

MANY = """
CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE, login varchar(40) UNIQUE, phone varchar(20) UNIQUE,
  name text, number bigint UNIQUE);
INSERT INTO people SELECT n, 'person' || n || '@mail.invalid', 'person' || n, '+30' || n, 'Person ' || n, n
FROM generate_series(1, 100000) n;
CREATE UNIQUE INDEX people_lower ON people (lower(mail));
CREATE UNIQUE INDEX people_some ON people (login) WHERE id % 2 = 0;
"""
MASKED = {
    "public.people.mail": "email",
    "public.people.login": "user_name",
    "public.people.phone": {"strategy": "phone", "digits": 16},
    "public.people.name": {"strategy": "full_name", "unique": True},
    "public.people.number": "digest",
}


@both_engines
def test_a_hundred_thousand_of_each_unique_column_stay_unique(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_masked(make_database, engine, MANY, MASKED)

    counted = ", ".join(f"count(DISTINCT {name})" for name in ("lower(mail)", "login", "phone", "name", "number"))
    assert twins.rows(f"SELECT {counted} FROM people") == [(100_000,) * 5]
    assert twins.rows("SELECT count(*) FROM people WHERE mail ~ 'invalid' OR login ~ '^person'") == [(0,)]
    assert twins.rows("SELECT count(*) FROM pg_index WHERE indisunique AND NOT indisvalid") == [(0,)]


COLLIDING = ("plumless", "buckeroo")  # the same CRC-32, as are the words of every pair below
PAIRS = (COLLIDING, ("codding", "gnu"), ("exhibiters", "schlager"))


@both_engines
@pytest.mark.parametrize("strategy", ["email", "digest", "user_name"])
def test_names_that_meet_in_32_bits_do_not_meet_here(
    make_database: MakeDatabase, engine: Engine, strategy: str
) -> None:
    values = ", ".join(f"('{name}')" for pair in PAIRS for name in pair)
    script = f"CREATE TABLE people (name text UNIQUE); INSERT INTO people VALUES {values}"

    twins = make_masked(make_database, engine, script, {"public.people.name": strategy})

    assert twins.rows("SELECT count(DISTINCT name) FROM people") == [(2 * len(PAIRS),)]
    bits = "SELECT count(*) FROM people WHERE name ~ '[0-9a-f]{16}'"
    assert twins.rows(bits) == [(2 * len(PAIRS),)]


CASES = """
CREATE TABLE people (id int PRIMARY KEY, mail text NOT NULL, deleted boolean NOT NULL);
CREATE UNIQUE INDEX ON people (lower(mail)) WHERE NOT deleted;
CREATE TABLE orders (id int PRIMARY KEY, mail text NOT NULL);
INSERT INTO people VALUES (1, 'Zeb@Mail.invalid', false), (2, 'zeb@mail.invalid', true), (3, 'ZEB@mail.invalid', true),
  (4, 'quux@mail.invalid', false);
INSERT INTO orders VALUES (1, 'zeb@MAIL.invalid'), (2, 'Quux@mail.invalid');
"""


@both_engines
def test_spellings_of_one_address_are_one_person_and_different_ones_two(
    make_database: MakeDatabase, engine: Engine
) -> None:
    twins = make_masked(make_database, engine, CASES, {"public.people.mail": "email", "public.orders.mail": "email"})

    people = "SELECT count(*), count(DISTINCT mail), count(DISTINCT lower(mail)) FROM people"
    assert twins.rows(people) == [(4, 4, 2)]
    assert twins.rows("SELECT count(*) FROM people WHERE mail ~* 'invalid'") == [(0,)]
    joined = "SELECT o.id, p.id FROM orders o JOIN people p ON lower(o.mail) = lower(p.mail) ORDER BY 1, 2"
    assert twins.originals(joined) == twins.rows(joined) == [(1, 1), (1, 2), (1, 3), (2, 4)]
