"""Places that are compared are those that the expressions would have matched."""

from __future__ import annotations

import re

import pytest

from sanitizers.strategies.paths import exact_place, exact_ways, parse_path, place_pattern, way_pattern

EXACT = ("$", "user", "user.email", "items[*].name", "[*]", 'a."b/c".d', r'"x\y"', '"*"', '"a.b"[*][*]', "ünï.x y")
SEVERAL = ("*.name", "**.phone", "user.**", "attrs[key=email].value")


@pytest.mark.parametrize("text", EXACT)
def test_a_plain_path_leads_to_one_place_which_its_pattern_matches(text: str) -> None:
    path = parse_path(text)

    place = exact_place(path.steps, ())

    assert place is not None
    assert re.fullmatch(place_pattern([path], ()), place)


def test_every_place_on_the_way_is_matched_and_no_other() -> None:
    paths = [parse_path(text) for text in EXACT]
    places = {exact_place(path.steps, ()) or "" for path in paths}
    pattern = way_pattern(paths, ()) or ""

    ways = exact_ways(paths, ())

    assert ways is not None
    assert {"", "/.user", "/.items", "/.items/[]", "/.a/.b\\sc"} <= set(ways)
    assert {place for place in places | set(ways) if re.fullmatch(pattern, place)} == set(ways)


@pytest.mark.parametrize("text", SEVERAL)
def test_wildcards_and_conditions_are_left_to_patterns(text: str) -> None:
    path = parse_path(text)

    assert exact_place(path.steps, path.conditions) is None
    assert exact_ways([path], path.conditions) is None


def test_elements_are_left_to_patterns_where_places_tell_what_they_fulfil() -> None:
    path = parse_path("items[*].name")

    assert exact_place(path.steps, (("key", "email"),)) is None
    assert exact_place(parse_path("user.name").steps, (("key", "email"),)) == "/.user/.name"


@pytest.mark.parametrize("text", [r'"we\"ird"', 'we"ird', '"we"ird', "a.b$", "odd]name", "a..b", "a b.[", '"open'])
def test_a_name_that_needs_quotes_is_refused_with_how_they_are_written(text: str) -> None:
    with pytest.raises(ValueError, match="is no path") as caught:
        parse_path(text)

    assert str(caught.value).endswith(
        "is no path: write it as user.email, items[*].name or **.phone; a name with dots, brackets, stars, quotes or $"
        ' in it stands in double quotes, a quote in it twice: "we""ird".email'
    )


def test_a_quote_in_a_name_is_written_twice() -> None:
    assert exact_place(parse_path('"we""ird".email').steps, ()) == '/.we"ird/.email'
