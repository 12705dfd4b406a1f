"""A database that puts its own functions, operators and types before Postgres' own is masked like any other."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from tests.fix_plain import ORIGINAL, SHOP, Desk, execute, rows
from tests.fix_postgres import TestDatabase

SHADOWS = """
CREATE FUNCTION public.lower(pg_catalog.text) RETURNS pg_catalog.text LANGUAGE sql IMMUTABLE AS $$ SELECT 'zq' $$;
CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT '\\x00'::bytea $$;
CREATE FUNCTION public.btrim(pg_catalog.text) RETURNS pg_catalog.text LANGUAGE sql IMMUTABLE AS $$ SELECT 'zq' $$;
CREATE FUNCTION public.hashtextextended(pg_catalog.text, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
  AS $$ SELECT 7::bigint $$;
CREATE FUNCTION public.never(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE sql IMMUTABLE
  AS $$ SELECT false $$;
CREATE FUNCTION public.current_setting(pg_catalog.text, boolean) RETURNS pg_catalog.text LANGUAGE sql STABLE
  AS $$ SELECT repeat('00', 32) $$;
CREATE OPERATOR public.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = public.never);
CREATE DOMAIN public.text AS pg_catalog.text CHECK (false);
"""
POLICY = """version = 1
reviewed_by = "Ada"
reviewed_on = 2026-11-21
[{0}.public.people]
id = "keep"
name = "full_name"
email = {{ strategy = "email", keep_if = "substr(name, 1, 7) >= 'Zqfirst' AND id < 3" }}
joined = "date_shift"
[{0}.public.notes]
id = "keep"
person = "keep"
body = {{ strategy = "sql", expression = "left(value, 3)" }}
"""
PERSON = "SELECT id, name::varchar, email::varchar, joined FROM people ORDER BY id"


@pytest.fixture
def twins(make_database: Callable[[], TestDatabase]) -> tuple[TestDatabase, TestDatabase]:
    """Two databases with the same rows; the second's own objects come first."""
    plain, shadowed = make_database(), make_database()
    for database in (plain, shadowed):
        execute(database.dsn, SHOP)
    execute(shadowed.dsn, SHADOWS)
    path = sql.SQL("ALTER DATABASE {} SET search_path = public, pg_catalog")
    with psycopg.connect(shadowed.admin_dsn, autocommit=True) as admin:
        admin.execute(path.format(sql.Identifier(shadowed.name)))
    return plain, shadowed


def test_objects_before_those_of_postgres_change_no_fake_and_no_proof(
    desk: Desk, twins: tuple[TestDatabase, TestDatabase], make_database: Callable[[], TestDatabase]
) -> None:
    results = []
    for database in twins:
        desk.decide(POLICY.format(database.name))
        target = make_database()
        copied = desk.run("sanitize", "--source", database.dsn, "--target", target.dsn, "--json")
        masked = desk.run("sanitize", "--in-place", database.dsn, "--yes", "--json")
        assert (copied.returncode, masked.returncode) == (0, 0), copied.stderr + masked.stderr
        assert rows(target.dsn, PERSON) == rows(database.dsn, PERSON)
        results.append(rows(database.dsn, PERSON))

    assert results[0] == results[1]
    assert sum(ORIGINAL in row[2] for row in results[0]) == 2


def test_an_original_left_is_found_there(
    desk: Desk, twins: tuple[TestDatabase, TestDatabase], make_database: Callable[[], TestDatabase]
) -> None:
    shadowed, target = twins[1], make_database()
    execute(shadowed.dsn, "UPDATE notes SET body = 'zq7@zq-original.test' WHERE id = 1")
    desk.decide(POLICY.format(shadowed.name).replace('{ strategy = "sql", expression = "left(value, 3)" }', '"keep"'))

    done = desk.run("sanitize", "--source", shadowed.dsn, "--target", target.dsn)

    assert done.returncode == 5
    assert "public.notes.body holds 1 original value of" in done.stderr
