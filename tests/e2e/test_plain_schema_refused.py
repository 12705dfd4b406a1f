"""A target that does not take the source's schema: the sentence names the object and what helps."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.fix_plain import POLICY, SHOP, Desk, execute, rows
from tests.fix_postgres import OWNER, TestDatabase

TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"


@pytest.mark.parametrize(
    ("schema", "before"),
    [("public", ""), ("My Tools", f'CREATE SCHEMA IF NOT EXISTS "My Tools" AUTHORIZATION "{OWNER}"; ')],
)
def test_an_extension_that_only_an_administrator_may_make_can_be_made_first(
    schema: str, before: str, desk: Desk, make_database_on: Callable[[int], TestDatabase]
) -> None:
    source, target = make_database_on(16), make_database_on(16)
    execute(source.dsn, f'{SHOP} CREATE SCHEMA IF NOT EXISTS "{schema}"')
    execute(source.admin_dsn, f'CREATE EXTENSION pgstattuple WITH SCHEMA "{schema}"')
    desk.decide(POLICY.format(source.name))
    command = ("sanitize", "--source", source.dsn, "--target", target.dsn)

    refused = desk.run(*command)
    found = rows(target.dsn, TABLES)
    statement = f'{before}CREATE EXTENSION IF NOT EXISTS "pgstattuple" WITH SCHEMA "{schema}"'
    execute(target.admin_dsn, statement)
    done = desk.run(*command)

    assert refused.returncode == 5
    assert "EXTENSION pgstattuple: permission denied to create extension" in refused.stderr
    assert f"An administrator can make it in the empty target first: {statement}" in refused.stderr
    assert found == [(0,)]
    assert done.returncode == 0, done.stderr


def test_an_object_that_only_an_administrator_may_make_is_named(
    desk: Desk, shop: TestDatabase, make_database: Callable[[], TestDatabase]
) -> None:
    target = make_database()
    with psycopg.connect(shop.admin_dsn) as admin:
        admin.execute("CREATE CAST (int AS uuid) WITH INOUT")

    done = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn)

    assert done.returncode == 5
    assert 'CAST (integer AS "uuid"): must be owner of type' in done.stderr
    assert "have an administrator make the target's schema and give --schema-exists" in done.stderr
    assert rows(target.dsn, TABLES) == [(0,)]


@pytest.mark.parametrize("major", [14, 18])
def test_the_comment_of_a_schema_that_is_somebody_elses_is_left_out_and_told(
    major: int, desk: Desk, make_database_on: Callable[[int], TestDatabase]
) -> None:
    source, target = make_database_on(major), make_database_on(major)
    theirs = (
        "ALTER SCHEMA public OWNER TO cloud_admin; GRANT ALL ON SCHEMA public TO PUBLIC"  # as it is by default in 14
    )
    for database in (source, target):
        execute(database.admin_dsn, theirs)
    execute(source.admin_dsn, "COMMENT ON SCHEMA public IS 'Comes FROM crm;'")
    execute(source.dsn, f"{SHOP} CREATE SCHEMA mine; COMMENT ON SCHEMA mine IS 'Told'")
    desk.decide(POLICY.format(source.name))

    done = desk.run("sanitize", "--source", source.dsn, "--target", target.dsn)

    assert done.returncode == 0, done.stderr
    assert (
        'privileges or the like of the comment on SCHEMA "public": this role may not do it' in done.stdout + done.stderr
    )
    assert rows(target.dsn, "SELECT obj_description('mine'::regnamespace, 'pg_namespace')") == [("Told",)]
