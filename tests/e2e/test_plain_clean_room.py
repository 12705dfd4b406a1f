"""`sanitize --source --target`: from one plain database into another, the schema included."""

import json
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from tests.fix_plain import ORIGINAL, Desk, execute, rows
from tests.fix_postgres import TestDatabase

MakeDatabase = Callable[[], TestDatabase]

PERSON = "SELECT id, name, email FROM people ORDER BY id"


def test_a_copy_arrives_masked_with_its_schema_and_proof(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase
) -> None:
    target = make_database()

    done = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn, "--json")

    assert done.returncode == 0, done.stderr
    proof = json.loads(done.stdout)["proof"]
    assert (proof["rows"], proof["columns masked"], proof["found"]) == (70, 3, 0)
    assert proof["coverage"].startswith("7/7 columns covered, policy sha256:")
    here, there = rows(shop.dsn, PERSON), rows(target.dsn, PERSON)
    assert [row[0] for row in here] == [row[0] for row in there]
    assert not {row[2] for row in here} & {row[2] for row in there}
    assert rows(target.dsn, "SELECT email FROM domains ORDER BY 1") == sorted((row[2],) for row in there)
    assert rows(target.dsn, "SELECT two(), obj_description('people'::regclass)") == [(2, "it's; who")]
    assert ORIGINAL not in done.stdout + done.stderr


def test_the_same_key_gives_the_same_fakes_and_a_passing_one_others(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase
) -> None:
    first, second, third = make_database(), make_database(), make_database()

    for target, extra in ((first, ()), (second, ("--streams", "1")), (third, ("--ephemeral-key",))):
        done = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn, *extra)
        assert done.returncode == 0, done.stderr

    assert rows(first.dsn, PERSON) == rows(second.dsn, PERSON)
    assert not {r[2] for r in rows(first.dsn, PERSON)} & {r[2] for r in rows(third.dsn, PERSON)}
    assert len(list((desk.folder / "keys").glob("masking-*"))) == 1


def test_a_target_that_holds_anything_is_refused_and_left_alone(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase
) -> None:
    target = make_database()
    execute(target.dsn, "CREATE TYPE mood AS ENUM ('glad')")

    done = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn)

    assert done.returncode == 5
    assert "is not empty (1 type)" in done.stderr
    assert rows(target.dsn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]


def test_a_target_that_is_the_source_by_another_spelling_is_refused(desk: Desk, shop: TestDatabase) -> None:
    same = f"{shop.dsn} application_name=other"

    done = desk.run("sanitize", "--source", shop.dsn, "--target", same, "--schema-exists")

    assert done.returncode == 2
    assert "are one database" in done.stderr
    assert rows(shop.dsn, "SELECT count(*) FROM people WHERE email LIKE 'zq%'") == [(50,)]


def test_a_schema_that_exists_is_filled_and_rows_in_it_are_refused(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase
) -> None:
    target = make_database()
    script = shop.server.binaries.run("pg_dump", "--schema-only", "--no-owner", shop.admin_dsn)
    script = script.replace("CREATE SCHEMA public;", "").replace("ALTER SCHEMA public", "-- ALTER SCHEMA public")
    shop.server.binaries.run("psql", "-X", "-q", target.dsn, script=script)
    command = ("sanitize", "--source", shop.dsn, "--target", target.dsn, "--schema-exists")

    first, second = desk.run(*command), desk.run(*command)

    assert first.returncode == 0, first.stderr
    assert second.returncode == 5
    assert "holds rows" in second.stderr
    assert second.stderr.endswith("\nThe source and the target are as they were.\n")


def test_a_source_that_may_only_be_read_gets_nothing_created_in_it(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase
) -> None:
    target, name = make_database(), sql.Identifier(shop.name)
    with psycopg.connect(shop.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE reader LOGIN PASSWORD 'read'")
        admin.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        admin.execute(sql.SQL("REVOKE TEMP ON DATABASE {} FROM PUBLIC").format(name))
        admin.execute(sql.SQL("ALTER ROLE reader IN DATABASE {} SET default_transaction_read_only = on").format(name))
    source = shop.server.dsn(user="reader", password="read", dbname=shop.name)

    done = desk.run("sanitize", "--source", source, "--target", target.dsn)

    assert done.returncode == 0, done.stderr
    assert "100 original values searched for, 0 found" in done.stdout
    for database, statement in ((target, "DROP OWNED BY reader"), (shop, "DROP OWNED BY reader; DROP ROLE reader")):
        with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
            admin.execute(statement)


def test_privileges_go_along_and_owners_that_this_role_may_not_make_are_told(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase
) -> None:
    target = make_database()
    with psycopg.connect(shop.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE clerk; GRANT SELECT ON people TO clerk; CREATE TABLE theirs (id int)")
        admin.execute("ALTER TABLE theirs OWNER TO clerk; GRANT SELECT ON theirs TO PUBLIC")
    desk.decide((desk.folder / "masking.toml").read_text() + f'[{shop.name}.public.theirs]\nid = "keep"\n')

    done = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn)

    acl = rows(target.dsn, "SELECT relacl::text FROM pg_class WHERE oid = 'people'::regclass")
    for database in (shop, target):
        with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
            admin.execute("DROP OWNED BY clerk")
    with psycopg.connect(shop.admin_dsn, autocommit=True) as admin:
        admin.execute("DROP ROLE clerk")
    assert done.returncode == 0, done.stderr
    assert "clerk=r" in acl[0][0]
    assert 'of "clerk": this role may not do it' in done.stdout


def test_a_drifted_schema_is_refused_with_the_line_to_add(desk: Desk, shop: TestDatabase) -> None:
    execute(shop.dsn, "ALTER TABLE people ADD phone text")

    done = desk.run("plan", "--dsn", shop.dsn)

    assert done.returncode == 5
    assert "7/8 columns covered" in done.stderr
    assert f"{shop.name}.public.people.phone is not covered" in done.stderr
    assert f'[{shop.name}.public.people]\nphone = "phone"' in done.stdout


def test_a_foreign_table_blocks_until_it_is_named(desk: Desk, shop: TestDatabase, make_database: MakeDatabase) -> None:
    with psycopg.connect(shop.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE FOREIGN DATA WRAPPER away; CREATE SERVER far FOREIGN DATA WRAPPER away")
        admin.execute("CREATE FOREIGN TABLE elsewhere (email text) SERVER far; GRANT SELECT ON elsewhere TO PUBLIC")
    policy = (desk.folder / "masking.toml").read_text()

    refused = desk.run("plan", "--dsn", shop.dsn)
    desk.decide(policy + f'[[tables]]\nmatch = "{shop.name}.public.elsewhere"\nrows = "none"\n')
    named = desk.run("plan", "--dsn", shop.dsn)

    assert refused.returncode == 5
    assert f"{shop.name}.public.elsewhere is a foreign table" in refused.stderr
    assert named.returncode == 0, named.stderr


def test_the_password_is_in_no_command_line_and_a_pg_dump_that_is_missing_is_told(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase
) -> None:
    target, tools = make_database(), desk.folder / "bin"
    tools.mkdir()
    real = shop.server.binaries.program("pg_dump")
    (tools / "pg_dump").write_text(f'#!/bin/sh\necho "$@" >> {desk.folder}/seen\nexec {real} "$@"\n')
    (tools / "pg_dump").chmod(0o755)

    done = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn, PATH=f"{tools}:/usr/bin:/bin")

    seen = (desk.folder / "seen").read_text()
    assert done.returncode == 0, done.stderr
    assert "--schema-only" in seen
    assert shop.password not in seen
    assert shop.password not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--source", "what is this", "--target", "x"), 2, "--source is no connection string"),
        (("--source", "host=localhost"), 2, "--source and --target go together"),
        (("--source", "{}", "--target", "{}", "--in-place", "{}"), 2, "not both"),
        (("--source", "{}", "--target", "host=127.0.0.1 port=1 user=me dbname=d"), 4, "127.0.0.1:1/d does not answer"),
        (("--in-place", "{}", "--project", "p"), 2, "leave them out"),
        (("--in-place", "{}", "--policy", "none.toml"), 2, "no masking policy none.toml"),
        (("--in-place", "{}", "--key", "none.key"), 2, "no masking key in none.key"),
        (("--in-place", "{}", "--key", "keys", "--ephemeral-key"), 2, "exclude each other"),
        (("--in-place", "{} password=wrong"), 4, "refuses the password of role neondb_owner"),
        (("--in-place", "{} dbname=nowhere"), 4, "has no such database"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_without_the_password(
    desk: Desk, shop: TestDatabase, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    done = desk.run("sanitize", *(argument.format(shop.dsn) for argument in arguments))

    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert shop.password not in done.stderr
