"""What real databases have that made a run fail once, each in its smallest form."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sanitizers.errors import CopyFailedError
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import RewriteCase
from tests.integration.stream_case import dump, make_case

MakeDatabase = Callable[[], TestDatabase]


def test_rows_that_break_a_check_not_yet_valid_are_copied(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE readings (id int, value int, later int GENERATED ALWAYS AS (value * 2) STORED);
    INSERT INTO readings VALUES (1, 60), (2, 1);
    ALTER TABLE readings ADD CONSTRAINT small CHECK (value < 50) NOT VALID, ADD CHECK (later < 99) NOT VALID;
    """
    case = make_case(make_database, script)
    before = dump(case.target)

    case.copy()

    assert before == dump(case.target)
    assert case.rows("SELECT value, later FROM readings ORDER BY id") == [(60, 120), (1, 2)]
    assert case.verify().problems == ()


def test_columns_that_a_dump_puts_in_another_order_get_their_own_values(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE parents (a text);
    CREATE TABLE children (z text) INHERITS (parents);
    ALTER TABLE parents ADD COLUMN late text;
    INSERT INTO children (a, z, late) VALUES ('of a', 'of z', 'of late');
    """
    case = make_case(make_database, script)

    case.copy()

    assert case.rows("SELECT a, z, late FROM children") == [("of a", "of z", "of late")]
    assert case.verify().problems == ()


def test_definitions_survive_a_date_style_of_the_database(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE visits (day date CHECK (day > '2001-02-03'), at timestamptz DEFAULT '2004-05-06 07:08+00');
    CREATE INDEX recent ON visits (day) WHERE day > '2003-02-01';
    INSERT INTO visits VALUES ('2005-06-07');
    """
    case = make_case(make_database, script)
    for database, style in ((case.source, "SQL, DMY"), (case.target, "Postgres, MDY")):
        with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE {database.name} SET datestyle = '{style}'".encode())
    before = dump(case.target)

    case.copy()

    assert before == dump(case.target)
    assert case.rows("SELECT to_char(day, 'YYYY-MM-DD') FROM visits") == [("2005-06-07",)]
    assert case.verify().problems == ()


def test_statistics_about_expressions_alone_are_searched(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE people (name text, born int);
    CREATE STATISTICS longer ON (name || 'x'), (born + 1) FROM people;
    INSERT INTO people SELECT 'Theodora Papadimitriou ' || n % 3, n % 3 FROM generate_series(1, 300) n;
    """
    case = make_case(make_database, script, {"public.people.name": "full_name"})

    case.copy()

    assert case.verify().problems == ()


SHADOWED = """
CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT '\\x00'::bytea $$;
CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;
CREATE TABLE people (id int PRIMARY KEY, name text, email text);
INSERT INTO people VALUES (1, 'Zeno Quist', 'Zeno@Corp.invalid'), (2, 'Ada Quux', 'ada@corp.invalid');
"""


@pytest.mark.parametrize("engine", ["clean room", "in place"])
def test_functions_of_the_user_are_not_called_in_the_place_of_postgres_own(
    engine: str, make_database: MakeDatabase
) -> None:
    case = make_case(make_database, SHADOWED, {"public.people.name": "full_name", "public.people.email": "email"})
    for database in (case.source, case.target):
        with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE {database.name} SET search_path = public, pg_catalog".encode())

    if engine == "clean room":
        case.copy()
        assert case.verify().problems == ()
    else:
        RewriteCase(case.source, case.plan).rewrite()

    written = case.target if engine == "clean room" else case.source
    assert case.rows("SELECT count(DISTINCT email) FROM people WHERE email ~* '@example[.]'", of=written) == [(2,)]


def without_encoding(database: TestDatabase) -> TestDatabase:
    """Make it anew as SQL_ASCII."""
    with psycopg.connect(database.server.dsn(), autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {database.name}".encode())
        plain = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        conn.execute(f"CREATE DATABASE {database.name} OWNER {database.owner} {plain}".encode())
    return database


def test_a_database_without_an_encoding_is_masked(make_database: MakeDatabase) -> None:
    script = """
    SET client_encoding = 'UTF8';
    CREATE TABLE people (id int PRIMARY KEY, name text, kept text);
    INSERT INTO people VALUES (1, 'Zoë Ångström', 'naïve');
    """
    case = make_case(lambda: without_encoding(make_database()), script, {"public.people.name": "full_name"})

    case.copy()

    kept = "SELECT encode(kept::bytea, 'hex'), name ~ '^Zo' FROM people"
    assert case.rows(kept) == [("naïve".encode().hex().encode(), False)]
    assert case.verify().problems == ()


DOMAIN = """
CREATE DOMAIN few AS int CHECK (VALUE IN (1, 2));
CREATE TABLE counts (n few);
INSERT INTO counts VALUES (1);
"""
LEAF = """
CREATE TABLE numbers (id int, n int CHECK (n < 1000)) PARTITION BY LIST (id);
CREATE TABLE numbers_1 PARTITION OF numbers FOR VALUES IN (1);
INSERT INTO numbers VALUES (1, 7);
"""


@pytest.mark.parametrize(
    ("script", "column", "named"),
    [(DOMAIN, "public.counts.n", "domain public.few"), (LEAF, "public.numbers.n", "table public.numbers_1")],
)
def test_a_value_that_a_check_refuses_is_neither_told_nor_logged(
    script: str, column: str, named: str, make_database: MakeDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    case = make_case(make_database, script, {column: "digest"})

    with pytest.raises(CopyFailedError, match=named) as caught:
        case.copy()

    assert "Failing" not in caplog.text
    assert "failing" not in caplog.text
    assert "COPY" not in caplog.text
    assert "row contains" not in f"{caught.value}"
