"""`detect` as a user types it, on plain Postgres."""

from __future__ import annotations

import json

from tests.fix_plain import Desk
from tests.fix_postgres import TestDatabase


def test_suggestions_are_printed_as_json_with_strategies_as_a_policy_has_them(desk: Desk, shop: TestDatabase) -> None:
    done = desk.run("detect", "--dsn", shop.dsn, "--json")

    assert done.returncode == 0, done.stderr
    found = {(item["table"], item["column"]): item for item in json.loads(done.stdout)}
    assert (found["people", "email"]["strategy"], found["people", "id"]["strategy"]) == ("email", "keep")
    assert found["people", "email"] == {
        "database": shop.name,
        "schema": "public",
        "table": "people",
        "column": "email",
        "strategy": "email",
        "reason": found["people", "email"]["reason"],
        "pii_class": "email",
    }


def test_what_was_added_to_the_policy_is_printed_as_json(desk: Desk, shop: TestDatabase) -> None:
    (desk.folder / "masking.toml").unlink(missing_ok=True)

    first, second = (desk.run("detect", "--dsn", shop.dsn, "--write", "--json") for _ in range(2))

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    columns = [(item["table"], item["column"]) for item in json.loads(first.stdout)]
    assert sorted(columns) == [
        ("notes", "body"),
        ("notes", "id"),
        ("notes", "person"),
        ("people", "email"),
        ("people", "id"),
        ("people", "joined"),
        ("people", "name"),
    ]
    assert json.loads(second.stdout) == []
