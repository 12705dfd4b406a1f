"""The source's server dies in mid-stream: one sentence, nothing published, nothing unsealed, and a run again."""

import os
import signal

import pytest

from daemon.staging.context import ROLE_ANNOTATION
from tests.fix_daemon import Warden, is_streaming, last_step, wait_until


@pytest.mark.slow
def test_a_source_that_dies_in_mid_stream_fails_the_run_and_leaves_the_seal_on(large_warden: Warden) -> None:
    warden = large_warden
    process = warden.start("sanitize")
    wait_until(lambda: is_streaming(warden) or process.poll() is not None)
    with warden.client() as client:
        branches = {b.annotation.get(ROLE_ANNOTATION): b for b in client.list_branches(warden.project_id)}
    pid_file = warden.neon.branch_folder(branches["source"].id) / "postmaster.pid"
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 5, err
    assert "Traceback" not in err
    assert "psycopg" not in err
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
