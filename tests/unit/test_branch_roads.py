"""Roads to a branch of Neon as a whole: what is known, what is not, and what keeps it from being published."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx

from daemon.branchroads import BranchFacts, computes, history, look_at_branch, refusals
from daemon.model import Endpoint
from sanitizers.proof.roads import Found, Status
from tests.builders import NOW, branch
from tests.scripted_neon import client, refusal, reply

ROOT = branch("staging")


def facts(**changes: object) -> BranchFacts:
    return replace(BranchFacts(ROOT, ["shop"], None), **changes)  # type: ignore[arg-type]


def test_a_branch_that_began_empty_has_no_raw_history() -> None:
    assert history(facts(), NOW).status is Status.PASS
    assert "began without a row" in history(facts(), NOW).sentence


def test_a_copy_of_such_a_branch_has_none_either_and_is_not_said_to_have_begun_empty() -> None:
    found = history(facts(branch=branch("dev/child", parent="staging")), NOW)

    assert (found.status, "began without a row" in found.sentence) == (Status.PASS, False)


def test_one_that_was_masked_in_place_fails_until_the_window_is_over_and_passes_then() -> None:
    until = NOW + timedelta(days=1)

    before, after = (history(facts(raw_until=until), moment) for moment in (NOW, until))

    assert before.status is Status.FAIL
    assert f"history raw until {until:%Y-%m-%d %H:%M} UTC" in before.problems[0]
    assert after.status is Status.PASS


def test_a_child_of_one_that_was_masked_in_place_fails_until_the_window_is_over_too() -> None:
    until = NOW + timedelta(days=1)
    child = branch("dev/child", parent="staging")

    before, after = (history(facts(branch=child, parent_raw_until=until), moment) for moment in (NOW, until))

    assert before.status is Status.FAIL
    assert f"history raw until {until:%Y-%m-%d %H:%M} UTC" in before.problems[0]
    assert (after.status, "began without a row" in after.sentence) == (Status.PASS, False)


def test_a_child_of_raw_rows_fails_with_the_reason() -> None:
    found = history(facts(raw_parent="copied from production"), NOW)

    assert found.problems == ("staging: its parent holds raw rows (copied from production)",)


def test_computes_are_counted_with_those_for_reading() -> None:
    found = computes(
        [Endpoint(f"ep-{n}", "br", "host", kind, "idle") for n, kind in enumerate(("read_write", "read_only"))]
    )

    assert (found.status, found.numbers) == (Status.PASS, {"computes": 2, "read-only": 1})


def look(**by_path: httpx.Response) -> dict[str, Found]:
    """What is said of a branch on which there is nothing but what a path of the API tells."""

    def answer(request: httpx.Request) -> httpx.Response:
        last = request.url.path.split("/branches/")[-1].split("/")[1]
        return {"endpoints": reply({"endpoints": []}), **by_path}.get(last.replace("-", "_"), refusal(404))

    with client(answer) as neon:
        return {road.road: road for road in look_at_branch(neon, facts(), NOW)}


def test_a_branch_on_which_nothing_hangs_is_published() -> None:
    found = look(data_api=reply({"url": "https://api.example", "status": "active"}))

    assert {road.status for road in found.values()} == {Status.PASS}
    assert found["data-api"].numbers == {"on": 1}
    assert list(refusals(list(found.values()))) == []


def test_auth_storage_and_an_api_that_does_not_tell_are_unknown_and_keep_it_from_being_published() -> None:
    found = look(auth=reply({}), buckets=reply({"buckets": [{}, {}]}), data_api=refusal(403))

    unknown = {name for name, road in found.items() if road.status is Status.UNKNOWN}
    assert unknown == {"auth", "storage", "data-api"}
    assert len(list(refusals(list(found.values())))) == 3


def test_a_raw_history_is_told_and_keeps_nothing_from_being_published() -> None:
    found = history(facts(raw_until=NOW + timedelta(days=1)), NOW)

    assert list(refusals([found])) == []
