"""`sanitize --mode in-place` on Neon: a copy of production, sealed, masked where it is, proven and published."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from daemon.model import Branch
from daemon.neon import Login
from daemon.proven import roads_of
from tests.fix_daemon import Warden

ORIGINAL = "zq-original"
PERSON = "SELECT id, email FROM people ORDER BY id"


@pytest.fixture
def masked(warden: Warden) -> Warden:
    """A project with a staging branch that was masked in place."""
    warden.prepare()
    done = warden.run("sanitize", "--mode", "in-place")
    assert done.returncode == 0, done.stderr
    return warden


def branches(warden: Warden) -> dict[str, Branch]:
    with warden.client() as client:
        return {branch.name: branch for branch in client.list_branches(warden.project_id)}


def test_the_branch_is_a_masked_child_of_production_that_people_can_connect_to(masked: Warden) -> None:
    found = branches(masked)
    uri = masked.run("connect", "staging").stdout.strip()

    with psycopg.connect(uri) as conn:
        people = conn.execute(PERSON).fetchall()
        leftovers = conn.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'branchwarden%'").fetchone()
    assert sorted(found) == ["dev/ann", "production", "staging"]
    assert found["staging"].parent_id == found["production"].id
    assert found["staging"].expires_at is None
    assert len(people) == 50
    assert ORIGINAL not in repr(people)
    assert leftovers == (0,)


def test_status_and_explain_say_until_when_its_history_is_raw(masked: Warden) -> None:
    report = masked.json("status")[0]
    explained = masked.run("explain", "staging").stdout

    view = next(v for v in report["views"] if v["branch"]["name"] == "staging")
    assert view["lineage"]["data_class"] == "sanitized"
    assert "history raw until" in view["lineage"]["reason"]
    until = datetime.fromisoformat(view["lineage"]["history_raw_until"])
    assert timedelta() < until - datetime.now(UTC) < timedelta(days=31)
    found = [f for v in report["outcomes"] if (f := v["decision"]["finding"])["rule"] == "raw-history"]
    assert [f["branch_name"] for f in found] == ["staging"]
    assert "history raw until" in explained


def test_the_ledger_and_the_events_tell_the_mode_and_no_value(masked: Warden) -> None:
    with masked.store() as store:
        (run,) = store.list_runs(masked.project_id, limit=1)
    kinds = [event["kind"] for event in masked.json("events")]

    assert (run.mode, run.source_branch_id, run.proof["found"]) == ("in-place", None, 0)
    statuses = {road.road: road.status for road in roads_of(run.proof)}
    (history,) = (problem for road in roads_of(run.proof) for problem in road.problems if road.road == "history")
    assert history.startswith("staging: history raw until")
    assert (statuses["containment"], statuses["same-key"], statuses["passwords"]) == ("PASS", "PASS", "PASS")
    assert run.proof["original values searched"] == 200
    assert kinds == [f"sanitize.{s}" for s in ("started", "sealed", "masked", "verified", "published")]
    assert ORIGINAL.encode() not in masked.state.read_bytes()


def test_a_child_of_it_is_sanitized_and_a_clean_room_takes_its_place(masked: Warden) -> None:
    first = branches(masked)["staging"]

    done = masked.run("sanitize")

    found = branches(masked)
    classes = {v["branch"]["name"]: v["lineage"]["data_class"] for v in masked.json("status")[0]["views"]}
    assert done.returncode == 0, done.stderr
    assert found["staging"].id != first.id
    assert found["staging"].is_root
    assert first.id not in {branch.id for branch in found.values()}
    assert classes["staging"] == "sanitized"


def test_an_original_that_is_left_fails_the_run_and_the_target_stays_sealed(warden: Warden) -> None:
    warden.prepare()
    text = warden.policy.read_text().replace(
        "version = 1", 'version = 1\nreviewed_by = "Ada"\nreviewed_on = 2026-11-21'
    )
    text = text.replace('reviewed_by = ""\n', "").replace('reviewed_on = ""\n', "")
    kept = [line if not line.startswith("body") else 'body = "keep"' for line in text.splitlines()]
    warden.policy.write_text("\n".join(kept) + "\n")
    with warden.client() as client:
        production = branches(warden)["production"]
        uri = client.connection_uri(warden.project_id, Login(production.id, "neondb", "neondb_owner", None))
    with psycopg.connect(uri) as conn:
        conn.execute("UPDATE notes SET body = 'zq7@zq-original.test' WHERE id = 3")

    done = warden.run("sanitize", "--mode", "in-place")

    target = next(b for name, b in branches(warden).items() if name.startswith("branchwarden-target"))
    assert done.returncode == 5
    assert "neondb.public.notes.body holds 1 original value of neondb.public.people.email" in done.stderr
    assert "zq7" not in done.stderr
    assert target.expires_at is not None
