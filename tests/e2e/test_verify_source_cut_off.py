"""`verify BRANCH --with-source`, cut off or looked at from outside: its copy of production never stays."""

from __future__ import annotations

import signal
from subprocess import CompletedProcess

import psycopg
import pytest

from daemon.neon import Login
from tests.e2e.source_case import copies, kinds
from tests.fix_daemon import Warden, wait_until


def _interrupted(warden: Warden, at: str, number: signal.Signals) -> CompletedProcess[str]:
    """Begin to look, and send a signal once an event of the kind is written."""
    process = warden.start("verify", "staging", "--with-source")
    wait_until(lambda: at in _written(warden) or process.poll() is not None)
    assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return CompletedProcess(process.args, process.returncode, out, err)


def _written(warden: Warden) -> list[str]:
    """Read in this process: another would be too late."""
    with warden.store() as store:
        return [event.kind for event in store.read_events(10, warden.project_id)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "cleaner"),
    [
        ("verify.started", ("once",)),
        ("verify.sealed", ("once",)),
        ("verify.sealed", ("sanitize",)),
        ("verify.sealed", ("verify", "staging", "--with-source")),
    ],
)
def test_what_kill_9_leaves_is_deleted_by_the_next_command(
    sanitized: Warden, at: str, cleaner: tuple[str, ...]
) -> None:
    _interrupted(sanitized, at, signal.SIGKILL)
    left = copies(sanitized)
    assert all(branch.expires_at is not None for branch in left)
    assert len(left) == 1 or at == "verify.started"

    done = sanitized.run(*cleaner)

    assert done.returncode in {0, 1}, done.stderr
    assert "verify.abandoned" in kinds(sanitized)
    assert copies(sanitized) == []


@pytest.mark.slow
@pytest.mark.parametrize("at", ["verify.started", "verify.sealed"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_the_copy_is_deleted(sanitized: Warden, at: str, number: signal.Signals) -> None:
    done = _interrupted(sanitized, at, number)

    assert done.returncode == 5, done.stderr
    assert "stopped on request" in done.stderr
    assert "Traceback" not in done.stderr
    assert kinds(sanitized)[-1] == "verify.abandoned"
    assert copies(sanitized) == []


@pytest.mark.slow
def test_while_it_looks_nobody_else_gets_into_the_copy_and_no_cycle_takes_it_for_left_behind(sanitized: Warden) -> None:
    process = sanitized.start("verify", "staging", "--with-source")
    wait_until(lambda: "verify.sealed" in _written(sanitized) or process.poll() is not None)
    process.send_signal(signal.SIGSTOP)
    try:
        (copy,) = copies(sanitized)
        with sanitized.client() as client:
            production = next(b for b in client.list_branches(sanitized.project_id) if b.default)
            inherited = client.reveal_password(sanitized.project_id, production.id, "neondb_owner")
            uri = client.connection_uri(sanitized.project_id, Login(copy.id, "neondb", "neondb_owner"))
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(uri, password=inherited)
        refused = sanitized.run("once")
    finally:
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=60)

    assert refused.returncode == 2
    assert process.returncode == 0, out + err
    assert copies(sanitized) == []
