"""`run`: the daemon as a process, with its page, its webhook and its signals."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.fix_daemon import Warden, wait_until


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def _daemon(warden: Warden) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = _free_port()
    warden.extra["BRANCHWARDEN_HTTP__PORT"] = str(port)
    process = warden.start("run")
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: process.poll() is not None or _status(f"{base}/readyz") == 200)
        assert process.poll() is None, process.communicate()[1]
        yield process, base
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _status(url: str) -> int:
    try:
        return httpx.get(url).status_code
    except httpx.TransportError:
        return 0


def test_it_is_alive_ready_and_measured_and_ends_with_0_on_sigterm(warden: Warden) -> None:
    with _daemon(warden) as (process, base):
        alive = httpx.get(f"{base}/livez")
        metrics = httpx.get(f"{base}/metrics").text
        heartbeat = warden.run("doctor", "--heartbeat")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)

    lines = [json.loads(line) for line in log.splitlines()]
    assert alive.status_code == 200
    assert 'branchwarden_findings_open{project="' in metrics
    assert heartbeat.returncode == 0, heartbeat.stdout
    assert process.returncode == 0
    assert [line for line in lines if line["event"] == "cycle"], "one canonical line per cycle"
    assert lines[-1]["event"] == "stopped"
    assert warden.neon.api_key not in log


def test_a_second_instance_is_refused_with_a_sentence(warden: Warden) -> None:
    with _daemon(warden) as (process, _):
        second = warden.run("once")

    assert second.returncode == 2
    assert str(process.pid) in second.stderr
    assert "Traceback" not in second.stderr


def test_a_sanitize_by_hand_is_taken_over_by_the_running_daemon(warden: Warden) -> None:
    warden.prepare()
    with _daemon(warden):
        done = warden.run("sanitize")

    assert done.returncode == 0, done.stderr
    assert "published" in done.stdout
    assert "staging" in [name for _, name, _, _ in warden.listing()]


def test_missing_staging_is_spawned_by_schedule_once_the_policy_is_reviewed(warden: Warden) -> None:
    warden.prepare()
    text = warden.policy.read_text()
    signed = text.replace('reviewed_by = ""', 'reviewed_by = "Ada"').replace(
        'reviewed_on = ""', "reviewed_on = 2026-11-20"
    )
    warden.policy.write_text(signed)
    warden.extra["BRANCHWARDEN_STAGING__ENABLED"] = "true"

    with _daemon(warden):
        wait_until(lambda: "staging" in [name for _, name, _, _ in warden.listing()])
        wait_until(lambda: "sanitize.published" in [e["kind"] for e in warden.json("events")])


def test_an_unreviewed_policy_is_never_run_by_schedule(warden: Warden) -> None:
    warden.prepare()
    before = warden.listing()
    warden.extra["BRANCHWARDEN_STAGING__ENABLED"] = "true"

    with _daemon(warden) as (process, _):
        wait_until(lambda: any("reviewed" in m["message"]["text"] + str(m) for m in warden.json("outbox")))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert warden.listing() == before


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(warden: Warden) -> None:
    """While the first one waits for a webhook that never answers; it would end with 0 once that is given up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        warden.extra["BRANCHWARDEN_ALERTS__WEBHOOK_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        with _daemon(warden) as (process, _):
            asked, _ = silent.accept()
            with asked:
                while process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    time.sleep(0.2)
                process.communicate()

    assert process.returncode == 128 + signal.SIGTERM
