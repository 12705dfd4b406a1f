"""Branches of the emulator: what a child sees, what is refused and with which words."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.fix_emulator import Api

pytestmark = pytest.mark.postgres


def in_future(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def refusal(api: Api, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
    answer = api.send(method, path, body)
    return answer.status_code, answer.json()["code"], answer.json()["message"]


def test_a_child_sees_its_parents_rows_and_keeps_its_own_to_itself(api: Api) -> None:
    api.sql("production", "CREATE TABLE t (n int)", "INSERT INTO t VALUES (1)")

    dev = api.create("dev")
    api.sql("dev", "INSERT INTO t VALUES (2)")

    assert api.sql("dev", "SELECT n FROM t ORDER BY n") == [(1,), (2,)]
    assert api.sql("production", "SELECT n FROM t") == [(1,)]
    assert re.fullmatch(r"[0-9A-F]+/[0-9A-F]+", dev["parent_lsn"])


def test_a_branch_made_while_its_parent_is_written_to_is_consistent(api: Api) -> None:
    api.sql("production", "CREATE TABLE a (n int)", "CREATE TABLE b (n int)")
    with psycopg.connect(api.uri("production")) as conn:
        conn.execute("INSERT INTO a VALUES (1)")
        conn.execute("INSERT INTO b VALUES (1)")
        conn.commit()
        conn.execute("INSERT INTO a VALUES (2)")

        api.create("dev")

        conn.execute("INSERT INTO b VALUES (2)")

    assert api.sql("dev", "SELECT count(*), (SELECT count(*) FROM b) FROM a") == [(1, 1)]


def test_creating_answers_at_once_and_locks_the_project_until_it_is_done(api: Api) -> None:
    answer = api.send("POST", "/branches", {"branch": {"name": "dev"}, "endpoints": [{"type": "read_write"}]})
    locked = refusal(api, "POST", "/branches", {"branch": {"name": "other"}})
    api.settle()

    assert answer.status_code == 201
    body = answer.json()
    assert (body["branch"]["current_state"], body["branch"]["pending_state"]) == ("init", "ready")
    assert [(o["action"], o["status"]) for o in body["operations"]] == [
        ("create_branch", "running"),
        ("start_compute", "scheduling"),
    ]
    assert locked == (
        423,
        "",
        "project already has running conflicting operations, scheduling of new ones is prohibited",
    )
    done = api.branch("dev")
    assert (done["current_state"], "pending_state" in done) == ("ready", False)


def test_a_branch_without_a_name_is_called_by_its_id_and_comes_from_the_default_one(api: Api) -> None:
    made = api.change("POST", "/branches")

    assert made["branch"]["name"] == made["branch"]["id"]
    assert made["branch"]["parent_id"] == api.branch("production")["id"]
    assert made["endpoints"] == []


def test_children_of_an_unprotected_parent_share_its_password(api: Api) -> None:
    api.create("dev")

    assert api.uri("dev").split("@")[0] == api.uri("production").split("@")[0]
    assert api.sql("dev", "SELECT 1") == [(1,)]


def test_children_of_a_protected_parent_get_passwords_of_their_own(api: Api) -> None:
    parent = api.branch("production")["id"]
    api.change("PATCH", f"/branches/{parent}", {"branch": {"protected": True}})

    api.create("dev")

    assert api.uri("dev").split("@")[0] != api.uri("production").split("@")[0]
    assert api.sql("dev", "SELECT 1") == [(1,)]
    parents = psycopg.conninfo.conninfo_to_dict(api.uri("production"))["password"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(api.uri("dev"), password=parents)


def test_an_annotation_is_kept_and_shown_in_both_ways(api: Api) -> None:
    api.change("POST", "/branches", {"branch": {"name": "dev"}, "annotation_value": {"github-pr-number": "7"}})
    branch_id = api.branch("dev")["id"]

    listed = api.get("/branches")["annotations"]
    shown = api.get(f"/branches/{branch_id}")["annotation"]

    assert {branch_id: {"github-pr-number": "7"}} == {k: v["value"] for k, v in listed.items()}
    assert shown["object"] == {"type": "console/branch", "id": branch_id}


def test_two_branches_cannot_have_one_name(api: Api) -> None:
    status, _, message = refusal(api, "POST", "/branches", {"branch": {"name": "production"}})

    assert (status, message) == (409, "branch already exists")


def test_a_parent_cannot_be_deleted_and_its_children_are_named(api: Api) -> None:
    middle, leaf = api.create("middle"), api.create("leaf", parent="middle")

    refused = refusal(api, "DELETE", f"/branches/{middle['id']}")

    assert refused == (422, "", f"cannot delete branch that has children: {leaf['id']}")


def test_the_default_branch_the_initial_root_and_protected_ones_stay(api: Api) -> None:
    root, dev = api.branch("production")["id"], api.create("dev")["id"]
    of_default = refusal(api, "DELETE", f"/branches/{root}")
    api.change("POST", f"/branches/{dev}/set_as_default")
    of_root = refusal(api, "DELETE", f"/branches/{root}")
    other = api.create("other", protected=True)["id"]
    of_protected = refusal(api, "DELETE", f"/branches/{other}")

    assert [of_default[0], of_root[0], of_protected[0]] == [422, 422, 422]
    assert "default" in of_default[2]
    assert "root" in of_root[2]
    assert "protected" in of_protected[2]


def test_deleting_removes_computes_and_data_and_may_be_repeated(api: Api) -> None:
    dev = api.create("dev")
    data = api.neon.branch_folder(dev["id"])
    assert data.exists()

    first = api.send("DELETE", f"/branches/{dev['id']}")
    api.settle()
    second = api.send("DELETE", f"/branches/{dev['id']}")

    assert (first.status_code, first.json()["branch"]["name"], second.status_code) == (200, "dev", 204)
    assert not data.exists()
    assert [e["branch_id"] for e in api.get("/endpoints")["endpoints"]] == [api.branch("production")["id"]]


def test_an_update_changes_what_it_names_and_nothing_else(api: Api) -> None:
    dev = api.create("dev", expires_at=in_future(days=2))

    answer = api.change("PATCH", f"/branches/{dev['id']}", {"branch": {"name": "dev/new"}})
    cleared = api.change("PATCH", f"/branches/{dev['id']}", {"branch": {"expires_at": None}})

    assert (answer["branch"]["name"], answer["branch"]["expires_at"]) == ("dev/new", dev["expires_at"])
    assert answer["operations"] == []
    assert "expires_at" not in cleared["branch"]


def test_a_refused_update_changes_nothing(api: Api) -> None:
    dev = api.create("dev")

    status, _, _ = refusal(
        api, "PATCH", f"/branches/{dev['id']}", {"branch": {"name": "new", "expires_at": in_future(days=31)}}
    )

    assert status == 400
    assert api.branch("dev")["id"] == dev["id"]


def test_default_protected_and_parent_branches_cannot_expire(api: Api) -> None:
    middle = api.create("middle")
    api.create("leaf", parent="middle")
    locked = api.create("locked", protected=True)
    change = {"branch": {"expires_at": in_future(hours=1)}}

    refused = [
        refusal(api, "PATCH", f"/branches/{b['id']}", change) for b in (api.branch("production"), middle, locked)
    ]

    assert [r[0] for r in refused] == [422, 422, 422]
    assert [word in r[2] for word, r in zip(("default", "children", "protected"), refused, strict=True)] == [True] * 3


def test_an_expiring_branch_can_have_no_child(api: Api) -> None:
    short = api.create("short", expires_at=in_future(hours=1))

    status, _, message = refusal(api, "POST", "/branches", {"branch": {"parent_id": short["id"]}})

    assert status == 422
    assert "expiration" in message


def test_a_branch_past_its_date_is_deleted_with_its_data(api: Api) -> None:
    body = {"branch": {"name": "short", "expires_at": in_future(seconds=2)}, "endpoints": [{"type": "read_write"}]}
    branch_id = api.send("POST", "/branches", body).json()["branch"]["id"]

    wait_until_gone(api, branch_id)

    assert not api.neon.branch_folder(branch_id).exists()
    assert len(api.get("/endpoints")["endpoints"]) == 1


def test_pages_hold_every_branch_once(api: Api) -> None:
    names = {"production", *(api.create(f"dev/{n}")["name"] for n in range(4))}

    pages, cursor = [], {}
    while True:
        page = api.get("/branches", limit=2, sort_by="name", sort_order="asc", **cursor)
        pages.append([b["name"] for b in page["branches"]])
        if "next" not in page["pagination"]:
            break
        cursor = {"cursor": page["pagination"]["next"]}

    assert pages == [sorted(names)[:2], sorted(names)[2:4], sorted(names)[4:]]


def test_branches_are_found_by_part_of_the_name_and_counted(api: Api) -> None:
    api.create("dev/alice")

    assert [b["name"] for b in api.get("/branches", search="alice")["branches"]] == ["dev/alice"]
    assert api.get("/branches/count") == {"count": 2}


def test_a_list_that_cannot_be_is_refused(api: Api) -> None:
    wrong = [{"limit": "0"}, {"limit": "x"}, {"limit": "10001"}, {"sort_by": "size"}, {"cursor": "%"}]

    answers = [api.http.get(f"{api.project}/branches", params=params) for params in wrong]

    assert [a.status_code for a in answers] == [400] * len(wrong)


def test_what_is_not_there_is_not_found(api: Api) -> None:
    root = api.branch("production")["id"]
    paths = {
        "/branches/br-no-such-12345678": "branch not found",
        f"/branches/{root}/roles/nobody": "role not found",
        f"/branches/{root}/databases/nothing": "database not found",
        f"/branches/{root}/schema?db_name=nothing": "database not found",
        "/endpoints/ep-no-such-12345678": "endpoint not found",
        "/operations/00000000-0000-0000-0000-000000000000": "operation not found",
    }

    answers = {path: api.send("GET", path) for path in paths}

    assert {p: a.json()["message"] for p, a in answers.items()} == paths
    assert {a.status_code for a in answers.values()} == {404}
    assert api.http.get("/projects/no-such-1").json()["message"] == "project not found"


def test_without_the_key_nothing_is_answered(api: Api) -> None:
    answers = [api.http.get("/projects", headers={"Authorization": h}) for h in ("", "Bearer napi_wrong", "Basic x")]

    assert [a.status_code for a in answers] == [401, 401, 401]
    assert {"request_id", "code", "message"} == set(answers[0].json())


def test_a_body_of_the_wrong_shape_is_refused_by_field(api: Api) -> None:
    status, _, message = refusal(api, "POST", "/branches", {"branch": {"name": 7}})

    assert status == 400
    assert "branch.name" in message


def test_the_request_id_of_the_client_comes_back(api: Api) -> None:
    answer = api.http.get("/projects/no-such-1", headers={"X-Request-ID": "mine"})

    assert answer.json()["request_id"] == "mine"


def wait_until_gone(api: Api, branch_id: str) -> None:
    end = time.monotonic() + 20
    while branch_id in {b["id"] for b in api.get("/branches")["branches"]}:
        assert time.monotonic() < end, "the branch outlives its date"
        time.sleep(0.05)
    api.settle()
