"""Every run writes an attestation: signed, told where, without a value, and good by the public key alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from sanitizers.attest.attestation import Verified, read_attestation
from sanitizers.attest.keys import read_public_key
from tests.fix_plain import Desk
from tests.fix_postgres import TestDatabase


def opened(desk: Desk, path: str) -> Verified:
    pem = desk.run("keys", "public").stdout
    return read_attestation((desk.folder / path).read_bytes(), [read_public_key(pem.encode())])


def test_a_copy_is_attested_with_every_column_and_road(
    desk: Desk, shop: TestDatabase, make_database: Callable[[], TestDatabase]
) -> None:
    target = make_database()

    done = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn, "--json")

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    found = opened(desk, said["attestation"]).statement.predicate
    assert found.verdict == said["proof"]["verdict"] == "PASS"
    (database,) = found.databases
    assert database.name == target.name
    people = next(t for t in database.tables if t.name == "people")
    assert people.rows == 50
    assert {c.name: (c.strategy, c.result, c.values_masked) for c in people.columns} == {
        "id": ("keep", "kept", None),
        "name": ("full_name", "pseudonymous", 50),
        "email": ("email", "pseudonymous", 50),
        "joined": ("date_shift", "pseudonymous", 50),
    }
    assert {road.database for road in found.roads} == {target.name}
    assert "Made signing key" in done.stderr
    assert (desk.folder / said["attestation"]).read_text().count("zq") == 0


def test_a_database_masked_in_place_is_attested_with_what_nobody_could_tell(desk: Desk, shop: TestDatabase) -> None:
    done = desk.run("sanitize", "--in-place", shop.dsn, "--yes", "--ephemeral-key")

    assert done.returncode == 0, done.stderr
    (file,) = (desk.folder / "attestations").iterdir()
    assert f"attestation: {Path('attestations') / file.name}" in done.stdout
    found = opened(desk, f"attestations/{file.name}").statement.predicate
    assert found.mode == "in-place"
    assert found.verdict == "UNKNOWN"
    assert any("masking where it is changed none of them" in what for what in found.not_looked_at)
    email = next(c for t in found.databases[0].tables for c in t.columns if c.name == "email")
    assert email.result == "anonymous"


def test_a_dry_run_makes_no_key_and_no_attestation(desk: Desk, shop: TestDatabase) -> None:
    done = desk.run("sanitize", "--in-place", shop.dsn, "--dry-run")

    assert done.returncode == 0, done.stderr
    assert not (desk.folder / "attestations").exists()
    assert not list((desk.folder / "keys").glob("signing-*"))
