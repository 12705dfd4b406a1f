"""What a plan says beside its columns, although nothing in it is wrong."""

from __future__ import annotations

import psycopg
import pytest

from sanitizers.notes import find_notes
from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from tests.fix_postgres import TestDatabase

LOGINS = """
CREATE TABLE users (email text UNIQUE, login text UNIQUE);
CREATE TABLE visits (login text);
CREATE TABLE letters (login text);
"""
POLICY = """
[public.users]
email = "email"
login = "user_name"
[public.visits]
login = "user_name"
[public.letters]
login = "user_name"
"""


def notes_of(database: TestDatabase, ddl: str, policy: str) -> list[str]:
    """The notes, without the database's name."""
    with psycopg.connect(database.dsn) as conn:
        conn.execute(ddl)
        schema = read_schema(conn)
    text = policy.replace("[public.", f'["{schema.database}".public.').replace("DB.", f"{schema.database}.")
    notes = find_notes(compile_plan([schema], parse_policy(f"version = 1\n{text}", "masking.toml")))
    return [note.replace(f"{schema.database}.", "DB.") for note in notes]


def test_a_login_that_no_longer_joins_is_told_with_the_link_to_add(database: TestDatabase) -> None:
    [note] = notes_of(database, LOGINS, POLICY)

    assert note == (
        "DB.public.users.login is drawn by its row's person and DB.public.letters.login (and 1 more) by itself, so that"
        " the same login gets different fakes: where they are joined, add [[links]] with"
        ' from = "DB.public.letters.login" and to = "DB.public.users.login"'
    )


def test_linked_logins_and_those_of_tables_without_addresses_need_no_word(database: TestDatabase) -> None:
    links = "".join(
        f'[[links]]\nfrom = "DB.public.{table}.login"\nto = "DB.public.users.login"\n'
        for table in ("visits", "letters")
    )

    assert notes_of(database, LOGINS, links + POLICY) == []


def test_logins_that_all_decide_need_no_word(database: TestDatabase) -> None:
    assert notes_of(database, LOGINS, POLICY.replace('"email"', '"null"')) == []


def test_numbers_that_a_strategy_in_a_document_cannot_read_are_told(database: TestDatabase) -> None:
    policy = '[public.t]\ndoc = { strategy = "json", paths = { id = "digest", pay = "noise", mail = "email" } }'

    notes = notes_of(database, "CREATE TABLE t (doc jsonb)", policy)

    told = "numbers with decimals or of more than 18 digits become null at id (digest), which cannot read them"
    assert notes == [f"DB.public.t.doc: {told}"]


NUMBERS = """
CREATE TABLE patients (id int PRIMARY KEY, email text UNIQUE, phone {type}, mobile text, ssn text);
CREATE TABLE claims (id int PRIMARY KEY, patient_phone text, patient_ssn text);
CREATE TABLE calls (phone text);
"""
NUMBERS_POLICY = """
[public.patients]
id = "keep"
email = "email"
phone = {phone}
mobile = "phone"
ssn = {ssn}
[public.claims]
id = "keep"
patient_phone = "phone"
patient_ssn = {{ strategy = "national_id", country = "us" }}
[public.calls]
phone = "phone"
"""
OF_PERSONS = {"phone": '"phone"', "ssn": '{ strategy = "national_id", country = "us" }'}
OF_VALUES = {
    "phone": '{ strategy = "phone", by = "value" }',
    "ssn": '{ strategy = "national_id", country = "us", by = "value" }',
}


def test_equal_numbers_that_get_different_fakes_are_told_once_with_the_lines_to_add(database: TestDatabase) -> None:
    notes = notes_of(database, NUMBERS.format(type="text"), NUMBERS_POLICY.format(**OF_PERSONS))

    phones, ids = notes
    assert phones == (
        "DB.public.patients.phone is drawn by its row's person and DB.public.calls.phone (and 1 more) by itself, so"
        " that equal telephone numbers get different fakes: where they are joined, add [[links]] with"
        ' from = "DB.public.calls.phone" and to = "DB.public.patients.phone",'
        ' or by = "value" to each that is drawn by a person'
    )
    assert ids == (
        "DB.public.patients.ssn is drawn by its row's person and DB.public.claims.patient_ssn by itself, so that"
        " equal national ids get different fakes: where they are joined, add [[links]] with"
        ' from = "DB.public.claims.patient_ssn" and to = "DB.public.patients.ssn",'
        ' or by = "value" to each that is drawn by a person'
    )


def test_numbers_that_are_linked_or_drawn_by_themselves_need_no_word(database: TestDatabase) -> None:
    links = "".join(
        f'[[links]]\nfrom = "DB.public.{child}"\nto = "DB.public.patients.{parent}"\n'
        for child, parent in (("calls.phone", "phone"), ("claims.patient_ssn", "ssn"))
    )

    assert notes_of(database, NUMBERS.format(type="text"), NUMBERS_POLICY.format(**OF_VALUES)) == []
    assert notes_of(database, "", links + NUMBERS_POLICY.format(**OF_PERSONS)) == []


def test_numbers_of_other_types_or_countries_or_drawn_by_one_key_need_no_word(database: TestDatabase) -> None:
    other = {"phone": '"phone"', "ssn": '{ strategy = "national_id", country = "fi" }'}
    people = "CREATE TABLE leads (email text UNIQUE, phone text); CREATE TABLE users (email text UNIQUE, phone text)"
    policy = '[public.leads]\nemail = "email"\nphone = "phone"\n[public.users]\nemail = "email"\nphone = "phone"\n'

    assert notes_of(database, NUMBERS.format(type="bigint"), NUMBERS_POLICY.format(**other)) == []
    assert notes_of(database, f"DROP TABLE patients, claims, calls; {people}", policy) == []


def test_numbers_drawn_by_persons_of_other_keys_are_told(database: TestDatabase) -> None:
    ddl = "CREATE TABLE a (email text UNIQUE, phone text); CREATE TABLE b (login text UNIQUE, phone text)"
    policy = '[public.a]\nemail = "email"\nphone = "phone"\n[public.b]\nlogin = "user_name"\nphone = "phone"\n'

    [note] = notes_of(database, ddl, policy)

    assert "DB.public.a.phone is drawn by its row's person and DB.public.b.phone by another key of its row, so" in note
    assert 'add [[links]] with from = "DB.public.b.phone" and to = "DB.public.a.phone", or by = "value"' in note


@pytest.mark.parametrize(
    ("type_", "strategy", "part"),
    [
        ("text[]", '"phone"', ""),
        ("jsonb", '{ strategy = "json", paths = { "a[*].tel" = "phone" } }', " (a[*].tel)"),
        ("contact", '{ strategy = "composite", attributes = { tel = "phone" } }', " (tel)"),
        ("text", '{ strategy = "list", of = "phone" }', ""),
    ],
)
def test_numbers_inside_values_are_drawn_by_themselves_and_cannot_be_linked(
    database: TestDatabase, type_: str, strategy: str, part: str
) -> None:
    ddl = (
        f"CREATE TYPE contact AS (tel text); CREATE TABLE a (email text UNIQUE, phone text); CREATE TABLE b (c {type_})"
    )
    policy = f'[public.a]\nemail = "email"\nphone = "phone"\n[public.b]\nc = {strategy}\n'

    note = notes_of(database, ddl, policy)[0]

    assert note == (
        f"DB.public.a.phone is drawn by its row's person and DB.public.b.c{part} by itself, so that equal telephone"
        ' numbers get different fakes: where they are joined, add by = "value" to each that is drawn by a person'
    )


def test_what_python_does_to_many_rows_is_told_with_its_time(database: TestDatabase) -> None:
    ddl = """
    CREATE TABLE tickets AS SELECT n, 'a ' || n AS body, 'b' AS seal FROM generate_series(1, 200000) AS n;
    ANALYZE tickets
    """
    policy = '[public.tickets]\nn = "keep"\nbody = "scrub"\nseal = "encrypt"\n'

    [note] = notes_of(database, ddl, policy)

    assert note == (
        "DB.public.tickets: scrub and encrypt of about 200,000 rows are done in Python, which takes about 3 min"
    )


def test_what_python_does_to_a_few_rows_needs_no_word(database: TestDatabase) -> None:
    ddl = "CREATE TABLE tickets (body text); INSERT INTO tickets VALUES ('a'); ANALYZE tickets"

    assert notes_of(database, ddl, '[public.tickets]\nbody = "scrub"\n') == []


def test_rows_that_are_left_out_are_told(database: TestDatabase) -> None:
    ddl = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (n int); CREATE TABLE c (n int); CREATE TABLE d (n int)"
    policy = """
[public.a]
id = "permute"
[public.b]
n = "keep"
[public.c]
n = "keep"
[public.d]
n = "keep"
[[tables]]
match = "public.a"
rows = "5%"
[[tables]]
match = "public.b"
rows = "n < 7"
[[tables]]
match = "public.c"
rows = "none"
[[tables]]
match = "public.d"
rows = "none"
"""

    assert notes_of(database, ddl, policy) == [
        "no row is taken of DB.public.c, DB.public.d",
        "DB.public.a: of its rows are taken 5%",
        "DB.public.b: of its rows are taken those where n < 7",
    ]
