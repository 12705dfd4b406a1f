"""One request to the API: sent in turn, tried again where that is safe, answered with JSON or one of our errors."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from daemon.errors import NeonError, NeonUnreachableError, SettingsError
from daemon.neon.access import NeonAccess, Timing
from daemon.neon.answers import Call, aftermath, refusal
from daemon.neon.retry import delay, tries_after
from daemon.neon.transport import TokenBucket, WriteGuard, open_transport


@dataclass(frozen=True)
class Answer:
    """A 2xx answer; `data` is None where there is no body."""

    status: int
    data: Any = field(repr=False)


class Caller:
    """Sends calls. One pace for all of them."""

    def __init__(self, access: NeonAccess, transport: httpx.BaseTransport | None, timing: Timing) -> None:
        self._access = access
        self.timing = timing
        self.guard = WriteGuard(transport or open_transport(access), enforce=access.enforce)
        self.requests: Counter[str] = Counter()
        """HTTP status, or `error` for no answer → requests so far."""
        self._bucket = TokenBucket(access.requests_per_minute, timing)
        self._http = httpx.Client(
            base_url=access.host.rstrip("/"),
            headers={"Authorization": f"Bearer {access.key}", "Accept": "application/json"},
            timeout=access.timeout,
            transport=self.guard,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call) -> Answer:
        """The answer to a call. Raises a NeonError once every safe try is spent."""
        attempt = 1
        while True:
            response, error = self._try(call)
            if response is not None and response.is_success:
                return _answer(response, self._access.name)
            if attempt >= tries_after(call.method, response.status_code if response is not None else None):
                raise error
            self.timing.sleep(delay(attempt, response, self.timing))
            attempt += 1

    def _try(self, call: Call) -> tuple[httpx.Response | None, NeonError]:
        """One try: the response, and the error to raise if it is none that we want."""
        self._bucket.take()
        try:
            with translated(self._access.name, call):
                response = self._http.request(call.method, call.path, params=dict(call.params) or None, json=call.body)
        except NeonUnreachableError as error:
            self.requests["error"] += 1
            return None, error
        self.requests[str(response.status_code)] += 1
        return response, refusal(call, response, self._hide_key)

    def _hide_key(self, text: str) -> str:
        return text.replace(self._access.key, "[key]")


@contextmanager
def translated(host: str, call: Call) -> Iterator[None]:
    """Turn every error of the HTTP library into one of ours that names the host and never the request's headers."""
    try:
        yield
    except httpx.UnsupportedProtocol:
        raise SettingsError(f"the API host {host} has no protocol that can be used: check NEON_API_HOST") from None
    except httpx.ProxyError:
        raise NeonUnreachableError(f"the proxy to {host} refuses: check HTTPS_PROXY and NO_PROXY") from None
    except httpx.TimeoutException:
        raise NeonUnreachableError(f"{host} did not answer in time{aftermath(call)}") from None
    except httpx.TransportError as error:
        raise NeonUnreachableError(f"cannot reach {host}: {_cause(error)}{aftermath(call)}") from None
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict) as error:
        raise NeonUnreachableError(f"{host} gave an answer that cannot be read ({type(error).__name__})") from None


def _cause(error: BaseException) -> str:
    """The root of the matter in words; the library's own texts hold neither headers nor bodies."""
    chain: list[BaseException] = [error]
    while (deeper := chain[-1].__cause__ or chain[-1].__context__) is not None and deeper not in chain:
        chain.append(deeper)
    for link in reversed(chain):
        if isinstance(link, ssl.SSLCertVerificationError):
            return f"its TLS certificate is not trusted ({link.verify_message})"
        if isinstance(link, OSError) and link.strerror:
            return link.strerror.lower()
    return type(error).__name__


def _answer(response: httpx.Response, host: str) -> Answer:
    if response.status_code == 204 or not response.content:
        return Answer(response.status_code, None)
    try:
        return Answer(response.status_code, response.json())
    except (ValueError, RecursionError):
        raise NeonUnreachableError(
            f"{host} answered {response.status_code} with something that is not JSON: check NEON_API_HOST"
        ) from None
