"""Lists, read to their last page. Neon pages in two shapes: `pagination.cursor` and `pagination.next`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from daemon.errors import NeonUnreachableError
from daemon.model import Operation
from daemon.neon import parse
from daemon.neon.answers import Call
from daemon.neon.calls import Caller

T = TypeVar("T")


def read_all(
    caller: Caller, call: Call, key: str, parse_item: Callable[..., T], *, annotations: bool = False
) -> tuple[T, ...]:
    """Every entry of every page, once each. Raises NeonUnreachableError: never half a list."""
    found: dict[str, T] = {}
    for page in _pages(caller, call, key):
        _refuse_partial(page)
        notes = parse.optional(page, "annotations", dict) or {} if annotations else {}
        for entry in parse.field(page, key, list):
            name = parse.field(entry, "id", str)
            found.setdefault(name, parse_item(entry, notes.get(name)) if annotations else parse_item(entry))
    return tuple(found.values())


def read_while(
    caller: Caller, call: Call, parse_item: Callable[[Any], Operation], wanted: Callable[[tuple[Operation, ...]], bool]
) -> tuple[Operation, ...]:
    """Operations page by page for as long as a page is wanted: the history itself goes back half a year."""
    found: dict[str, Operation] = {}
    for page in _pages(caller, call, "operations"):
        operations = parse.items(page, "operations", parse_item)
        found.update((operation.id, operation) for operation in operations)
        if not wanted(operations):
            break
    return tuple(found.values())


def _pages(caller: Caller, call: Call, key: str) -> Iterator[Any]:
    seen: set[str] = set()
    while True:
        page = caller.send(call).data
        yield page
        cursor = _next(page, key)
        if cursor is None:
            return
        if cursor in seen:
            raise NeonUnreachableError(f"Neon's list of {key} turns in a circle: nothing is decided on half a list")
        seen.add(cursor)
        call = replace(call, params={**call.params, "cursor": cursor})


def _next(page: Any, key: str) -> str | None:
    """Where the next page starts. A `cursor` is given on the last full page too, so an empty page ends that shape."""
    pagination: dict[str, Any] = parse.optional(page, "pagination", dict) or {}
    if following := parse.optional(pagination, "next", str):
        return following
    cursor = parse.optional(pagination, "cursor", str)
    return cursor if cursor and parse.field(page, key, list) else None


def _refuse_partial(page: Any) -> None:
    """A list of projects names those that it could not load."""
    if missing := parse.optional(page, "unavailable_project_ids", list):
        raise NeonUnreachableError(
            f"Neon could not load {len(missing)} of the projects just now: try again in a minute"
        )
