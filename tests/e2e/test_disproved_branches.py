"""A branch in which `verify` found residue: the ledger knows, and nothing but a new sanitize run makes it clean."""

from __future__ import annotations

import sqlite3
from subprocess import CompletedProcess
from typing import Any

import psycopg
import pytest

from daemon.neon import Login
from daemon.records import DISPROVED
from tests.fix_daemon import Warden

PASTE = "UPDATE notes SET body = 'zq7@zq-original.test' WHERE id = 3"
HEAL = "UPDATE notes SET body = 'nothing' WHERE id = 3"
WHY = "proves nothing since 20"


def execute(warden: Warden, branch: str, *statements: str) -> None:
    with warden.client() as client:
        found = next(b for b in client.list_branches(warden.project_id) if b.name == branch)
        uri = client.connection_uri(warden.project_id, Login(found.id, "neondb", "neondb_owner"))
    with psycopg.connect(uri, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement)


def verify(warden: Warden, *more: str) -> CompletedProcess[str]:
    return warden.run("verify", "staging", "--with-source", *more)


def disproofs(warden: Warden) -> list[dict[str, Any]]:
    return [event for event in warden.json("events") if event["kind"] == DISPROVED]


def held(warden: Warden) -> str:
    return next(v for v in warden.json("tree")[0] if v["branch"]["name"] == "staging")["lineage"]["data_class"]


def test_what_was_found_once_is_known_everywhere_until_a_new_run(sanitized: Warden) -> None:
    execute(sanitized, "staging", PASTE, "VACUUM FULL notes")

    found = verify(sanitized)

    assert found.returncode == 1, found.stdout + found.stderr
    assert "an alert is queued" in found.stdout
    (event,) = disproofs(sanitized)
    assert "columns" in event["data"]["roads"]
    assert any("Residue in a sanitized branch" in m["message"]["text"] for m in sanitized.json("outbox"))
    assert "zq7" not in found.stdout + found.stderr + str(event) + str(sanitized.json("outbox"))

    explained = sanitized.run("explain", "staging").stdout
    assert WHY in explained.replace("\n", " ")
    assert "raw-dev-branch" in explained
    assert "branchwarden sanitize" in explained
    assert held(sanitized) == "raw"
    findings = {f["rule"] for report in sanitized.json("status") for f in _flagged(report)}
    assert {"raw-dev-branch", "stale-staging"} <= findings
    refused = sanitized.run("connect", "staging")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert WHY in refused.stderr.replace("\n", " ")

    execute(sanitized, "staging", HEAL, "VACUUM FULL notes")
    again = verify(sanitized)
    assert again.returncode == 1, again.stdout
    assert WHY in again.stdout
    assert len(disproofs(sanitized)) == 1
    assert held(sanitized) == "raw"

    made = sanitized.run("sanitize")
    assert made.returncode == 0, made.stderr
    assert held(sanitized) == "sanitized"
    assert sanitized.run("connect", "staging").returncode == 0


def _flagged(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [o["decision"]["finding"] for o in report["outcomes"] if o["decision"]["action"] == "flag"]


@pytest.mark.parametrize(("options", "status"), [((), 3), (("--with-source",), 1)])
def test_what_nobody_could_look_at_and_rows_that_are_gone_disprove_nothing(
    sanitized: Warden, options: tuple[str, ...], status: int
) -> None:
    execute(sanitized, "staging", "DELETE FROM notes WHERE id = 3", "VACUUM FULL notes")

    done = sanitized.run("verify", "staging", *options)

    assert done.returncode == status, done.stdout
    assert disproofs(sanitized) == []
    assert held(sanitized) == "sanitized"


def test_what_cannot_be_recorded_is_told_and_the_verdict_stands(sanitized: Warden) -> None:
    key = next((sanitized.folder / "keys").glob("masking-*"))
    execute(sanitized, "staging", f"COMMENT ON TABLE notes IS '{key.read_text().strip()}'")
    with sqlite3.connect(sanitized.state, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        done = sanitized.run("verify", "staging", "--full")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "could NOT be recorded" in done.stdout
    assert disproofs(sanitized) == []
