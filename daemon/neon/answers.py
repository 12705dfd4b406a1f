"""What an answer that is no success means, and what to do about it. The table of HTTP codes of this client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from daemon.errors import (
    ConflictError,
    GoneError,
    LockedError,
    NeonError,
    NeonUnreachableError,
    NotAllowedError,
    NotFoundError,
    RefusedError,
    WrongKeyError,
)
from daemon.neon.transport import READING

LONGEST_MESSAGE = 300  # characters of Neon's own words in an error of ours


@dataclass(frozen=True)
class Call:
    """A request. `project` and `thing` name what a 404 means; with no thing, the project itself is not there."""

    method: str
    path: str
    project: str = ""
    thing: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)
    body: Mapping[str, Any] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _missing(call: Call, said: str) -> NeonError:
    if not call.project:
        return NotFoundError(f"{call.path} is not known to the API: check NEON_API_HOST")
    if not call.thing or "project" in said.lower():
        return NotFoundError(f"project {call.project} not found: check the id, or the key cannot see it")
    return GoneError(f"{call.thing} of project {call.project} is not there any more ({said}): list the project again")


Words = Callable[[Call, str], NeonError]
"""From a call and what Neon said about it to an error."""

BY_STATUS: Mapping[int, Words] = {
    401: lambda _, __: WrongKeyError(
        "the API key is wrong or revoked (401): put a valid one into NEON_API_KEY or NEON_API_KEY_FILE"
    ),
    403: lambda call, said: NotAllowedError(
        f"the API key may not do this ({call}: {said}): use a key of someone who may"
    ),
    404: _missing,
    409: lambda call, said: ConflictError(
        f"Neon sees a conflict ({call}: {said}): list the project again and choose another name"
    ),
    423: lambda call, said: LockedError(
        f"the project is busy with other operations ({call}: {said}): try again in a minute"
    ),
    429: lambda _, __: RefusedError(
        "too many requests for this key (429): lower api.requests_per_minute or wait a minute", status=429
    ),
}


def refusal(call: Call, response: httpx.Response, hide: Callable[[str], str]) -> NeonError:
    """The error that an answer stands for; meaningful only where it is no success. `hide` takes secrets out."""
    status = response.status_code
    message, code = _own_words(response)
    said = hide(message) or f"HTTP {status}"
    if words := BY_STATUS.get(status):
        return words(call, said)
    if 400 <= status < 500:
        return RefusedError(f"Neon refuses {call}: {said}{f' ({code})' if code else ''}", code, status)
    if status >= 500:
        return NeonUnreachableError(f"Neon's API has a fault ({call}: {said}){aftermath(call)}")
    return NeonUnreachableError(f"{response.url.host} answers {status} instead of the API: check NEON_API_HOST")


def aftermath(call: Call) -> str:
    """What is left to say when no answer came."""
    if call.method in READING:
        return "; check the network and NEON_API_HOST"
    return f"; whether {call} took effect is not known, the next look at the project tells"


def _own_words(response: httpx.Response) -> tuple[str, str]:
    """Neon's message and code; empty for pages made by something in between."""
    try:
        data = response.json()
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(data, dict):
        return "", ""
    message, code = data.get("message"), data.get("code")
    text = " ".join(message.split())[:LONGEST_MESSAGE] if isinstance(message, str) else ""
    return text, code[:100] if isinstance(code, str) else ""
