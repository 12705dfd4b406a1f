"""`verify BRANCH --with-source`: the whole proof once more, next to a sealed copy of production as it was."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import psycopg
import pytest

from daemon.neon import Login
from emulator.server import Tuning, running
from tests.e2e.source_case import copies, kinds
from tests.fix_daemon import Warden, wait_until

CLEAN = {"PASS", "SAMPLED"}
ORIGINAL = "zq-original"
NEEDS_SOURCE = {"columns", "containment", "same-key", "shape"}


def look(warden: Warden, *more: str) -> tuple[CompletedProcess[str], dict[str, Any]]:
    """The command's end, and what it says."""
    done = warden.run("verify", "staging", "--with-source", "--json", *more)
    return done, json.loads(done.stdout)


def statuses(said: dict[str, Any]) -> dict[str, str]:
    return {road["road"]: road["status"] for road in said["roads"]}


def _uri(warden: Warden, branch: str) -> str:
    with warden.client() as client:
        found = next(b for b in client.list_branches(warden.project_id) if b.name == branch)
        return client.connection_uri(warden.project_id, Login(found.id, "neondb", "neondb_owner"))


def execute(warden: Warden, branch: str, *statements: str) -> None:
    with psycopg.connect(_uri(warden, branch), autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement)


def test_every_road_of_the_staging_branch_is_looked_down_and_nothing_is_left(sanitized: Warden) -> None:
    before = sanitized.listing()

    done, said = look(sanitized, "--html", "report.html")

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(statuses(said).values()) <= CLEAN
    assert set(statuses(said)) >= NEEDS_SOURCE
    assert (said["outcome"], said["remarks"], said["attestation"]["status"]) == ("clean", [], "PASS")
    assert sum(column["searched"] for column in said["databases"]["neondb"]["columns"]) == 200
    assert sanitized.listing() == before
    assert kinds(sanitized) == ["verify.started", "verify.sealed", "verify.ended"]
    assert ORIGINAL not in done.stdout + done.stderr + (sanitized.folder / "report.html").read_text()
    assert ORIGINAL.encode() not in sanitized.state.read_bytes()


def test_production_is_compared_as_it_was_and_not_as_it_is(sanitized: Warden) -> None:
    execute(sanitized, "staging", "UPDATE notes SET body = 'zq7@zq-original.test' WHERE id = 3")
    execute(
        sanitized, "production", "UPDATE people SET email = 'other' || id", "DELETE FROM notes", "VACUUM FULL people"
    )

    done, said = look(sanitized)

    assert done.returncode == 1, done.stdout + done.stderr
    assert [p for p in said["problems"] if "people.email" in p and "notes.body" in p] != []
    assert (statuses(said)["columns"], statuses(said)["shape"]) == ("FAIL", "PASS")
    assert "zq7" not in done.stdout + done.stderr


def test_the_rows_that_a_sample_took_are_known_by_the_key_of_the_run(warden: Warden) -> None:
    warden.prepare()
    text = warden.policy.read_text()
    warden.policy.write_text(text.replace("version = 1\n", 'version = 1\nsample = "50%"\n', 1))
    made = warden.run("sanitize")
    assert made.returncode == 0, made.stderr
    assert warden.run("keys", "new").returncode == 0

    done, said = look(warden)

    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(said)["shape"] == "PASS"


@pytest.mark.slow
def test_the_staging_branch_of_the_demo_is_proven_until_somebody_is_pasted_into_it(
    templates: Path, tmp_path: Path
) -> None:
    with running("demo", tuning=Tuning(templates=templates, housekeeping=0.2)) as emulator:
        warden = Warden(emulator, tmp_path)
        warden.prepare()
        made = warden.run("sanitize")
        assert made.returncode == 0, made.stderr

        clean, proof = look(warden)
        with psycopg.connect(_uri(warden, "production")) as conn:
            (email,) = conn.execute("SELECT email FROM customers ORDER BY id LIMIT 1").fetchone() or ("",)
        with psycopg.connect(_uri(warden, "staging")) as conn:
            conn.execute("UPDATE products SET title = %s WHERE sku = (SELECT min(sku) FROM products)", [email])
        pasted, found = look(warden)

    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert set(statuses(proof).values()) <= CLEAN
    assert pasted.returncode == 1, pasted.stderr
    assert [p for p in found["problems"] if "products.title" in p and "customers.email" in p] != []
    assert email not in pasted.stdout + pasted.stderr


def test_without_the_option_it_is_told_once_that_there_is_one(sanitized: Warden) -> None:
    done = sanitized.run("verify", "staging")

    assert done.returncode == 3
    assert done.stdout.count("--with-source") == 1
    assert len(sanitized.json("verify", "staging")["remarks"]) == 1
    assert kinds(sanitized) == []


def test_a_branch_masked_in_place_fails_by_its_history_alone(warden: Warden) -> None:
    warden.prepare()
    made = warden.run("sanitize", "--mode", "in-place")
    assert made.returncode == 0, made.stderr

    done, said = look(warden)

    assert done.returncode == 1, done.stderr
    assert {road for road, status in statuses(said).items() if status == "FAIL"} == {"history"}
    assert {statuses(said)[road] for road in NEEDS_SOURCE} <= CLEAN
    assert "history raw until 20" in " ".join(said["problems"])
    assert copies(warden) == []


def test_without_a_policy_no_copy_is_made(sanitized: Warden) -> None:
    sanitized.policy.unlink()

    done = sanitized.run("verify", "staging", "--with-source")

    assert done.returncode == 2
    assert "--with-source needs a masking policy" in done.stderr
    assert kinds(sanitized) == []


def test_with_a_policy_that_does_not_fit_no_copy_is_made(sanitized: Warden) -> None:
    sanitized.policy.write_text(sanitized.policy.read_text().replace("phone = ", "telephone = "))

    done = sanitized.run("verify", "staging", "--with-source")

    assert done.returncode == 2, done.stdout + done.stderr
    assert "the policy does not fit staging" in done.stderr
    assert "public.people.phone" in done.stderr
    assert kinds(sanitized) == []


@pytest.fixture
def forgetful(
    sanitized_once: tuple[Path, Path], fresh_folder: Path, templates: Path, tmp_path: Path
) -> Iterator[Warden]:
    """The same with a restore window of one second."""
    data = fresh_folder / "neon"
    for source, target in zip(sanitized_once, (data, tmp_path / "warden"), strict=True):
        subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    file = data / "state.json"
    state = json.loads(file.read_text())
    for project in state["projects"].values():
        project["history_retention_seconds"] = 1
    file.write_text(json.dumps(state))
    with running(data=data, tuning=Tuning(templates=templates, housekeeping=0.2)) as emulator:
        yield Warden(emulator, tmp_path / "warden")


def test_a_moment_outside_of_the_restore_window_leaves_the_roads_unknown(forgetful: Warden) -> None:
    execute(forgetful, "production", "UPDATE people SET phone = NULL WHERE id = 1")
    time.sleep(1.5)

    done, said = look(forgetful)

    assert done.returncode == 3, done.stdout + done.stderr
    assert {statuses(said)[road] for road in NEEDS_SOURCE} == {"UNKNOWN"}
    assert "outside of the history that is kept" in said["remarks"][0]
    assert kinds(forgetful) == ["verify.started", "verify.failed"]
    assert copies(forgetful) == []


def test_a_moment_before_production_was_restored_is_not_asked_for(sanitized: Warden) -> None:
    with sanitized.client() as client:
        ids = {b.name: b.id for b in client.list_branches(sanitized.project_id)}
    url = f"{sanitized.neon.base_url}/projects/{sanitized.project_id}/branches/{ids['production']}/restore"
    body = {"source_branch_id": ids["dev/ann"], "preserve_under_name": "before"}
    httpx.post(url, headers={"Authorization": f"Bearer {sanitized.neon.api_key}"}, json=body).raise_for_status()
    with sanitized.client() as client:
        wait_until(lambda: not client.list_running(sanitized.project_id))

    done, said = look(sanitized)

    assert done.returncode == 3, done.stdout + done.stderr
    assert {statuses(said)[road] for road in NEEDS_SOURCE} == {"UNKNOWN"}
    assert "restored over production since" in said["remarks"][0]
    assert kinds(sanitized) == ["verify.started", "verify.failed"]
    assert copies(sanitized) == []
    assert sanitized.run("once").returncode in {0, 1}


def test_a_tampered_attestation_names_no_moment(sanitized: Warden) -> None:
    with sqlite3.connect(sanitized.state) as store:
        run, text = store.execute("SELECT id, proof FROM runs").fetchone()
        proof = json.loads(text)
        proof["attestation"]["envelope"] = json.dumps(
            json.loads(proof["attestation"]["envelope"]) | {"payload": "e30="}
        )
        store.execute("UPDATE runs SET proof = ? WHERE id = ?", (json.dumps(proof), run))

    done, said = look(sanitized)

    assert done.returncode == 1
    assert said["attestation"]["status"] == "FAIL"
    assert statuses(said)["columns"] == "UNKNOWN"
    assert "no attestation that is to be trusted" in said["remarks"][0]
    assert kinds(sanitized) == []


def test_a_branch_that_no_run_made_has_no_moment(sanitized: Warden) -> None:
    done = sanitized.run("verify", "dev/ann", "--with-source")

    assert done.returncode == 1
    assert "no attestation that is to be trusted" in done.stdout
    assert kinds(sanitized) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--dsn", "postgresql://x", "--with-source"), "--with-source speaks of a BRANCH"),
        (("staging", "--with-source", "--policy", "missing.toml"), "missing.toml"),
        (("production", "--with-source"), "production, which nobody connects to"),
    ],
)
def test_what_would_do_nothing_is_refused_before_anything_is_made(
    sanitized: Warden, arguments: tuple[str, ...], words: str
) -> None:
    done = sanitized.run("verify", *arguments)

    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert kinds(sanitized) == []
