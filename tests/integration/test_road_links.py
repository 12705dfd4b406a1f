"""What leads out of a copy is named, with the statement that takes it away; and that statement works."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.proof.connections import connection_strings
from sanitizers.proof.roads.links import Links
from sanitizers.proof.roads.road import Found, Status
from sanitizers.schema import read_schema
from sanitizers.trial import try_plan
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.looked_case import look_alone, said

MakeOn = Callable[[int], TestDatabase]

FAR = """
CREATE EXTENSION postgres_fdw;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'db.example.com', dbname 'shop');
CREATE FOREIGN TABLE away (id int) SERVER far;
"""
MAPPING = "CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'app', password 'hunter2hunter2')"
FUNCTION = """CREATE FUNCTION fetched() RETURNS text LANGUAGE sql AS
$$ SELECT 'host=db.example.com dbname=shop password=hunter2hunter2' $$"""
VIEW = "CREATE VIEW address AS SELECT 'postgresql://app:hunter2hunter2@db.example.com/shop' AS uri"
SUBSCRIPTION = """CREATE SUBSCRIPTION follow CONNECTION 'host=127.0.0.1 port=1 dbname=shop' PUBLICATION p
WITH (connect = false, slot_name = NONE)"""
JOBS = "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid int, active bool)"
JOBS += "; INSERT INTO cron.job VALUES (7, true), (8, false); GRANT USAGE ON SCHEMA cron TO PUBLIC"


def run(database: TestDatabase, *statements: str) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement.encode())


def remedies(found: Found) -> list[str]:
    return [problem.partition("leads out of the copy: ")[2] for problem in found.problems]


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (MAPPING, "user-mappings"),
        (FUNCTION, "connection-strings"),
        (VIEW, "connection-strings"),
        (SUBSCRIPTION, "subscriptions"),
    ],
)
@pytest.mark.parametrize("major", VERSIONS)
def test_what_leads_out_fails_until_its_remedy_is_run(
    make_database_on: MakeOn, major: int, plant: str, kind: str
) -> None:
    database = make_database_on(major)
    run(database, FAR, plant)

    found = look_alone(Links(), database)
    run(database, *(s for remedy in remedies(found) for s in remedy.split("; ")))
    cured = look_alone(Links(), database)

    assert found.status is Status.FAIL
    assert (found.numbers[kind], found.numbers["leading-out"]) == (1, 1)
    assert "hunter2" not in repr(found)
    assert "example.com" not in repr(found)
    assert cured.status is Status.PASS
    assert cured.numbers[kind] == 0


def tried(database: TestDatabase, allowed: str = "") -> tuple[str, ...]:
    with psycopg.connect(database.dsn) as conn:
        schema = read_schema(conn)
        text = f'version = 1\n{allowed}\n["{schema.database}".public.people]\nid = "permute"\n'
        (plan,) = compile_plan([schema], parse_policy(text, "masking.toml")).databases
        conn.rollback()
        return try_plan(conn, plan)


def test_a_connection_string_is_told_beforehand_unless_the_policy_allows_it(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    run(database, FUNCTION, "CREATE TABLE people (id int); ALTER TABLE people OWNER TO neondb_owner")

    (problem,) = tried(database)
    with psycopg.connect(database.dsn) as conn:
        (name,) = connection_strings(conn)

    assert f"there is a connection string in {name}: whoever has the copy could reach that server" in problem
    assert "hunter2" not in problem
    assert tried(database, f'allow_connections = ["{name}"]') == ()
    assert tried(database, 'allow_connections = ["function *"]') == ()
    assert tried(database, 'allow_connections = ["view *"]') == (problem,)


def test_a_server_whose_tables_nobody_can_read_is_counted_alone(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    run(database, FAR)

    found = look_alone(Links(), database)

    assert (found.status, said(found)) == (Status.PASS, {"foreign-servers": 1})


def test_foreign_tables_that_need_no_mapping_lead_out(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    run(database, "CREATE EXTENSION file_fdw", "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw")
    run(database, "CREATE FOREIGN TABLE lines (line text) SERVER files OPTIONS (filename '/nowhere')")

    found = look_alone(Links(), database)

    assert remedies(found) == ["DROP SERVER files CASCADE"]


def test_active_cron_jobs_are_named(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    run(database, *JOBS.split("; "))

    found = look_alone(Links(), database)

    assert remedies(found) == ["SELECT cron.unschedule(7)"]


def test_jobs_that_the_role_may_not_read_leave_it_unknown_and_the_rest_is_looked_at(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    run(database, *JOBS.split("; "), "REVOKE pg_read_all_data FROM neon_superuser")
    try:
        found = look_alone(Links(), database)
    finally:
        run(database, "GRANT pg_read_all_data TO neon_superuser")

    assert found.status is Status.UNKNOWN
    assert found.unseen == ("the cron jobs (SQLSTATE 42501)",)


def test_publications_and_event_triggers_lead_nowhere_by_themselves_and_are_counted(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    function = "CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'"
    trigger = "CREATE EVENT TRIGGER telling ON ddl_command_end EXECUTE FUNCTION told()"
    run(database, "CREATE PUBLICATION everything FOR ALL TABLES", function, trigger)

    found = look_alone(Links(), database)

    assert (found.status, said(found)) == (Status.PASS, {"publications": 1, "event-triggers": 1})


def test_words_that_only_look_like_settings_are_no_connection_string(make_database_on: MakeOn) -> None:
    database = make_database_on(18)
    run(database, "CREATE VIEW users AS SELECT rolname AS host FROM pg_roles WHERE rolname = 'password'")
    run(database, "COMMENT ON VIEW users IS 'the host = somebody who invites'")

    assert look_alone(Links(), database).status is Status.PASS
