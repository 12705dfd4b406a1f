"""What is tried again, how often, and how long the client waits."""

from __future__ import annotations

import httpx
import pytest

from daemon.errors import (
    ConflictError,
    LockedError,
    NeonError,
    NeonUnreachableError,
    RefusedError,
    WrongKeyError,
)
from daemon.neon.retry import retry_after
from tests.builders import NOW, PROJECT
from tests.scripted_neon import Answer, Script, World, client, page, refusal, reply


@pytest.mark.parametrize("status", [423, 429, 503])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_busy_answers_are_tried_again_whatever_the_method(status: int, method: str) -> None:
    script = Script(refusal(status), refusal(status), reply({"operations": []}))
    neon = client(script)

    if method == "GET":
        neon.list_running(PROJECT)
    else:
        neon.start_endpoint(PROJECT, "ep-1")

    assert len(script.requests) == 3


@pytest.mark.parametrize(
    "fault", [httpx.Response(500), httpx.Response(524), httpx.ReadTimeout(""), httpx.ConnectError("")]
)
def test_a_fault_is_tried_again_for_reading_but_never_for_a_change(fault: Answer) -> None:
    reading = Script(fault, page("a"))
    changing = Script(fault, reply({"operations": []}))

    assert len(client(reading).list_branches(PROJECT)) == 1
    with pytest.raises(NeonUnreachableError, match="took effect is not known"):
        client(changing).start_endpoint(PROJECT, "ep-1")
    assert (len(reading.requests), len(changing.requests)) == (2, 1)


@pytest.mark.parametrize(
    ("answer", "tries", "error"),
    [
        (refusal(423), 7, LockedError),
        (refusal(429), 7, RefusedError),
        (refusal(503), 7, NeonUnreachableError),
        (refusal(500), 3, NeonUnreachableError),
        (httpx.ConnectError("refused"), 3, NeonUnreachableError),
        (refusal(401), 1, WrongKeyError),
        (refusal(409), 1, ConflictError),
    ],
)
def test_trying_ends(answer: Answer, tries: int, error: type[NeonError]) -> None:
    script = Script(answer)

    with pytest.raises(error):
        client(script).auth()

    assert tries == len(script.requests)


def test_waits_grow_with_full_jitter_up_to_ten_seconds() -> None:
    world = World(dice=0.5)

    with pytest.raises(LockedError):
        client(Script(refusal(423)), world).auth()

    assert world.sleeps == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("Sat, 21 Nov 2026 12:00:05 GMT", 5.0), ("3600", 60.0), ("soon", 0.0), ("-5", 0.0)],
)
def test_retry_after_is_honoured_in_both_forms_up_to_a_minute(header: str, seconds: float) -> None:
    world = World()

    client(
        Script(refusal(429, **{"Retry-After": header}), reply({"account_id": "a", "auth_method": "x"})), world
    ).auth()

    assert [seconds] == world.sleeps


def test_a_retry_after_date_in_the_past_is_now() -> None:
    assert retry_after("Sat, 21 Nov 2026 11:00:00 GMT", NOW) == 0.0


def test_requests_stay_below_the_pace() -> None:
    world = World()
    script = Script(reply({"account_id": "a", "auth_method": "x"}))
    neon = client(script, world, requests_per_minute=600)

    for _ in range(620):
        neon.auth()

    assert world.seconds == pytest.approx(60.0, abs=0.2)
