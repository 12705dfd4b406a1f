"""Every answer and every failure is a sentence; the key is in none of them."""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Iterator

import httpx
import pytest

from daemon.errors import (
    ConflictError,
    GoneError,
    NeonError,
    NeonUnreachableError,
    NotAllowedError,
    NotFoundError,
    RefusedError,
    SettingsError,
    WrongKeyError,
)
from daemon.neon import CreateBranch, NeonAccess, NeonClient
from daemon.neon.answers import Call
from daemon.neon.calls import translated
from tests.builders import PROJECT
from tests.scripted_neon import KEY, Script, World, client, page, refusal


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


@pytest.mark.parametrize("kind", sorted(_http_errors(), key=str))
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
