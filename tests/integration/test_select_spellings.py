"""Spellings of an address or name are one person everywhere; a row without its person's key is still somebody."""

from __future__ import annotations

import hashlib
import json
import unicodedata

import psycopg
import pytest
from psycopg import sql

from sanitizers.digests import set_key
from sanitizers.folding import caseless, folded_bytes, small_letters
from tests.fix_postgres import TestDatabase
from tests.integration.select_case import Masked, masked
from tests.integration.value_case import Masker

__all__ = ["masked"]

PARTS = unicodedata.normalize("NFD", "José@x.de")
KEYLESS = """
CREATE TABLE people (id int PRIMARY KEY, login text, first_name text NOT NULL, phone text NOT NULL);
INSERT INTO people VALUES (1, NULL, 'Ann', '1'), (2, NULL, 'Bob', '1'), (3, 'ann', 'Ann', '1');
CREATE TABLE pets (shelter int, chip int, owner_name text NOT NULL);
INSERT INTO pets VALUES (NULL, NULL, 'Ann'), (NULL, NULL, 'Bob'), (NULL, NULL, 'Ann');
"""


def test_capitals_and_accents_of_one_address_are_one_person(masked: Masked) -> None:
    ddl = f"""
    CREATE TABLE people (id serial, email text UNIQUE, name text);
    INSERT INTO people (email, name)
    VALUES ('josé@x.de', 'A'), ('José@x.de', 'A'), ('JOSÉ@X.DE', 'A'), ('{PARTS}', 'A'), ('jose@x.de', 'B');
    """

    people = masked(ddl, '[public.people]\nid = "keep"\nemail = "email"\nname = "full_name"')["people"]

    emails = [row["email"] for row in people]
    assert len(set(emails)) == 5
    assert len({row["name"] for row in people[:4]}) == 1
    assert len({email.lower() for email in emails[:3]}) == 1
    assert emails[0].lower() == emails[0]
    assert len({".".join(email.lower().split(".")[:2]) for email in emails[:4]}) == 1
    assert emails[3].lower() != emails[0]  # to an index on lower(email) it is another one
    assert people[4]["name"] != people[0]["name"]


def test_names_are_folded_likewise(masked: Masked) -> None:
    ddl = f"""
    CREATE TABLE names (name text);
    INSERT INTO names VALUES ('Jörg ÖZIL'), ('{unicodedata.normalize("NFD", "jörg Özil")}'), ('Йод Ёж'), ('йод ёж');
    """

    names = [row["name"] for row in masked(ddl, '[public.names]\nname = "full_name"')["names"]]

    assert names[0] == names[1]
    assert names[2] == names[3] != names[0]


def test_the_table_of_small_letters_is_the_same_with_every_python() -> None:
    written = json.dumps(small_letters(), sort_keys=True).encode()

    assert hashlib.sha256(written).hexdigest() == "614345363fa29342afcf9caabac5180a7e9dd4d77092995c061b20247765d6fa"
    assert {"É": "é", "Ω": "ω", "Ж": "ж", "Ấ": "ấ"}.items() <= small_letters().items()


def test_every_letter_of_the_table_is_folded_alone_and_in_a_text(database: TestDatabase) -> None:
    small = small_letters()
    texts = [*small, f" A{''.join(small)}b", "ÉÉ Ωé", unicodedata.normalize("NFD", "ÉΩé"), "Ann"]
    expected = [*small.values(), f"a{''.join(small.values())}b", "éé ωé", "éωé", "ann"]
    query = sql.SQL("SELECT {} FROM unnest(%s::text[]) WITH ORDINALITY AS u (v, n) ORDER BY n")

    with psycopg.connect(database.dsn) as conn:
        set_key(conn, bytes(32))
        rows = conn.execute(query.format(folded_bytes(sql.Identifier("v"))), (texts,)).fetchall()
        alike = conn.execute(query.format(caseless(sql.Identifier("v"))), (texts,)).fetchall()

    assert [row[0].decode() for row in rows] == expected
    assert [row[0] for row in alike] == [False] * len(texts)


def test_small_letters_beyond_ascii_are_caseless(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        set_key(conn, bytes(32))
        query = sql.SQL("SELECT {}").format(caseless(sql.SQL("'josé, ωж 1'::text")))

        assert conn.execute(query).fetchone() == (True,)


def test_people_without_a_login_are_not_one_person(masked: Masked) -> None:
    policy = """
    [[tables]]
    match = "people"
    person = "login"
    [public.people]
    id = "keep"
    login = "user_name"
    first_name = "first_name"
    phone = { strategy = "phone", by = "person" }
    """

    people = masked(KEYLESS, policy + '[public.pets]\nshelter = "keep"\nchip = "keep"\nowner_name = "keep"')["people"]

    assert all(row["first_name"] and row["phone"] for row in people)
    assert len({row["phone"] for row in people}) == 3


def test_rows_without_any_part_of_their_persons_key_are_drawn_by_what_they_say(masked: Masked) -> None:
    policy = """
    [[tables]]
    match = "pets"
    person = ["shelter", "chip"]
    [public.pets]
    shelter = "keep"
    chip = "keep"
    owner_name = "full_name"
    [public.people]
    id = "keep"
    login = "keep"
    first_name = "keep"
    phone = "keep"
    """

    ann, bob, ann_again = (row["owner_name"] for row in masked(KEYLESS, policy)["pets"])

    assert ann == ann_again != bob


def test_people_without_anything_that_names_them_are_told_apart_by_their_row(masked: Masked) -> None:
    ddl = """
    CREATE TABLE visits (id int PRIMARY KEY, person int, phone text NOT NULL);
    INSERT INTO visits VALUES (1, NULL, '1'), (2, NULL, '1'), (3, 7, '1'), (4, 7, '1');
    """
    policy = """
    [[tables]]
    match = "visits"
    person = "person"
    [public.visits]
    id = "keep"
    person = "keep"
    phone = { strategy = "phone", by = "person" }
    """

    phones = [row["phone"] for row in masked(ddl, policy)["visits"]]

    assert len(set(phones[:3])) == 3
    assert phones[2] == phones[3]


def test_shifts_by_a_column_are_those_of_the_table_that_it_leads_to(masked: Masked) -> None:
    ddl = """
    CREATE TABLE people (id int PRIMARY KEY, born date);
    CREATE TABLE orders (person int REFERENCES people, day date);
    CREATE TABLE machines (id int PRIMARY KEY, built date);
    INSERT INTO people SELECT n, '1990-01-01' FROM generate_series(1, 9) AS n;
    INSERT INTO orders SELECT n, '1990-01-01' FROM generate_series(1, 9) AS n;
    INSERT INTO machines SELECT n, '1990-01-01' FROM generate_series(1, 9) AS n;
    """
    shift = '{{ strategy = "date_shift", per = ["{}"] }}'.format
    policy = f"""
    [public.people]
    id = "keep"
    born = {shift("id")}
    [public.orders]
    person = "keep"
    day = {shift("person")}
    [public.machines]
    id = "keep"
    built = {shift("id")}
    """

    rows = masked(ddl, policy)

    born = [row["born"] for row in rows["people"]]
    assert [row["day"] for row in rows["orders"]] == born
    assert [row["built"] for row in rows["machines"]] != born


def test_a_key_that_is_a_login_elsewhere_can_be_given_its_name(masked: Masked) -> None:
    ddl = """
    CREATE TABLE people (email text, name text);
    CREATE TABLE letters (to_whom text, name text);
    INSERT INTO people VALUES ('Ann@x.y', 'A');
    INSERT INTO letters VALUES ('ann@x.y', 'A');
    """
    policy = """
    [[tables]]
    match = "letters"
    person = "to_whom"
    person_of = "email"
    [public.people]
    email = "email"
    name = "full_name"
    [public.letters]
    to_whom = "null"
    name = "full_name"
    """

    rows = masked(ddl, policy)

    assert rows["letters"][0]["name"] == rows["people"][0]["name"]


def test_the_same_login_is_the_same_person_wherever_it_is_the_login_that_decides(masked: Masked) -> None:
    ddl = """
    CREATE TABLE a (email text UNIQUE, login text);
    CREATE TABLE b (login text);
    CREATE TABLE c (email text, who text, login varchar(99));
    CREATE TABLE d (number int, who text, login text);
    CREATE TABLE e (who text);
    INSERT INTO a VALUES (NULL, 'carlx'), ('x@y.z', 'other');
    INSERT INTO b VALUES ('carlx');
    INSERT INTO c VALUES (NULL, 'Carl', 'carlx'), (NULL, 'Carl', NULL);
    INSERT INTO d VALUES (NULL, 'Carl', 'carlx'), (NULL, NULL, NULL);
    INSERT INTO e VALUES ('CARL');
    """
    policy = """
    [[tables]]
    match = "d"
    person = "number"
    [public.a]
    email = "email"
    login = "user_name"
    [public.b]
    login = "user_name"
    [public.c]
    email = "email"
    who = "full_name"
    login = "user_name"
    [public.d]
    number = "keep"
    who = "full_name"
    login = "user_name"
    [public.e]
    who = "full_name"
    """

    rows = masked(ddl, policy)

    [login] = {rows[name][0]["login"] for name in "abcd"}
    [who] = {rows[name][0]["who"] for name in "cd"}
    assert login.split("_")[:2] == [name.lower() for name in who.split(" ")]
    assert rows["c"][1]["who"] == rows["e"][0]["who"] != who
    assert rows["d"][1] == {"number": None, "who": None, "login": None}


def test_people_of_whom_nothing_but_a_name_is_known_have_details_where_it_is_null(masked: Masked) -> None:
    ddl = "CREATE TABLE p (name text, phone text NOT NULL); INSERT INTO p VALUES (NULL, '1'), (NULL, '2'), ('A', '1');"

    rows = masked(ddl, '[public.p]\nname = "last_name"\nphone = { strategy = "phone", by = "person" }')["p"]

    assert len({row["phone"] for row in rows} - {None}) == 3


@pytest.mark.parametrize("strategy", ["first_name", "last_name", "full_name"])
def test_spellings_of_a_name_stay_apart_where_a_key_counts_on_them(database: TestDatabase, strategy: str) -> None:
    names = ["Anna", "ANNA", "anna", " Anna"]
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        fakes = Masker(conn)("text", strategy, names, unique=True)

    assert len(set(fakes)) == len(names)
    assert len({fake.rpartition(" ")[0] for fake in fakes}) == 1
