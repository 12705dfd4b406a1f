"""Lists are whole or they are an error."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from daemon.errors import (
    NeonUnreachableError,
)
from tests.builders import PROJECT, api_branch
from tests.scripted_neon import Script, client, page, refusal, reply


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
        {"branches": [api_branch("a", logical_size=True)]},
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
