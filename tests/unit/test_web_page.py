"""The page over a real socket."""

import socket
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon.errors import SettingsError, StateError
from daemon.model import (
    Action,
    Branch,
    BranchView,
    DataClass,
    Decision,
    Finding,
    Lineage,
    Outcome,
    Purpose,
    Report,
    Severity,
)
from daemon.web import Health, ProjectHealth, build_app, serving

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
INTERVAL = timedelta(minutes=10)


@pytest.fixture
def client():
    with httpx.Client(trust_env=False, timeout=5) as opened:
        yield opened


def project(**fields):
    return ProjectHealth("p1", INTERVAL, **{"last_success": NOW, **fields})


def get(client, path, health):
    with serving(build_app(lambda: health, lambda: NOW)) as url:
        return client.get(url + path)


def report():
    branch = Branch("br-1", "p1", "dev/zoe", NOW, NOW)
    view = BranchView(branch, Lineage(DataClass.RAW, "copied", production=False, purpose=Purpose.DEV))
    finding = Finding("p1", "raw-dev-branch", "br-1", "dev/zoe", Severity.HIGH, "Holds rows.", NOW, NOW)
    outcome = Outcome(Decision(Action.FLAG, finding, "new"), done=True)
    return Report("p1", "shop", NOW, NOW + timedelta(seconds=2), (view, view), (outcome,))


def test_a_running_process_is_alive_whatever_else_is_wrong(client):
    answer = get(client, "/livez", Health((project(last_success=None),), store_writable=False))

    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_it_is_ready_while_every_project_was_looked_at_lately(client):
    answer = get(client, "/readyz", Health((project(last_success=NOW - 3 * INTERVAL),)))

    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})


def test_it_is_not_ready_and_says_why(client):
    late = project(last_success=NOW - timedelta(minutes=31))
    never = ProjectHealth("p2", INTERVAL)

    answer = get(client, "/readyz", Health((late, never), store_writable=False))

    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "reasons": [
            "The state store cannot be written; run `branchwarden doctor`.",
            "The last complete cycle of project p1 was 31 minutes ago; see the log.",
            "Project p2 had no complete cycle yet.",
        ],
    }


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_a_state_that_cannot_be_read_is_a_503_without_its_text(client, path):
    def broken():
        raise StateError("State store /home/zoe/state.db: damaged")

    with serving(build_app(broken, lambda: NOW)) as url:
        answer = client.get(url + path)

    assert answer.status_code == 503
    assert "state store cannot be read" in answer.text
    assert "zoe" not in answer.text


def test_metrics_are_those_of_now_and_of_us_alone(client):
    verified = NOW - timedelta(hours=1)
    health = Health(
        (project(report=report(), last_ok=True, staging_verified_at=verified),),
        outbox_pending=3,
        cycles={("p1", "ok"): 5, ("p1", "error"): 1},
        runs={("p1", "published"): 2},
        api_requests={"200": 40, "429": 2},
    )

    answer = get(client, "/metrics", health)

    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    samples = {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}
    assert samples == {
        ("branchwarden_branches", "dev", "p1", "raw"): 2,
        ("branchwarden_findings_open", "high", "p1", "raw-dev-branch"): 1,
        ("branchwarden_last_cycle_timestamp_seconds", "p1"): NOW.timestamp(),
        ("branchwarden_last_cycle_duration_seconds", "p1"): 2,
        ("branchwarden_last_cycle_success", "p1"): 1,
        ("branchwarden_cycles_total", "ok", "p1"): 5,
        ("branchwarden_cycles_total", "error", "p1"): 1,
        ("branchwarden_sanitize_runs_total", "p1", "published"): 2,
        ("branchwarden_staging_age_seconds", "p1"): 3600,
        ("branchwarden_api_requests_total", "200"): 40,
        ("branchwarden_api_requests_total", "429"): 2,
        ("branchwarden_outbox_pending",): 3,
        ("branchwarden_store_writable",): 1,
    }
    assert "zoe" not in answer.text


def test_a_fresh_daemon_has_metrics_too(client):
    assert get(client, "/metrics", Health((ProjectHealth("p1", INTERVAL),))).status_code == 200


def test_nothing_else_is_there_and_nothing_can_be_written(client):
    assert get(client, "/", Health()).status_code == 404
    with serving(build_app(Health, lambda: NOW)) as url:
        assert client.post(url + "/readyz").status_code == 405


def test_it_listens_on_this_machine_alone_and_is_gone_afterwards(client):
    with serving(build_app(Health, lambda: NOW)) as url:
        assert url.startswith("http://127.0.0.1:")
        assert client.get(url + "/livez").status_code == 200

    assert "web" not in [thread.name for thread in threading.enumerate()]
    with pytest.raises(httpx.ConnectError):
        client.get(url + "/livez")


def test_it_stops_at_once_even_when_it_has_hardly_started():
    for _ in range(5):
        with serving(build_app(Health, lambda: NOW)):
            pass

    assert "web" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("port", [None, 99999])
def test_a_port_that_cannot_be_had_is_one_sentence(port):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = port or taken.getsockname()[1]
        server = serving(build_app(Health, lambda: NOW), port=wanted)
        with pytest.raises(SettingsError, match=rf"Cannot listen on 127.0.0.1:{wanted}.*http\.port"), server:
            pass
