"""Observe mode lets nothing through; changes send what is given and wait for what they start."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from daemon.errors import (
    ObserveModeError,
    OperationFailedError,
)
from daemon.model import Operation
from daemon.neon import BranchChange, CreateBranch, NeonClient
from tests.builders import PROJECT, ahead
from tests.scripted_neon import READY, Script, World, client, page, refusal, reply


def _writes(neon: NeonClient) -> list[Callable[[], object]]:
    return [
        lambda: neon.create_branch(CreateBranch(PROJECT, "x")),
        lambda: neon.update_branch(PROJECT, "br-x", BranchChange(name="y")),
        lambda: neon.delete_branch(PROJECT, "br-x"),
        lambda: neon.reset_password(PROJECT, "br-x", "app"),
        lambda: neon.start_endpoint(PROJECT, "ep-x"),
        lambda: neon.disable_endpoint(PROJECT, "ep-x", disabled=True),
    ]


@pytest.mark.parametrize("number", range(6))
def test_observe_mode_sends_no_write(number: int) -> None:
    script = Script(reply({}))
    write = _writes(client(script, enforce=False))[number]

    with pytest.raises(ObserveModeError, match="was not sent"):
        write()

    assert script.requests == []


def test_observe_mode_reads() -> None:
    assert len(client(Script(page("a")), enforce=False).list_branches(PROJECT)) == 1


def test_writes_are_allowed_by_name_and_only_inside_the_block() -> None:
    script = Script(reply({"operations": []}))
    neon = client(script, enforce=False)

    with neon.allow_writes(PROJECT):
        neon.delete_branch(PROJECT, "br-x")
    with pytest.raises(ObserveModeError):
        neon.delete_branch(PROJECT, "br-x")

    assert len(script.requests) == 1


def test_what_is_not_given_is_not_sent_and_none_clears_the_expiry() -> None:
    script = Script(reply({"operations": []}))
    neon = client(script)

    neon.update_branch(PROJECT, "br-x", BranchChange(name="y"))
    neon.update_branch(PROJECT, "br-x", BranchChange(expires_at=None))
    neon.update_branch(PROJECT, "br-x", BranchChange(expires_at=ahead(hours=2), protected=False))

    assert [r.content for r in script.requests] == [
        b'{"branch":{"name":"y"}}',
        b'{"branch":{"expires_at":null}}',
        b'{"branch":{"protected":false,"expires_at":"2026-11-21T14:00:00+00:00"}}',
    ]


def test_deleting_what_is_gone_is_a_success() -> None:
    assert client(Script(httpx.Response(204))).delete_branch(PROJECT, "br-x") == ()


def test_a_password_that_neon_does_not_store_is_none() -> None:
    assert client(Script(refusal(412, "passwords are not stored"))).reveal_password(PROJECT, "br-x", "app") is None


def test_names_travel_quoted() -> None:
    script = Script(reply({"password": "p"}))

    client(script).reveal_password(PROJECT, "br-x", "a/b?c")

    assert (
        script.requests[0].url.raw_path.decode()
        == f"/api/v2/projects/{PROJECT}/branches/br-x/roles/a%2Fb%3Fc/reveal_password"
    )


def _operation(status: str, **fields: str) -> httpx.Response:
    return reply({"operation": {**READY, "status": status, **fields}})


@pytest.mark.parametrize("status", ["finished", "skipped"])
def test_waiting_ends_when_the_operation_is_done(status: str) -> None:
    world, script = World(), Script(_operation("running"), _operation(status))

    client(script, world).wait_for(PROJECT, (Operation("op-1", "create_branch", "scheduling"),))

    assert [f"GET /projects/{PROJECT}/operations/op-1"] * 2 == script.paths
    assert world.sleeps == [0.1, 0.2]


def test_nothing_is_asked_about_an_operation_that_is_done_already() -> None:
    script = Script(refusal(500))

    client(script).wait_for(PROJECT, (Operation("op-1", "create_branch", "finished"),))

    assert script.requests == []


@pytest.mark.parametrize(
    "fields", [{"status": "cancelled"}, {"status": "failed"}, {"status": "error", "error": "disk"}]
)
def test_a_failed_operation_is_an_error(fields: dict[str, str]) -> None:
    with pytest.raises(OperationFailedError, match=fields.get("error", "ended as")):
        client(Script(_operation(**fields))).wait_for(PROJECT, (Operation("op-1", "create_branch", "running"),))


def test_a_failed_operation_that_neon_tries_again_is_waited_for() -> None:
    script = Script(_operation("failed", retry_at="2026-11-21T12:05:00Z"), _operation("finished"))

    client(script).wait_for(PROJECT, (Operation("op-1", "create_branch", "running"),))

    assert len(script.requests) == 2


def test_a_failed_operation_whose_retry_is_past_is_an_error() -> None:
    script = Script(_operation("failed", retry_at="2026-11-21T11:00:00Z"))

    with pytest.raises(OperationFailedError):
        client(script).wait_for(PROJECT, (Operation("op-1", "create_branch", "running"),))


def test_waiting_has_an_end() -> None:
    world = World()

    with pytest.raises(OperationFailedError, match="has not ended in time"):
        client(Script(_operation("running")), world).wait_for(PROJECT, (Operation("op-1", "x", "running"),), timeout=30)

    assert 30 <= world.seconds < 33


def test_a_new_password_counts_only_when_its_operations_have_ended() -> None:
    role = {"name": "app", "password": "new", "updated_at": "2026-11-21T12:00:00Z"}
    script = Script(reply({"role": role, "operations": [READY]}), _operation("finished"))

    assert client(script).reset_password(PROJECT, "br-x", "app") == "new"
    assert len(script.requests) == 2
