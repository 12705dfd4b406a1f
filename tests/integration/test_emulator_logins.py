"""Roles, databases, computes and the door to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from emulator.server import Tuning, running
from tests.fix_emulator import Api

pytestmark = pytest.mark.postgres


def role_path(api: Api, role: str = "neondb_owner", branch: str = "production") -> str:
    return f"/branches/{api.branch(branch)['id']}/roles/{role}"


def endpoint_of(api: Api, branch: str) -> str:
    branch_id = api.branch(branch)["id"]
    return str(api.get(f"/branches/{branch_id}/endpoints")["endpoints"][0]["id"])


def refused(uri: str) -> str:
    with pytest.raises(psycopg.OperationalError) as error:
        psycopg.connect(uri)
    return str(error.value)


def test_the_password_that_is_revealed_opens_the_branch(api: Api) -> None:
    password = api.get(f"{role_path(api)}/reveal_password")["password"]

    assert conninfo_to_dict(api.uri("production"))["password"] == password
    assert password.startswith("npg_")
    assert api.sql("production", "SELECT current_user, session_user") == [("neondb_owner", "neondb_owner")]


def test_a_reset_password_opens_this_branch_alone(api: Api) -> None:
    api.create("dev")
    before = api.uri("production")

    answer = api.change("POST", f"{role_path(api)}/reset_password")

    assert answer["role"]["password"] == conninfo_to_dict(api.uri("production"))["password"]
    assert [o["action"] for o in answer["operations"]] == ["apply_config"]
    assert "password authentication failed" in refused(before)
    assert api.sql("production", "SELECT 1") == api.sql("dev", "SELECT 1") == [(1,)]


def test_a_reset_ends_the_sessions_of_the_role(api: Api) -> None:
    with psycopg.connect(api.uri("production")) as conn:
        api.change("POST", f"{role_path(api)}/reset_password")

        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")


def test_a_role_made_by_the_api_is_as_neon_makes_it(api: Api) -> None:
    path = role_path(api).removesuffix("/neondb_owner")
    made = api.change("POST", path, {"role": {"name": "app"}})["role"]

    with psycopg.connect(api.uri("production", role="app")) as conn:
        row = conn.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication, rolinherit, "
            "pg_has_role('neon_superuser', 'member') FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert row == (False, True, True, True, True, True, True)
    assert made["password"] == api.get(f"{path}/app/reveal_password")["password"]


def test_a_role_made_in_sql_is_unknown_to_the_api(api: Api) -> None:
    api.sql("production", "CREATE ROLE reporting LOGIN PASSWORD 'x'")

    assert [r["name"] for r in api.get(role_path(api).removesuffix("/neondb_owner"))["roles"]] == ["neondb_owner"]
    assert api.send("GET", role_path(api, "reporting")).status_code == 404


def test_a_role_without_login_has_no_password_to_reveal(api: Api) -> None:
    path = role_path(api).removesuffix("/neondb_owner")
    api.change("POST", path, {"role": {"name": "group", "no_login": True}})

    assert api.send("GET", f"{path}/group/reveal_password").status_code == 412


def test_roles_come_once_and_go(api: Api) -> None:
    path = role_path(api).removesuffix("/neondb_owner")
    api.change("POST", path, {"role": {"name": "app"}})

    twice = api.send("POST", path, {"role": {"name": "app"}})
    owner = api.send("DELETE", f"{path}/neondb_owner")
    api.change("DELETE", f"{path}/app")
    again = api.send("DELETE", f"{path}/app")

    assert (twice.status_code, owner.status_code, again.status_code) == (409, 422, 204)
    assert api.sql("production", "SELECT count(*) FROM pg_roles WHERE rolname = 'app'") == [(0,)]


def test_a_database_made_by_the_api_belongs_to_its_owner(api: Api) -> None:
    path = f"/branches/{api.branch('production')['id']}/databases"

    api.change("POST", path, {"database": {"name": "Second one", "owner_name": "neondb_owner"}})

    with psycopg.connect(api.uri("production", database="Second one")) as conn:
        conn.execute("CREATE TABLE t (id int)")
    assert [d["name"] for d in api.get(path)["databases"]] == ["neondb", "Second one"]
    assert api.get(f"{path}/Second one")["database"]["owner_name"] == "neondb_owner"


def test_an_unknown_and_a_disabled_endpoint_are_refused_by_name(api: Api) -> None:
    uri, endpoint = api.uri("production"), endpoint_of(api, "production")
    assert "could not be found" in refused(uri.replace(endpoint, "ep-no-such-12345678"))
    assert "Endpoint ID is not specified" in refused(uri.split("?")[0])

    api.change("PATCH", f"/endpoints/{endpoint}", {"endpoint": {"disabled": True}})
    disabled = refused(uri)
    api.change("PATCH", f"/endpoints/{endpoint}", {"endpoint": {"disabled": False}})

    assert "The endpoint has been disabled" in disabled
    assert api.sql("production", "SELECT 1") == [(1,)]


def test_the_superuser_cannot_come_through_the_door(api: Api) -> None:
    uri = make_conninfo(api.uri("production"), user="cloud_admin")

    assert 'role "cloud_admin" is not permitted to log in' in refused(uri)


def test_a_suspended_branch_wakes_on_connection(api: Api) -> None:
    endpoint = endpoint_of(api, "production")
    api.sql("production", "CREATE TABLE t AS SELECT 7 AS n")
    assert api.get(f"/endpoints/{endpoint}")["endpoint"]["current_state"] == "active"

    api.change("POST", f"/endpoints/{endpoint}/suspend")
    asleep = api.get(f"/endpoints/{endpoint}")["endpoint"]
    rows = api.sql("production", "SELECT n FROM t")

    assert (asleep["current_state"], "suspended_at" in asleep) == ("idle", True)
    assert rows == [(7,)]


def test_an_idle_branch_falls_asleep_and_a_used_one_does_not(templates: Path) -> None:
    tuning = Tuning(templates=templates, idle=0.4, housekeeping=0.05)
    with running(tuning=tuning) as neon, Api(neon) as api:
        api.create("dev")
        used, unused = endpoint_of(api, "production"), endpoint_of(api, "dev")
        api.sql("dev", "SELECT 1")
        with psycopg.connect(api.uri("production")) as conn:
            wait_until(lambda: state(api, unused) == "idle")
            time.sleep(0.6)

            assert state(api, used) == "active"
            assert conn.execute("SELECT 1").fetchone() == (1,)
        wait_until(lambda: state(api, used) == "idle")


def test_a_running_statement_can_be_cancelled_through_the_door(api: Api) -> None:
    with psycopg.connect(api.uri("production")) as conn:
        timer = threading.Timer(0.3, conn.cancel_safe)
        timer.start()
        began = time.monotonic()

        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute("SELECT pg_sleep(30)")

        timer.join()
    assert time.monotonic() - began < 10


def test_a_running_copy_can_be_cancelled_through_the_door(api: Api) -> None:
    with psycopg.connect(api.uri("production")) as conn:
        timer = threading.Timer(0.3, conn.cancel_safe)
        timer.start()

        with (
            pytest.raises(psycopg.errors.QueryCanceled),
            conn.cursor().copy("COPY (SELECT n, pg_sleep(0.001) FROM generate_series(1, 1000000) n) TO STDOUT") as copy,
        ):
            for _ in copy:
                pass

        timer.join()


def test_a_big_copy_passes_through_whole(api: Api) -> None:
    with psycopg.connect(api.uri("production")) as conn, conn.cursor() as cursor:
        cursor.execute("CREATE TABLE big AS SELECT n, md5(n::text) AS t FROM generate_series(1, 200000) n")
        with cursor.copy("COPY big TO STDOUT") as copy:
            size = sum(len(chunk) for chunk in copy)

    assert size > 7_000_000


def test_only_one_compute_writes_to_a_branch(api: Api) -> None:
    branch_id = api.branch("production")["id"]

    second = api.send("POST", "/endpoints", {"endpoint": {"branch_id": branch_id, "type": "read_write"}})
    reader = api.change("POST", "/endpoints", {"endpoint": {"branch_id": branch_id, "type": "read_only"}})

    assert (second.status_code, second.json()["message"]) == (409, "read-write endpoint already exists")
    assert reader["endpoint"]["type"] == "read_only"


def test_a_compute_is_deleted_once_and_its_branch_stays(api: Api) -> None:
    api.create("dev")
    endpoint = endpoint_of(api, "dev")

    api.change("DELETE", f"/endpoints/{endpoint}")

    assert api.send("DELETE", f"/endpoints/{endpoint}").status_code == 204
    assert api.get(f"/branches/{api.branch('dev')['id']}/endpoints") == {"endpoints": []}


def test_ids_have_the_shape_that_neonctl_expects(api: Api) -> None:
    ids = [api.branch("production")["id"], endpoint_of(api, "production")]

    assert [i.split("-")[0] for i in ids] == ["br", "ep"]
    assert [len(i.split("-")) for i in ids] == [4, 4]


def state(api: Api, endpoint: str) -> str:
    return str(api.get(f"/endpoints/{endpoint}")["endpoint"]["current_state"])


def wait_until(what: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
