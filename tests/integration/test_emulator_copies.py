"""Roots, schema-only branches and restores of the emulator."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from emulator.server import Tuning, running
from tests.fix_emulator import Api

pytestmark = pytest.mark.postgres

SECRET = "zorvandi.only-in-production@acme-shop.test"


@pytest.fixture
def filled(api: Api) -> Api:
    """A project whose production holds a row, a role made in SQL and statistics."""
    api.sql(
        "production",
        "CREATE ROLE reporting LOGIN PASSWORD 'made-in-sql-1234567890'",
        "CREATE SCHEMA billing",
        'CREATE TABLE billing."Mixed Case" (id int PRIMARY KEY, email text NOT NULL)',
        f"INSERT INTO billing.\"Mixed Case\" SELECT n, '{SECRET}' FROM generate_series(1, 500) n",
        "GRANT SELECT ON ALL TABLES IN SCHEMA billing TO reporting",
        "GRANT CONNECT ON DATABASE neondb TO reporting",
        "ANALYZE",
    )
    return api


def test_a_schema_only_branch_is_a_root_with_the_schema_and_no_row(filled: Api) -> None:
    made = filled.create("shell", init_source="schema-only")

    assert ("parent_id" in made, made["init_source"]) == (False, "schema-only")
    assert filled.sql("shell", 'SELECT count(*) FROM billing."Mixed Case"') == [(0,)]


def test_a_schema_only_branch_holds_no_value_of_its_source_anywhere(filled: Api) -> None:
    made = filled.create("shell", init_source="schema-only")
    endpoint = next(e for e in filled.get("/endpoints")["endpoints"] if e["branch_id"] == made["id"])
    filled.change("POST", f"/endpoints/{endpoint['id']}/suspend")

    files = [f for f in filled.neon.branch_folder(made["id"]).rglob("*") if f.is_file()]

    assert [f for f in files if SECRET.encode() in f.read_bytes()] == []
    assert len(files) > 500


def test_a_schema_only_branch_has_the_roles_owners_and_rights_of_its_source(filled: Api) -> None:
    filled.create("shell", init_source="schema-only")
    queries = [
        "SELECT rolname, rolsuper, rolcreatedb, rolbypassrls, rolcanlogin, rolpassword FROM pg_authid ORDER BY 1",
        "SELECT datname, datdba::regrole::text, datacl::text FROM pg_database ORDER BY 1",
        "SELECT relname, relowner::regrole::text, relacl::text FROM pg_class WHERE relname = 'Mixed Case'",
        "SELECT roleid::regrole::text, member::regrole::text, admin_option FROM pg_auth_members ORDER BY 1, 2",
        "SELECT nspname, nspowner::regrole::text, nspacl::text FROM pg_namespace ORDER BY 1",
    ]

    for query in queries:
        assert filled.sql("production", query) == filled.sql("shell", query)


def test_the_allowance_of_roots_is_kept(api: Api) -> None:
    for n in range(4):  # the plan of the empty project has five
        api.create(f"root-{n}", init_source="schema-only")

    answer = api.send("POST", "/branches", {"branch": {"init_source": "schema-only"}})

    assert (answer.status_code, answer.json()["code"]) == (422, "ROOT_BRANCHES_LIMIT_EXCEEDED")


def test_a_restore_brings_the_sources_rows_and_makes_it_the_parent(filled: Api) -> None:
    dev, other = filled.create("dev"), filled.create("other")
    filled.sql("dev", "CREATE TABLE gone_after_restore (id int)")
    filled.sql("other", "CREATE TABLE from_other (id int)")

    filled.change("POST", f"/branches/{dev['id']}/restore", {"source_branch_id": other["id"]})

    restored = filled.branch("dev")
    tables = "SELECT to_regclass('gone_after_restore')::text, to_regclass('from_other')::text"
    assert filled.sql("dev", tables) == [(None, "from_other")]
    assert (restored["id"], restored["parent_id"]) == (dev["id"], other["id"])
    assert "last_reset_at" in restored
    assert filled.send("DELETE", f"/branches/{other['id']}").status_code == 422


def test_the_state_before_a_restore_can_be_kept_and_takes_the_children(filled: Api) -> None:
    dev, other = filled.create("dev"), filled.create("other")
    filled.sql("dev", "CREATE TABLE before_restore (id int)")
    leaf = filled.create("leaf", parent="dev")
    body = {"source_branch_id": other["id"]}

    refused = filled.send("POST", f"/branches/{dev['id']}/restore", body)
    filled.change("POST", f"/branches/{dev['id']}/restore", body | {"preserve_under_name": "dev_old"})

    kept = filled.branch("dev_old")
    assert (refused.status_code, refused.json()["message"]) == (
        422,
        "Branch has children, preserve_under_name is required",
    )
    assert filled.get(f"/branches/{leaf['id']}")["branch"]["parent_id"] == kept["id"]
    assert kept["parent_id"] == filled.branch("production")["id"]
    filled.change("POST", "/endpoints", {"endpoint": {"branch_id": kept["id"], "type": "read_write"}})
    assert filled.sql("dev_old", "SELECT to_regclass('before_restore')::text") == [("before_restore",)]


def test_a_protected_branch_is_not_restored(api: Api) -> None:
    dev, other = api.create("dev", protected=True), api.create("other")

    answer = api.send("POST", f"/branches/{dev['id']}/restore", {"source_branch_id": other["id"]})

    assert answer.status_code == 422
    assert "protected" in answer.json()["message"]


def test_a_child_of_a_protected_parent_keeps_its_own_password_over_a_reset(api: Api) -> None:
    root = api.branch("production")["id"]
    api.change("PATCH", f"/branches/{root}", {"branch": {"protected": True}})
    dev = api.create("dev")
    before = api.uri("dev")
    api.change("POST", f"/branches/{dev['id']}/roles", {"role": {"name": "only_in_dev"}})
    api.change("POST", f"/branches/{root}/roles", {"role": {"name": "late"}})

    api.change("POST", f"/branches/{dev['id']}/restore", {"source_branch_id": root})

    assert api.uri("dev") == before
    assert api.sql("dev", "SELECT rolname::text FROM pg_roles WHERE rolname IN ('only_in_dev', 'late')") == [("late",)]
    assert api.uri("dev", role="late").split("@")[0] != api.uri("production", role="late").split("@")[0]
    psycopg.connect(api.uri("dev", role="late")).close()


@pytest.mark.parametrize("field", ["source_lsn", "source_timestamp"])
def test_going_back_in_time_is_refused_in_plain_words(api: Api, field: str) -> None:
    dev = api.create("dev")
    moment = {"source_lsn": "0/1DE2850", "source_timestamp": "2026-11-01T00:00:00Z"}[field]
    body = {"source_branch_id": api.branch("production")["id"], field: moment}

    answer = api.send("POST", f"/branches/{dev['id']}/restore", body)

    assert answer.status_code == 422
    assert "cannot go back in time yet" in answer.json()["message"]


def test_postgres_16_projects_branch_too(templates: Path, fresh_folder: Path) -> None:
    seed = fresh_folder / "project.toml"
    seed.write_text(
        '[project]\nname = "sixteen"\npg_version = 16\n'
        '[[branches]]\nname = "production"\ndefault = true\ndatabases = [{ name = "neondb" }]\n'
    )

    with running(fresh_folder, tuning=Tuning(templates=templates)) as neon, Api(neon) as sixteen:
        sixteen.create("dev")
        sixteen.create("shell", init_source="schema-only")
        versions = [sixteen.sql(name, "SHOW server_version_num")[0][0][:2] for name in ("dev", "shell")]

    assert versions == ["16", "16"]
