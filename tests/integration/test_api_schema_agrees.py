"""The schema as the API tells it, and as the catalog does: what preflight decides on must be what the run finds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest

from daemon.neon import NeonAccess, NeonClient
from daemon.staging.api_schema import api_schema
from daemon.staging.dump import read_dump
from sanitizers.schema import Schema, Table, read_schema
from tests.fix_emulator import Api

HERE = Path(__file__).parent
SCRIPTS = ("stream_hard_schema.sql", "api_schema_hard.sql")
FACTS = (
    "not_null",
    "generated",
    "max_length",
    "enum",
    "array",
    "unique",
    "distinct",
    "category",
    "references",
    "generated_as",
)


@pytest.fixture
def hard(api: Api) -> Api:
    """A project whose production has every schema that is hard to read."""
    for name in SCRIPTS:
        api.sql("production", (HERE / name).read_text(encoding="utf-8"))
    return api


def _from_catalog(api: Api) -> Schema:
    with psycopg.connect(api.uri("production")) as conn:
        return read_schema(conn)


def _from_api(api: Api) -> Schema:
    branch = api.branch("production")
    access = NeonAccess(host=api.neon.base_url, key=api.neon.api_key, enforce=False)
    with NeonClient(access) as client:
        place = (branch["project_id"], branch["id"], "neondb")
        return api_schema("neondb", client.schema_json(*place), read_dump(client.schema_sql(*place)))


def _columns(table: Table) -> dict[str, dict[str, Any]]:
    return {c.name: {**asdict(c), "category": c.category, "references": c.references} for c in table.columns}


def test_tables_columns_and_owners_are_the_same(hard: Api) -> None:
    told, found = _from_api(hard), _from_catalog(hard)

    names = {(t.qualified, t.owner): [c.name for c in t.columns] for t in found.tables}
    assert names == {(t.qualified, t.owner): [c.name for c in t.columns] for t in told.tables}
    assert ("sales.unlogged", "Odd Owner") in names


def test_columns_and_unique_keys_are_told_as_they_are(hard: Api) -> None:
    told, found = _from_api(hard), _from_catalog(hard)

    assert {fact: _all(found, fact) for fact in FACTS} == {fact: _all(told, fact) for fact in FACTS}
    assert _keys(found) == _keys(told)
    assert _strict(found) == _strict(told)
    assert _partial(found) == _partial(told)
    assert _lossy(found) == _lossy(told)
    identities = {t.qualified: {frozenset(key) for key in t.identities} for t in found.tables}
    assert identities == {t.qualified: {frozenset(key) for key in t.identities} for t in told.tables}
    assert identities["public.logins"] == {frozenset({"tenant", "id"})}


def test_elements_of_arrays_are_told_as_they_are(hard: Api) -> None:
    told, found = _elements(_from_api(hard)), _elements(_from_catalog(hard))

    assert found == told
    assert len(found) > 1


def test_tables_of_an_extension_are_left_out(hard: Api) -> None:
    branch = hard.branch("production")["id"]
    hard.sql("production", "CREATE TABLE its_own (id int)")
    with _superuser(hard, branch) as conn:
        conn.execute("ALTER EXTENSION plpgsql ADD TABLE its_own")

    told, found = _from_api(hard), _from_catalog(hard)

    assert found.table("public", "its_own") is None
    assert told.table("public", "its_own") is None


def _all(schema: Schema, fact: str) -> dict[str, Any]:
    return {f"{t.qualified}.{name}": column[fact] for t in schema.tables for name, column in _columns(t).items()}


def _elements(schema: Schema) -> dict[str, tuple[object, ...]]:
    return {
        f"{t.qualified}.{c.name}": (c.element.category, c.element.max_length, c.element.not_null, c.element.type)
        for t in schema.tables
        for c in t.columns
        if c.element is not None and c.kind != "m"
    }


def _keys(schema: Schema) -> dict[str, set[frozenset[str]]]:
    return {t.qualified: {frozenset(key) for key in t.unique_keys} for t in schema.tables}


def _strict(schema: Schema) -> dict[str, set[frozenset[str]]]:
    return {t.qualified: {frozenset(key) for key in t.strict_keys} for t in schema.tables}


def _lossy(schema: Schema) -> dict[str, set[frozenset[str]]]:
    return {t.qualified: {frozenset(key) for key in t.lossy_keys} for t in schema.tables}


def _partial(schema: Schema) -> dict[str, set[tuple[str, str, frozenset[str], frozenset[str]]]]:
    return {
        t.qualified: {(k.name, k.condition, frozenset(k.key), frozenset(k.about)) for k in t.partial_keys}
        for t in schema.tables
    }


def _superuser(api: Api, branch_id: str) -> psycopg.Connection[Any]:
    lines = (api.neon.branch_folder(branch_id) / "postmaster.pid").read_text().splitlines()
    return psycopg.connect(host=lines[4], port=int(lines[3]), user="cloud_admin", dbname="neondb", autocommit=True)
