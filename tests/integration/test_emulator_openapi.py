"""Every answer of the emulator against Neon's published schema: neither the client's word nor ours."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.fix_emulator import Api

PLACE = Path(os.environ.get("BRANCHWARDEN_OPENAPI", Path(__file__).parents[3] / "shared" / "neon" / "openapi.json"))
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(  # the document is Neon's and not ours to ship, so a clone by itself has none
        not PLACE.exists(), reason="Neon's OpenAPI document is not here: name it in BRANCHWARDEN_OPENAPI"
    ),
]


class Contract:
    """Neon's OpenAPI document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        resource = Resource.from_contents(_nullable(document), default_specification=DRAFT202012)
        self._registry = Registry().with_resource("urn:neon", resource)

    def check(self, answer: httpx.Response, route: str) -> list[str]:
        """Give what is wrong with an answer, a line each. `route` is a path of the document."""
        method = answer.request.method.lower()
        responses = self._document["paths"][route][method]["responses"]
        known = str(answer.status_code) if str(answer.status_code) in responses else "default"
        pointer = f"urn:neon#/paths/{route.replace('~', '~0').replace('/', '~1')}/{method}/responses/{known}"
        response = self._registry.resolver().lookup(pointer).contents
        while "$ref" in response:
            response = self._registry.resolver().lookup(f"urn:neon{response['$ref']}").contents
        if "content" not in response:
            return [] if not answer.content else [f"{method} {route}: a body where none is promised"]
        schema = _absolute(response["content"]["application/json"]["schema"])
        validator = Draft202012Validator(schema, registry=self._registry, format_checker=FormatChecker())
        return [f"{method} {route}: {e.json_path}: {e.message}" for e in validator.iter_errors(answer.json())]


def _nullable(node: Any) -> Any:
    """Write OpenAPI 3.0's `nullable` as JSON Schema does."""
    if isinstance(node, list):
        return [_nullable(n) for n in node]
    if not isinstance(node, dict):
        return node
    fields = {k: _nullable(v) for k, v in node.items()}
    if fields.get("nullable") is True and isinstance(fields.get("type"), str):
        fields["type"] = [fields["type"], "null"]
    return fields


def _absolute(node: Any) -> Any:
    """Point local references at the document."""
    if isinstance(node, list):
        return [_absolute(n) for n in node]
    if not isinstance(node, dict):
        return node
    return {k: f"urn:neon{v}" if k == "$ref" else _absolute(v) for k, v in node.items()}


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(json.loads(PLACE.read_text(encoding="utf-8")))


class Checked:
    """Sends requests and keeps what the contract says against the answers."""

    def __init__(self, api: Api, contract: Contract) -> None:
        self.api = api
        self.contract = contract
        self.wrong: list[str] = []

    def send(self, method: str, route: str, body: Any = None, query: str = "", **names: str) -> Any:
        """Send a request to a path of the document and check its answer."""
        filled = route.format(project_id=self.api.neon.project_ids[0], **names)
        answer = self.api.http.request(method, f"{filled}{query}", json=body)
        self.wrong += self.contract.check(answer, route)
        self.api.settle()
        return answer.json() if answer.content else None


P = "/projects/{project_id}"
B = P + "/branches/{branch_id}"
E = P + "/endpoints/{endpoint_id}"
R = B + "/roles/{role_name}"


def test_what_is_read_has_neons_shape(api: Api, contract: Contract) -> None:
    api.sql("production", "CREATE TABLE t (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)")
    api.sql("production", "CREATE TABLE u (id int REFERENCES t, name text UNIQUE)")
    api.change("POST", "/branches", {"branch": {"name": "dev"}, "annotation_value": {"a": "b"}})
    checked = Checked(api, contract)
    names = {"branch_id": api.branch("production")["id"], "role_name": "neondb_owner", "database_name": "neondb"}
    operation = api.get("/operations")["operations"][0]["id"]
    endpoint = api.get("/endpoints")["endpoints"][0]["id"]

    for route in ("/projects", "/projects/shared", "/auth", "/users/me", "/users/me/organizations", P):
        checked.send("GET", route)
    for route in (f"{P}/branches", f"{P}/branches/count", f"{P}/endpoints", f"{P}/operations"):
        checked.send("GET", route)
    for route in (B, f"{B}/endpoints", f"{B}/roles", f"{B}/databases", R, f"{R}/reveal_password"):
        checked.send("GET", route, **names)
    checked.send("GET", f"{B}/databases/{{database_name}}", **names)
    checked.send("GET", B, branch_id=api.branch("dev")["id"])
    checked.send("GET", E, endpoint_id=endpoint)
    checked.send("GET", f"{P}/operations/{{operation_id}}", operation_id=operation)
    checked.send("GET", f"{B}/schema", query="?db_name=neondb", **names)
    tables = checked.send("GET", f"{B}/schema", query="?db_name=neondb&format=json", **names)
    checked.send("GET", f"{P}/connection_uri", query="?database_name=neondb&role_name=neondb_owner")

    assert checked.wrong == []
    assert [t["name"] for t in tables["json"]["tables"]] == ["t", "u"]


def test_what_is_changed_answers_in_neons_shape(api: Api, contract: Contract) -> None:
    checked = Checked(api, contract)
    root = api.branch("production")["id"]
    new = {"endpoints": [{"type": "read_write"}], "annotation_value": {"a": "b"}}
    dev = checked.send("POST", f"{P}/branches", {"branch": {"name": "dev"}} | new)
    shell = checked.send("POST", f"{P}/branches", {"branch": {"init_source": "schema-only"}} | new)
    names = {"branch_id": dev["branch"]["id"], "endpoint_id": dev["endpoints"][0]["id"]}

    checked.send("PATCH", B, {"branch": {"name": "dev/new", "expires_at": None}}, **names)
    checked.send("POST", f"{B}/restore", {"source_branch_id": root}, **names)
    checked.send("POST", f"{B}/set_as_default", **names)
    checked.send("POST", f"{B}/roles", {"role": {"name": "app"}}, **names)
    checked.send("POST", f"{R}/reset_password", role_name="app", **names)
    checked.send("DELETE", R, role_name="app", **names)
    checked.send("DELETE", R, role_name="app", **names)
    checked.send("POST", f"{B}/databases", {"database": {"name": "more", "owner_name": "neondb_owner"}}, **names)
    for verb in ("start", "suspend", "restart"):
        checked.send("POST", f"{E}/{verb}", **names)
    checked.send("PATCH", E, {"endpoint": {"disabled": True}}, **names)
    checked.send("DELETE", E, **names)
    checked.send("DELETE", E, **names)
    checked.send("POST", f"{P}/endpoints", {"endpoint": {"branch_id": dev["branch"]["id"], "type": "read_write"}})
    checked.send("DELETE", B, branch_id=shell["branch"]["id"])
    checked.send("DELETE", B, branch_id=shell["branch"]["id"])

    assert checked.wrong == []
    assert len(dev["connection_uris"]) == 1


def test_refusals_have_neons_shape(api: Api, contract: Contract) -> None:
    checked = Checked(api, contract)
    root = api.branch("production")["id"]

    checked.send("GET", B, branch_id="br-no-such-12345678")
    checked.send("DELETE", B, branch_id=root)
    checked.send("POST", f"{P}/branches", {"branch": {"name": ""}})
    checked.send("POST", f"{P}/branches", {"branch": {"name": "production"}})

    assert checked.wrong == []


def test_the_contract_notices_a_wrong_answer(api: Api, contract: Contract) -> None:
    answer = api.http.get(f"{api.project}/branches")
    content = answer.json()
    del content["branches"][0]["state_changed_at"]
    wrong = httpx.Response(200, json=content, request=answer.request)

    assert contract.check(answer, f"{P}/branches") == []
    assert len(contract.check(wrong, f"{P}/branches")) == 1
