"""`sanitize` as a user types it, on real Postgres behind the emulator."""

import os

import httpx
import psycopg

from daemon.model import RUN_ANNOTATION
from daemon.neon import BranchChange, CreateBranch
from daemon.store import open_store
from tests.fix_daemon import Warden

ORIGINAL = "zq-original.test"


def _rows(warden: Warden, branch: str = "staging") -> list[tuple[object, ...]]:
    uri = warden.run("connect", branch).stdout.strip()
    with psycopg.connect(uri) as conn:
        return conn.execute("SELECT id, first_name, last_name, email, phone FROM people ORDER BY id").fetchall()


def test_staging_is_published_with_fakes_in_place_of_people(sanitized: Warden) -> None:
    rows = _rows(sanitized)

    assert len(rows) == 50
    assert len({row[3] for row in rows}) == 50
    assert not any(ORIGINAL in str(row) or "Zq" in str(row) for row in rows)
    assert all(str(row[3]).rpartition("@")[2] in {"example.com", "example.org", "example.net"} for row in rows)


def test_nothing_of_the_run_is_left_but_staging(sanitized: Warden) -> None:
    with sanitized.client() as client:
        branches = {b.name: b for b in client.list_branches(sanitized.project_id)}

    assert set(branches) == {"production", "dev/ann", "staging"}
    assert branches["staging"].expires_at is None
    assert branches["staging"].is_root
    assert RUN_ANNOTATION in branches["staging"].annotation


def test_staging_is_the_only_sanitized_branch_and_children_of_it_are_too(sanitized: Warden) -> None:
    with sanitized.client(enforce=True) as client:
        staging = next(b for b in client.list_branches(sanitized.project_id) if b.name == "staging")
        created = client.create_branch(CreateBranch(sanitized.project_id, "dev/child", staging.id))
        client.wait_for(sanitized.project_id, created.operations)

    classes = {v["branch"]["name"]: v["lineage"]["data_class"] for v in sanitized.json("status")[0]["views"]}

    assert classes == {
        "production": "production",
        "dev/ann": "raw",
        "staging": "sanitized",
        "dev/child": "sanitized",
    }


def test_a_second_run_takes_the_name_and_deletes_the_first(sanitized: Warden) -> None:
    first = _rows(sanitized)

    done = sanitized.run("sanitize")

    assert done.returncode == 0, done.stderr
    assert [name for _, name, _, _ in sanitized.listing() if name.startswith("staging")] == ["staging"]
    assert _rows(sanitized) == first, "the same key and the same values give the same fakes"


def test_an_older_staging_with_a_child_is_kept_under_another_name(sanitized: Warden) -> None:
    with sanitized.client(enforce=True) as client:
        staging = next(b for b in client.list_branches(sanitized.project_id) if b.name == "staging")
        created = client.create_branch(CreateBranch(sanitized.project_id, "dev/child", staging.id))
        client.wait_for(sanitized.project_id, created.operations)

    done = sanitized.run("sanitize")

    names = {name: branch_id for branch_id, name, _, _ in sanitized.listing()}
    kept = [name for name in names if name.startswith("staging-")]
    assert done.returncode == 0, done.stderr
    assert len(kept) == 1
    assert names[kept[0]] == staging.id
    assert f"{kept[0]} is kept" in done.stdout


def test_another_key_gives_other_fakes(sanitized: Warden) -> None:
    first = _rows(sanitized)
    sanitized.run("keys", "new")

    sanitized.run("sanitize")

    second = _rows(sanitized)
    assert [row[0] for row in first] == [row[0] for row in second]
    assert sum(a[3] == b[3] for a, b in zip(first, second, strict=True)) == 0


def test_passwords_of_staging_open_staging_alone(sanitized: Warden) -> None:
    with sanitized.client() as client:
        branches = {b.name: b.id for b in client.list_branches(sanitized.project_id)}
        passwords = {
            name: client.reveal_password(sanitized.project_id, branches[name], "neondb_owner")
            for name in ("production", "dev/ann", "staging")
        }

    assert passwords["production"] == passwords["dev/ann"]
    assert passwords["staging"] != passwords["production"]


def test_restoring_production_over_staging_voids_its_proof(sanitized: Warden) -> None:
    with sanitized.client() as client:
        branches = {b.name: b.id for b in client.list_branches(sanitized.project_id)}
    url = f"{sanitized.neon.base_url}/projects/{sanitized.project_id}/branches/{branches['staging']}/restore"
    answer = httpx.post(
        url,
        headers={"Authorization": f"Bearer {sanitized.neon.api_key}"},
        json={"source_branch_id": branches["production"]},
    )
    assert answer.is_success, answer.text

    classes = {v["branch"]["name"]: v["lineage"]["data_class"] for v in sanitized.json("status")[0]["views"]}
    refused = sanitized.run("connect", "staging")

    assert classes["staging"] == "raw"
    assert refused.returncode == 2
    assert "sanitized branches only" in refused.stderr


def test_a_protected_staging_is_still_sanitized(sanitized: Warden) -> None:
    with sanitized.client(enforce=True) as client:
        staging = next(b for b in client.list_branches(sanitized.project_id) if b.name == "staging")
        client.wait_for(
            sanitized.project_id, client.update_branch(sanitized.project_id, staging.id, BranchChange(protected=True))
        )

    classes = {v["branch"]["name"]: v["lineage"]["data_class"] for v in sanitized.json("status")[0]["views"]}

    assert classes["staging"] == "sanitized"


def test_the_event_log_tells_every_step_and_no_value(sanitized: Warden) -> None:
    events = sanitized.json("events")
    check = sanitized.run("events", "--verify")

    kinds = [event["kind"] for event in events]
    assert kinds == [f"sanitize.{s}" for s in ("started", "sealed", "masked", "verified", "published")]
    assert check.returncode == 0
    assert "intact" in check.stdout
    raw = sanitized.state.read_bytes()
    assert ORIGINAL.encode() not in raw
    assert sanitized.neon.api_key.encode() not in raw


def test_another_name_leaves_the_staging_branch_alone(sanitized: Warden) -> None:
    done = sanitized.run("sanitize", "--name", "demo-data")

    names = [name for _, name, _, _ in sanitized.listing()]
    assert done.returncode == 0, done.stderr
    assert {"staging", "demo-data"} <= set(names)


def test_a_store_held_by_something_else_than_a_daemon_is_an_error_and_no_wish(sanitized: Warden) -> None:
    before = sanitized.listing()
    with open_store(sanitized.state, exclusive=True):
        done = sanitized.run("sanitize")

    assert done.returncode == 2, done.stdout
    assert str(os.getpid()) in done.stderr
    assert sanitized.listing() == before
