"""What a plan says beside its columns, although nothing in it is wrong."""

from __future__ import annotations

import psycopg

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
