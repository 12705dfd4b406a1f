"""Time grows with the text and no faster, whatever somebody wrote into it."""

import time

import pytest

from sanitizers.fields.documents import scrub_json
from sanitizers.fields.fakes import Fakes
from sanitizers.fields.known import Known
from sanitizers.fields.scrub import scrub

FAKES = Fakes(bytes(range(32)))
PAIRS = Known([("Anna Meyer", "Sarah"), ("aaa", "b"), ("+49 30 123456", "+999"), ("a" * 1000, "c"), ("王", "李")])
MEGABYTE = 1_000_000
MOST_SECONDS = 60
"""For a megabyte on a busy machine; most take one, what is quadratic takes hours."""
PIECES = [
    *("a", "a.", "@", "a@", "a@b.", ".", "-", "+", "%40", "a%40", "%2B", "x%2Bx", '"', '"a"@', "a@b-", "a+b=c.d@"),
    *("://", "h://.", "h:", "www.", "http://x)", "http://x.", "1.", "1.1.1.1", ":", "a:", "::1 ", "a:b:"),
    *("1", "0", "1 ", "12 ", "1234 ", "12-", "20-", "+1", "(1", "1)(", "030 1234567 ", "4111 1111 1111 1112 ", "1 / "),
    *(
        "DE89 ",
        "DE89",
        "AB12",
        "AB 12 ",
        "A1",
        "ABCDEF",
        "aaa ",
        "anna meyer ",
        " ",
        "\n",
        "王",
        "a\u0301",
        "\u0301",
        "\\",
    ),
]


def seconds(text: str) -> float:
    begun = time.perf_counter()
    scrub(text, FAKES, PAIRS)
    return time.perf_counter() - begun


@pytest.mark.parametrize("piece", PIECES)
def test_a_hundred_kilobytes_of_anything_are_scrubbed_in_time(piece: str) -> None:
    size = MEGABYTE // 10

    assert seconds((piece * (size // len(piece) + 1))[:size]) < MOST_SECONDS / 10


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", "@corp.test", ")"])
def test_a_megabyte_that_ends_otherwise_is_scrubbed_in_time(end: str) -> None:
    for piece in ("a", "a.", "%2B", "+", "(", "http://x)"):
        assert seconds(piece * (MEGABYTE // len(piece)) + end) < MOST_SECONDS


def test_a_megabyte_of_json_is_scrubbed_in_time() -> None:
    escapes, blanks = '"' + "\\\\" * (MEGABYTE // 2) + '"', '"a"' + " " * MEGABYTE

    for document in (escapes, blanks, '["a"' + ' ,"a"' * (MEGABYTE // 25) + "]"):
        begun = time.perf_counter()
        scrub_json(document, FAKES, PAIRS)
        assert time.perf_counter() - begun < MOST_SECONDS
