"""What every route needs: the key, the body, pages, and errors in Neon's shape."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.cloud import Cloud
from emulator.errors import ApiError, PostgresError
from emulator.state import Operation

Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Response]]
Item = TypeVar("Item")


def cloud_of(request: Request) -> Cloud:
    """Give the emulated Neon behind a request."""
    cloud: Cloud = request.app.state.cloud
    return cloud


def route(method: str, path: str, handler: Handler) -> Route:
    """Make a route that asks for the key first."""

    async def guarded(request: Request) -> Response:
        _check_key(request)
        return await handler(request)

    return Route(f"/api/v2{path}", guarded, methods=[method])


def answer(content: dict[str, Any], status: int = 200) -> Response:
    """Answer with JSON."""
    return JSONResponse(content, status)


async def body_of(request: Request, model: type[Body]) -> Body:
    """Read the body, or refuse what has not its shape; no body is an empty one."""
    try:
        return model.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(p) for p in first["loc"])
        raise ApiError(400, f"request body has an error: {place}: {first['msg']}") from error


def shown(operations: Sequence[Operation]) -> list[dict[str, Any]]:
    """Give operations as JSON."""
    return [o.shown() for o in operations]


def required(request: Request, name: str) -> str:
    """Give a query parameter that must be there."""
    if not (value := request.query_params.get(name)):
        raise ApiError(400, f'parameter "{name}" in query has an error: value is required')
    return value


@dataclass(frozen=True)
class Paging:
    """How a list is cut: page size by default and at most, and whether the greatest key comes first."""

    default: int
    greatest: int
    descending: bool = False


def page(request: Request, items: Iterable[Item], key: Callable[[Item], str], how: Paging) -> tuple[list[Item], str]:
    """Sort items by a unique key and give one page of them, and the cursor for the next page or an empty string.

    The cursor holds the last key, so that nothing is repeated or left out when items come and go between two pages.
    """
    after = _decoded(request.query_params.get("cursor"))
    ordered = sorted(items, key=key, reverse=how.descending)
    if after is not None:
        ordered = [i for i in ordered if (key(i) < after if how.descending else key(i) > after)]
    cut = ordered[: _limit(request, how)]
    return cut, encoded(key(cut[-1])) if len(cut) < len(ordered) else ""


async def refused(request: Request, error: Exception) -> Response:
    """Answer an error in Neon's shape."""
    name = request.headers.get("x-request-id") or str(uuid.uuid4())
    status, message, code = _explained(error)
    return JSONResponse({"request_id": name, "code": code, "message": message}, status)


def _explained(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, ApiError):
        return error.status, error.message, error.code
    if isinstance(error, HTTPException):
        return error.status_code, error.detail, ""
    return 500, f"the emulator failed: {error}" if isinstance(error, PostgresError) else "internal error", ""


def _check_key(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secrets.compare_digest(key.encode(), cloud_of(request).state.api_key.encode()):
        raise ApiError(401, "supplied credentials do not pass authentication")


def _limit(request: Request, how: Paging) -> int:
    text = request.query_params.get("limit", str(how.default))
    if not text.isdecimal() or not 1 <= int(text) <= how.greatest:
        raise ApiError(400, f'parameter "limit" in query has an error: must be 1 to {how.greatest}')
    return int(text)


def encoded(key: str) -> str:
    """Write an opaque cursor."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decoded(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except ValueError as error:  # no base64, or no text in it
        raise ApiError(400, 'parameter "cursor" in query has an error: not a cursor of this API') from error
