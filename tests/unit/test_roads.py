"""What every road keeps to: it fails with problems alone, says what it could not see, and passes with neither."""

from __future__ import annotations

from typing import Any

import pytest

from sanitizers.proof.roads.road import Found, Status


def answer(**changes: Any) -> Found:
    fields: dict[str, Any] = {
        "road": "columns",
        "database": "shop",
        "status": Status.PASS,
        "numbers": {"found": 0},
        "sentence": "Nothing was found.",
    }
    return Found(**fields | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.FAIL},
        {"status": Status.PASS, "problems": ("a place holds something",)},
        {"status": Status.PASS, "numbers": {"found": 1}},
        {"status": Status.PASS, "unseen": ("a table",)},
        {"status": Status.SAMPLED, "numbers": {"found": 1}},
        {"status": Status.SAMPLED, "unseen": ("a table",)},
        {"status": Status.UNKNOWN},
        {"status": Status.UNKNOWN, "unseen": ("a table",), "problems": ("a place holds something",)},
    ],
)
def test_a_status_that_contradicts_what_was_seen_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^columns: a road"):
        answer(**changes)


def test_a_road_that_failed_may_have_seen_only_a_part() -> None:
    found = answer(status=Status.FAIL, problems=("a place holds something",), unseen=("a table",))

    assert found.unseen == ("a table",)
