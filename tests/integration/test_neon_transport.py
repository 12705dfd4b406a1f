"""The road out: proxies of the environment, no redirects, one pace for every thread, writes only where allowed."""

from __future__ import annotations

import threading

import httpx
import pytest

from daemon.errors import NeonUnreachableError, ObserveModeError
from daemon.neon import NeonAccess, NeonClient, Timing
from daemon.neon.transport import BURST, TokenBucket, WriteGuard, _proxy
from tests.scripted_neon import KEY, Script, World, client, page, reply

REMOTE = NeonAccess("https://neon.example/api/v2", KEY, enforce=False)
LOCAL = NeonAccess("http://127.0.0.1:1/api/v2", KEY, enforce=False)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "http://proxy.example:3128"),
        ({"ALL_PROXY": "http://proxy.example:3128"}, "http://proxy.example:3128"),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "neon.example"}, None),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, None),
    ],
)
def test_the_proxy_of_the_environment_is_used(
    environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert expected == _proxy(REMOTE)


def test_this_machine_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")

    assert _proxy(LOCAL) is None


def test_a_proxy_that_is_down_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    with NeonClient(REMOTE, timing=World().timing) as neon, pytest.raises(NeonUnreachableError, match=r"neon\.example"):
        neon.auth()


def test_a_redirect_takes_the_key_nowhere() -> None:
    script = Script(httpx.Response(307, headers={"Location": "https://evil.example/"}))

    with pytest.raises(NeonUnreachableError):
        client(script).auth()

    assert [request.url.host for request in script.requests] == ["neon.example"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_the_guard_knows_reading_and_nothing_else(method: str) -> None:
    script = Script(reply({}))
    guard = WriteGuard(httpx.MockTransport(script), enforce=False)

    with pytest.raises(ObserveModeError):
        guard.handle_request(httpx.Request(method, "https://neon.example/x"))

    assert script.requests == []


def test_the_end_of_one_permission_does_not_end_another() -> None:
    script = Script(reply({"operations": []}))
    neon = client(script, enforce=False)

    with neon.allow_writes("p"):
        with neon.allow_writes("p"):
            pass
        neon.delete_branch("p", "b")

    assert len(script.requests) == 1


def test_a_permission_is_for_one_project_only() -> None:
    script = Script(reply({"operations": []}))
    neon = client(script, enforce=False)

    with neon.allow_writes("p"):
        for other in ("other", "pp"):
            with pytest.raises(ObserveModeError):
                neon.delete_branch(other, "p")

    assert script.requests == []


def test_a_permission_ends_with_an_error_too() -> None:
    neon = client(Script(reply({"operations": []})), enforce=False)

    with pytest.raises(ZeroDivisionError), neon.allow_writes("p"):
        raise ZeroDivisionError
    with pytest.raises(ObserveModeError):
        neon.delete_branch("p", "b")


def test_threads_share_one_pace_and_each_waits_for_its_own_turn() -> None:
    sleeps: list[float] = []
    bucket = TokenBucket(60, Timing(clock=lambda: 0.0, sleep=sleeps.append))

    threads = [threading.Thread(target=bucket.take) for _ in range(BURST + 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(sleeps) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_reading_goes_through_the_guard_to_the_api() -> None:
    assert [branch.name for branch in client(Script(page("a")), enforce=False).list_branches("dry-heart-12345678")] == [
        "a"
    ]
