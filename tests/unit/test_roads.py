"""What every road keeps to: it fails with problems alone, says what it could not see, and passes with neither."""

from __future__ import annotations

from typing import Any

import pytest

from sanitizers.proof.looked import Hit
from sanitizers.proof.roads.road import Found, Status
from sanitizers.proof.roads.searched import by_place


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


def test_what_a_place_holds_is_one_sentence_whatever_columns_it_is_of() -> None:
    hits = [Hit("app.t.note", f"public.people.c{n}", n) for n in range(1, 8)]

    told = list(by_place("app", [*hits[:1], Hit("app.t.other", "public.people.c1", 2), *hits[1:]]))

    assert told == [
        (
            "app.t.note holds 7 original values of app.public.people.c7, 6 of app.public.people.c6, "
            "5 of app.public.people.c5, 4 of app.public.people.c4, 3 of app.public.people.c3 and some of"
            " 2 more columns"
        ),
        "app.t.other holds 2 original values of app.public.people.c1",
    ]
