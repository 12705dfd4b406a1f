"""What the client does when the API misbehaves: half pages, circles, codes, HTML, silence."""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from daemon.errors import (
    ConflictError,
    GoneError,
    LockedError,
    NeonError,
    NeonUnreachableError,
    NotAllowedError,
    NotFoundError,
    ObserveModeError,
    OperationFailedError,
    RefusedError,
    SettingsError,
    WrongKeyError,
)
from daemon.model import Operation
from daemon.neon import BranchChange, CreateBranch, NeonAccess, NeonClient, Timing
from daemon.neon.answers import Call
from daemon.neon.calls import translated
from daemon.neon.retry import retry_after
from tests.builders import NOW, PROJECT, ahead, api_branch

KEY = "napi_secret0123456789"
Answer = httpx.Response | Exception
Handler = Callable[[httpx.Request], httpx.Response]
READY = {"id": "op-1", "action": "create_branch", "status": "running"}


class World:
    """A clock that moves by sleeping alone, dice that always fall on the same side, and a list of the sleeps."""

    def __init__(self, dice: float = 0.0) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []
        self.timing = Timing(clock=lambda: self.seconds, sleep=self._sleep, dice=lambda: dice, now=lambda: NOW)

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.seconds += seconds


class Script:
    """Answers one after the other, the last one for ever; remembers the requests."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def paths(self) -> list[str]:
        return [f"{r.method} {r.url.path.removeprefix('/api/v2')}" for r in self.requests]


def client(handler: Handler, world: World | None = None, *, enforce: bool = True, **access: Any) -> NeonClient:
    given = {"host": "https://neon.example/api/v2", "key": KEY, "enforce": enforce, **access}
    return NeonClient(NeonAccess(**given), httpx.MockTransport(handler), (world or World()).timing)


def reply(data: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=data, headers=headers)


def refusal(status: int, message: str = "no", code: str = "", **headers: str) -> httpx.Response:
    return reply({"message": message, "code": code}, status, **headers)


def page(*names: str, **pagination: str) -> httpx.Response:
    notes = {api_branch(n)["id"]: {"object": {}, "value": {"note": n}} for n in names}
    return reply({"branches": [api_branch(n) for n in names], "annotations": notes, "pagination": pagination})


# --- lists


def test_every_page_is_read_and_each_annotation_joins_its_branch() -> None:
    script = Script(page("a", "b", next="c1"), page("c", next="c2"), page("b"))

    branches = client(script).list_branches(PROJECT)

    assert [b.name for b in branches] == ["a", "b", "c"]
    assert [b.annotation for b in branches] == [{"note": "a"}, {"note": "b"}, {"note": "c"}]
    assert [r.url.params.get("cursor") for r in script.requests] == [None, "c1", "c2"]
    assert {"created_at"} == {r.url.params["sort_by"] for r in script.requests}


def test_an_empty_page_with_a_next_one_is_not_the_end() -> None:
    assert [b.name for b in client(Script(page(next="c1"), page("a"))).list_branches(PROJECT)] == ["a"]


def test_the_other_shape_of_paging_ends_with_an_empty_page() -> None:
    one = {"id": "p-1", "name": "p", "pg_version": 17, "created_at": "2026-01-01T00:00:00Z", "store_passwords": True}
    script = Script(
        reply({"projects": [one], "pagination": {"cursor": "p-1"}}),
        reply({"projects": [], "pagination": {"cursor": "p-1"}}),
    )

    assert [p.id for p in client(script).list_projects()] == ["p-1"]
    assert len(script.requests) == 2


def test_projects_that_could_not_be_loaded_make_the_list_an_error() -> None:
    script = Script(reply({"projects": [], "unavailable_project_ids": ["p-2"]}))

    with pytest.raises(NeonUnreachableError, match="could not load 1"):
        client(script).list_projects()


def test_a_cursor_that_repeats_is_an_error_and_no_endless_loop() -> None:
    script = Script(page("a", next="c1"), page("b", next="c1"))

    with pytest.raises(NeonUnreachableError, match="circle"):
        client(script).list_branches(PROJECT)


def _without(field: str) -> dict[str, Any]:
    return {name: value for name, value in api_branch("a").items() if name != field}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"branches": None},
        {"branches": {}},
        {"branches": [None]},
        {"branches": [{}]},
        *(
            {"branches": [_without(field)]}
            for field in ("id", "name", "project_id", "default", "protected", "created_at")
        ),
        {"branches": [api_branch("a", created_at="yesterday")]},
        {"branches": [api_branch("a", created_at="2026-11-01T08:00:00")]},
        {"branches": [api_branch("a", expires_at="soon")]},
        {"branches": [api_branch("a", parent_id=7)]},
        {"branches": [api_branch("a", default="no")]},
        {"branches": [api_branch("a")], "annotations": []},
        {"branches": [api_branch("a")], "annotations": {api_branch("a")["id"]: {"value": 7}}},
        {"branches": [api_branch("a")], "pagination": "more"},
        {"branches": [api_branch("a")], "pagination": {"next": 7}},
    ],
)
def test_half_a_page_is_an_error(body: Any) -> None:
    with pytest.raises(NeonUnreachableError):
        client(Script(reply(body))).list_branches(PROJECT)


def test_a_branch_of_another_project_in_the_list_is_an_error() -> None:
    with pytest.raises(NeonUnreachableError, match="another project"):
        client(Script(reply({"branches": [api_branch("a", project_id="other")]}))).list_branches(PROJECT)


def test_a_second_page_that_fails_leaves_no_half_list() -> None:
    with pytest.raises(NeonUnreachableError):
        client(Script(page("a", next="c1"), httpx.Response(500))).list_branches(PROJECT)


def test_running_operations_are_sought_as_long_as_a_page_holds_any() -> None:
    def operations(status: str, number: int) -> httpx.Response:
        entry = {"id": f"op-{number}", "action": "start_compute", "status": status}
        return reply({"operations": [entry], "pagination": {"cursor": f"c{number}"}})

    script = Script(operations("running", 1), operations("scheduling", 2), operations("finished", 3), refusal(500))

    assert [o.id for o in client(script).list_running(PROJECT)] == ["op-1", "op-2"]


# --- retries


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


# --- what errors say


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refusal(401), WrongKeyError, "NEON_API_KEY"),
        (refusal(403, "not yours"), NotAllowedError, "not yours"),
        (
            refusal(404, "branch not found"),
            GoneError,
            "branch br-x of project dry-heart-12345678 is not there any more",
        ),
        (refusal(404, "project not found"), NotFoundError, "project dry-heart-12345678 not found: check the id"),
        (refusal(409, "branch already exists"), ConflictError, "branch already exists"),
        (refusal(422, "branches limit exceeded", "BRANCHES_LIMIT_EXCEEDED"), RefusedError, "BRANCHES_LIMIT_EXCEEDED"),
        (httpx.Response(524, html="<html>524</html>"), NeonUnreachableError, "HTTP 524"),
        (httpx.Response(200, html="<html>login</html>"), NeonUnreachableError, "not JSON"),
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), NeonUnreachableError, "answers 302"),
    ],
)
def test_each_answer_has_a_sentence_that_says_what_to_do(
    answer: httpx.Response, error: type[NeonError], words: str
) -> None:
    with pytest.raises(error) as caught:
        client(Script(answer)).get_branch(PROJECT, "br-x")

    assert words in str(caught.value)


def test_a_project_that_is_not_there_is_not_gone_but_not_found() -> None:
    with pytest.raises(NotFoundError, match="check the id, or the key cannot see it"):
        client(Script(refusal(404, ""))).list_branches(PROJECT)


def test_refusals_carry_neons_code() -> None:
    with pytest.raises(RefusedError) as caught:
        client(Script(refusal(422, "roots", "ROOT_BRANCHES_LIMIT_EXCEEDED"))).create_branch(CreateBranch(PROJECT, "x"))

    assert (caught.value.code, caught.value.status) == ("ROOT_BRANCHES_LIMIT_EXCEEDED", 422)


def _http_errors() -> Iterator[type[Exception]]:
    for _, found in inspect.getmembers(httpx, inspect.isclass):
        if issubclass(found, Exception) and issubclass(found, (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL)):
            yield found
    yield httpx.CookieConflict


@pytest.mark.parametrize("kind", sorted(_http_errors(), key=lambda kind: kind.__name__))
def test_every_error_of_the_http_library_is_translated(kind: type[Exception]) -> None:
    error = kind.__new__(kind)

    with pytest.raises((NeonUnreachableError, SettingsError)) as caught, translated("neon.example", Call("GET", "/x")):
        raise error

    assert "neon.example" in str(caught.value)


def test_every_exception_that_httpx_exports_is_one_of_those() -> None:
    exported = {found for _, found in inspect.getmembers(httpx, inspect.isclass) if issubclass(found, Exception)}

    assert exported == set(_http_errors())


def test_the_cause_of_a_lost_connection_is_named() -> None:
    error = httpx.ConnectError("x")
    error.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.__cause__.verify_message = "self-signed certificate"

    with pytest.raises(NeonUnreachableError, match="not trusted"):
        client(Script(error)).auth()


def test_a_port_where_nobody_listens_is_a_sentence() -> None:
    access = NeonAccess("http://127.0.0.1:9/api/v2", KEY, enforce=False)

    with NeonClient(access, timing=World().timing) as neon, pytest.raises(NeonUnreachableError) as caught:
        neon.auth()

    assert str(caught.value) == "cannot reach 127.0.0.1: connection refused; check the network and NEON_API_HOST"


# --- the key


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 423, 429, 500, 503])
def test_the_key_is_in_no_error_even_when_the_api_echoes_it(status: int) -> None:
    with pytest.raises(NeonError) as caught:
        client(Script(refusal(status, f"bad key {KEY}", "C"))).get_branch(PROJECT, "br-x")

    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value)


def test_the_key_is_in_no_repr() -> None:
    access = NeonAccess("https://neon.example/api/v2", KEY, enforce=False)

    assert KEY not in repr(access)
    assert KEY not in repr(client(Script(page())))


@pytest.mark.parametrize("key", ["", "with space", "with\nbreak", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(WrongKeyError) as caught:
        NeonAccess("https://neon.example/api/v2", key, enforce=False)

    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "host", ["http://neon.example/api/v2", "http://10.0.0.1/api", "http://localhost.evil.example/"]
)
def test_the_key_never_travels_in_clear_beyond_this_machine(host: str) -> None:
    with pytest.raises(SettingsError, match="in clear"):
        NeonAccess(host, KEY, enforce=False)


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:1/api/v2", "http://localhost:1", "http://[::1]:1/", "http://x.localhost/"]
)
def test_plain_http_is_allowed_to_this_machine(host: str) -> None:
    assert NeonAccess(host, KEY, enforce=False).loopback


@pytest.mark.parametrize(
    "host", ["neon.example", "ftp://neon.example", "https://", "https://a:b@neon.example", "https://x:port/"]
)
def test_a_host_that_is_no_url_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="must look like"):
        NeonAccess(host, KEY, enforce=False)


# --- observe mode


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

    with neon.allow_writes("sanitize by hand"):
        neon.delete_branch(PROJECT, "br-x")
    with pytest.raises(ObserveModeError):
        neon.delete_branch(PROJECT, "br-x")

    assert len(script.requests) == 1


# --- changes


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


# --- operations


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
