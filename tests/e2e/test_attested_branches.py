"""Attested branches of Neon: what `verify` says of them, and that without a valid attestation none is sanitized."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from daemon.app import open_app
from daemon.errors import SettingsError
from daemon.neon import CreateBranch, Login
from daemon.settings import load_settings
from daemon.vitals import Vitals
from tests.fix_daemon import Warden

BRANCH_ROADS = {"passwords", "history", "computes", "data-api", "auth", "storage"}
NEEDS_SOURCE = {"columns", "containment", "same-key", "statistics", "definitions", "shape"}


def held(warden: Warden, branch: str = "staging") -> tuple[str, str]:
    """Data class and reason."""
    view = warden.json("explain", branch)["view"]
    return view["lineage"]["data_class"], view["lineage"]["reason"]


def change_ledger(warden: Warden, **envelope: Any) -> None:
    """Edit the attestation in the state store."""
    with sqlite3.connect(warden.state) as store:
        run, text = store.execute("SELECT id, proof FROM runs").fetchone()
        proof = json.loads(text)
        changed = json.loads(proof["attestation"]["envelope"]) | envelope
        proof["attestation"]["envelope"] = json.dumps(changed)
        store.execute("UPDATE runs SET proof = ? WHERE id = ?", (json.dumps(proof), run))


@contextmanager
def as_admin(warden: Warden, branch: str = "staging") -> Iterator[psycopg.Connection]:
    """The superuser that Neon gives nobody."""
    with warden.client() as client:
        found = next(b for b in client.list_branches(warden.project_id) if b.name == branch)
        uri = client.connection_uri(warden.project_id, Login(found.id, "neondb", "neondb_owner"))
    with psycopg.connect(uri):  # which wakes its compute
        lines = (warden.neon.branch_folder(found.id) / "postmaster.pid").read_text().splitlines()
        with psycopg.connect(host=lines[4], port=int(lines[3]), user="cloud_admin", dbname="neondb") as admin:
            yield admin


def uri(warden: Warden, branch: str = "staging") -> str:
    return warden.run("connect", branch).stdout.strip()


def test_verify_looks_down_every_road_of_a_branch_and_checks_its_attestation(sanitized: Warden) -> None:
    done = sanitized.run("verify", "staging", "--json", "--html", "report.html")

    assert done.returncode == 3, done.stderr
    said = json.loads(done.stdout)
    found = {(road["road"], road["database"]): road["status"] for road in said["roads"]}
    assert {name for name, database in found if database is None} == BRANCH_ROADS
    assert {found[name, None] for name in BRANCH_ROADS} == {"PASS"}
    assert {name for (name, _), status in found.items() if status == "UNKNOWN"} >= {"columns", "containment"}
    assert {name for (name, _), status in found.items() if status == "FAIL"} == set()
    assert said["attestation"]["status"] == "PASS"
    assert said["attestation"]["differences"] == []
    assert said["attestation"]["statement"]["predicate"]["source"]["lsn"]
    assert "What became of each column" in (sanitized.folder / "report.html").read_text()


def test_a_branch_to_which_something_was_added_is_told_from_the_attested_one(sanitized: Warden) -> None:
    with psycopg.connect(uri(sanitized)) as conn:
        conn.execute("CREATE TABLE pasted (email text)")

    done = sanitized.run("verify", "staging")

    assert done.returncode == 1
    assert "attestation  FAIL" in done.stdout
    assert "pasted is new: nobody looked into it" in done.stdout


def test_a_policy_that_does_not_fit_is_told(sanitized: Warden) -> None:
    sanitized.policy.write_text(sanitized.policy.read_text().replace("phone = ", "telephone = "))

    done = sanitized.run("verify", "staging")

    assert done.returncode == 3, done.stdout + done.stderr
    assert "the policy does not fit staging" in done.stdout
    assert "public.people.phone" in done.stdout


def test_a_database_that_shows_no_schema_is_unreachable_and_not_gone(sanitized: Warden) -> None:
    with as_admin(sanitized) as admin:
        admin.execute("REVOKE EXECUTE ON FUNCTION pg_get_constraintdef(oid) FROM PUBLIC")

    refused = sanitized.run("verify", "staging")
    sanitized.policy.unlink()
    unread = sanitized.json("verify", "staging")["attestation"]

    assert refused.returncode == 4, refused.stderr
    assert "SQLSTATE 42501" in refused.stderr
    assert [(d["kind"], d["effect"]) for d in unread["differences"]] == [("unseen", "unknown")]


def test_a_tampered_attestation_makes_its_branch_unknown_and_closes_its_door(sanitized: Warden) -> None:
    assert held(sanitized)[0] == "sanitized"
    change_ledger(sanitized, payload="e30=")

    data_class, reason = held(sanitized)

    assert data_class == "unknown"
    assert "was changed after it was signed" in reason
    refused = sanitized.run("connect", "staging")
    assert refused.returncode == 2
    assert "was changed after it was signed" in refused.stderr
    assert sanitized.run("verify", "staging").returncode == 1


def test_a_branch_whose_attestation_proves_nothing_is_no_fresh_staging(
    sanitized: Warden, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (sanitized.environment | {"BRANCHWARDEN_STAGING__ENABLED": "true"}).items():
        monkeypatch.setenv(name, value)
    settings = load_settings(None)
    with open_app(settings, exclusive=True) as app:
        assert app.refresh_staging(app.choose_one(None)) is None
        assert Vitals(app).read().projects[0].staging_verified_at is not None
        change_ledger(sanitized, payload="e30=")

        assert Vitals(app).read().projects[0].staging_verified_at is None
        with pytest.raises(SettingsError, match="was not reviewed"):  # so that it would be made anew
            app.refresh_staging(app.choose_one(None))


def test_an_attestation_that_was_taken_out_of_the_ledger_makes_its_branch_unknown(sanitized: Warden) -> None:
    with sqlite3.connect(sanitized.state) as store:
        store.execute("UPDATE runs SET proof = json_remove(proof, '$.attestation')")

    assert held(sanitized)[0] == "unknown"
    assert "was never written" in held(sanitized)[1]


def test_a_later_moment_in_the_ledger_does_not_outlive_a_restore(sanitized: Warden) -> None:
    with sqlite3.connect(sanitized.state) as store:
        store.execute("UPDATE runs SET verified_at = '2036-01-01T00:00:00.000000+00:00'")

    data_class, reason = held(sanitized)

    assert data_class == "unknown"
    assert "the ledger was changed" in reason


def test_a_retired_signing_key_is_not_trusted_any_more(sanitized: Warden) -> None:
    (key,) = [k["id"] for k in sanitized.json("keys", "list") if k["kind"] == "signing"]
    sanitized.run("keys", "retire", key)

    assert held(sanitized)[0] == "unknown"
    assert "no signing key that is not retired" in held(sanitized)[1]


def test_explain_and_status_point_to_the_attestation(sanitized: Warden) -> None:
    (file,) = (sanitized.folder / "attestations").iterdir()

    assert f"attestations/{file.name}" in sanitized.run("explain", "staging").stdout
    assert f"staging is attested: attestations/{file.name}" in sanitized.run("status").stdout


def test_a_branch_masked_in_place_fails_for_as_long_as_its_history_is_raw(warden: Warden) -> None:
    warden.prepare()
    done = warden.run("sanitize", "--mode", "in-place")
    assert done.returncode == 0, done.stderr
    assert held(warden)[0] == "sanitized"

    found = warden.run("verify", "staging")

    assert found.returncode == 1
    assert "history raw until 20" in found.stdout
    assert "attestation  PASS" in found.stdout

    with warden.client(enforce=True) as client:
        staging = next(b for b in client.list_branches(warden.project_id) if b.name == "staging")
        order = CreateBranch(warden.project_id, "dev/child", staging.id, with_compute=True)
        client.wait_for(warden.project_id, client.create_branch(order).operations)
    child = {road["road"]: road for road in warden.json("verify", "dev/child")["roads"]}
    assert child["history"]["status"] == "FAIL"
    assert "history raw until 20" in child["history"]["sentence"]


def test_production_is_never_connected_to(sanitized: Warden) -> None:
    done = sanitized.run("verify", "production")

    assert done.returncode == 2
    assert "production, which nobody connects to" in done.stderr
