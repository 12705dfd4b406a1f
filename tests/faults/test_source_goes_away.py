"""The source's server dies in mid-stream: one sentence, nothing published, nothing unsealed, and a run again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.staging.context import ROLE_ANNOTATION
from emulator.server import Emulator, Tuning, running
from tests.fix_daemon import ROOT, Warden, last_step

LARGE = ROOT / "tests" / "seeds" / "large"


@pytest.fixture
def large_neon(templates: Path) -> Iterator[Emulator]:
    with running(LARGE, tuning=Tuning(templates=templates, housekeeping=0.2)) as emulator:
        yield emulator


def _wait_until(what: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def _sealed(warden: Warden) -> bool:
    if not warden.state.exists():
        return False
    with warden.store() as store:
        return last_step(store, warden.project_id) == "sealed"


@pytest.mark.slow
def test_a_source_that_dies_in_mid_stream_fails_the_run_and_leaves_the_seal_on(
    large_neon: Emulator, tmp_path: Path
) -> None:
    warden = Warden(large_neon, tmp_path)
    warden.prepare()
    process = warden.start("sanitize")
    _wait_until(lambda: _sealed(warden) or process.poll() is not None)
    time.sleep(0.6)
    with warden.client() as client:
        branches = {b.annotation.get(ROLE_ANNOTATION): b for b in client.list_branches(warden.project_id)}
    pid_file = large_neon.branch_folder(branches["source"].id) / "postmaster.pid"
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 5, err
    assert "Traceback" not in err
    assert "is sealed and expires" in err
    assert "Zqfirst" not in err
    with warden.store() as store:
        assert last_step(store, warden.project_id) == "failed"
        assert store.published(warden.project_id) == ()
    with warden.client() as client:
        left = [b for b in client.list_branches(warden.project_id) if b.run_id]
    assert all(b.expires_at is not None for b in left)
    again = warden.run("sanitize")
    assert again.returncode == 0, again.stderr
