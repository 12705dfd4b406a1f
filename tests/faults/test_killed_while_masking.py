"""Kill -9 in the middle of masking: nothing is published, nothing is open, and the next run succeeds."""

import signal
import time

import psycopg
import pytest

from daemon.model import RUN_ANNOTATION, Branch
from daemon.neon import Login
from tests.fix_daemon import Warden, is_streaming, last_step, wait_until


def _branches_of_runs(warden: Warden) -> list[Branch]:
    with warden.client() as client:
        return [b for b in client.list_branches(warden.project_id) if RUN_ANNOTATION in b.annotation]


def _assert_sealed(warden: Warden, branch: Branch) -> None:
    """Neither the inherited password nor a role made by SQL gets in, whatever the API still tells."""
    with warden.client() as client:
        production = next(b for b in client.list_branches(warden.project_id) if b.default)
        inherited = client.reveal_password(warden.project_id, production.id, "neondb_owner")
        uri = client.connection_uri(warden.project_id, Login(branch.id, "neondb", "neondb_owner"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(uri, password=inherited)
    with psycopg.connect(uri) as conn:
        rows = conn.execute(
            "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname <> 'neondb_owner'"
            " AND has_database_privilege(oid, current_database(), 'CONNECT')"
        ).fetchall()
    assert rows == []


@pytest.mark.slow
def test_killed_while_masking_nothing_is_open_and_the_next_run_succeeds(large_warden: Warden) -> None:
    process = large_warden.start("sanitize")
    wait_until(lambda: is_streaming(large_warden) or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    with large_warden.store() as store:
        assert last_step(store, large_warden.project_id) == "sealed"
        assert store.published(large_warden.project_id) == ()
    left = _branches_of_runs(large_warden)
    assert len(left) == 2
    for branch in left:
        assert branch.expires_at is not None
        _assert_sealed(large_warden, branch)
    assert "staging" not in [name for _, name, _, _ in large_warden.listing()]

    once = large_warden.run("once")
    again = large_warden.run("sanitize")

    kinds = [event["kind"] for event in large_warden.json("events")]
    assert once.returncode in {1, 3}, once.stderr
    assert "sanitize.abandoned" in kinds
    assert again.returncode == 0, again.stderr
    assert [name for _, name, _, _ in large_warden.listing()].count("staging") == 1
    assert len(_branches_of_runs(large_warden)) == 1


@pytest.mark.slow
def test_sigterm_while_masking_abandons_the_run_within_the_stop_grace(large_warden: Warden) -> None:
    process = large_warden.start("sanitize")
    wait_until(lambda: is_streaming(large_warden) or process.poll() is not None)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 5
    assert "stopped on request" in err
    assert "Traceback" not in err
    assert time.monotonic() - started < 30
    with large_warden.store() as store:
        assert last_step(store, large_warden.project_id) == "abandoned"
    for branch in _branches_of_runs(large_warden):
        if not branch.name.startswith("staging"):
            assert branch.expires_at is not None
            _assert_sealed(large_warden, branch)


@pytest.mark.slow
def test_sigterm_to_the_daemon_in_the_middle_of_a_run_ends_it_with_0(large_warden: Warden) -> None:
    daemon = large_warden.start("run")
    wait_until(lambda: large_warden.run("doctor", "--heartbeat").returncode == 0 or daemon.poll() is not None)
    follower = large_warden.start("sanitize")
    wait_until(lambda: is_streaming(large_warden) or daemon.poll() is not None)
    daemon.send_signal(signal.SIGTERM)
    _, log = daemon.communicate(timeout=45)
    follower.kill()
    follower.communicate()

    assert daemon.returncode == 0, log
    with large_warden.store() as store:
        assert last_step(store, large_warden.project_id) == "abandoned"
    for branch in _branches_of_runs(large_warden):
        assert branch.expires_at is not None
        _assert_sealed(large_warden, branch)
