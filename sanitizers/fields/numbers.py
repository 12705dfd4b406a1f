"""Finds numbers of persons in texts: cards, accounts, telephones and national ids.

A run of groups of digits is cut into windows of whole groups, for `order 12 4111 1111 1111 1111` holds a card. A window
is of the kind whose form and check digits it has; of several that begin at one group the longest one counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterator, Sequence
from typing import NamedTuple

from sanitizers.fields.addresses import Found
from sanitizers.fields.national import ID_SHAPES, id_country, lettered_ids

_GROUPS = r"(?<!\d\.)(?:\(?\+)?\(?\d++(?:(?: / | - |[ \u00a0\u202f./()\-\u2010-\u2013]{1,2}+)\d++)*+"
_RUN = re.compile(rf"(?<![^\W_]){_GROUPS}", re.ASCII)
_BEHIND_A_LETTER = re.compile(rf"(?<=[^\W\d_]){_GROUPS}", re.ASCII)
_GROUP = re.compile(r"\d+")
_DAY = re.compile(r"\d\d?[./-]\d\d?[./-](?:19|20)\d\d(?!\d)|(?:19|20)\d\d([./-])\d\d?\1\d\d?(?!\d)")
MOST_GROUPS, MOST_DIGITS, FEWEST_DIGITS = 8, 19, 7
CARD_SHAPES = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13), (8, 8)} | {(n,) for n in range(13, 20)}
# ISO 13616: characters of an IBAN by country.
_IBAN_LENGTHS = {
    length: set(countries.split())
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL FK SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ DZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
}
_LENGTH_OF = {country: length for length, countries in _IBAN_LENGTHS.items() for country in countries}
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}[ -]?(?=[A-Za-z0-9])", re.ASCII)


_LOCAL = {
    10: re.compile(r"[2-9]\d\d[2-9]\d{6}|[6-9]\d{9}"),
    11: re.compile(r"1[2-9]\d\d[2-9]\d{6}|1[3-9]\d{9}"),
}
_LOCAL_SHAPES = {10: {(10,), (3, 3, 4), (3, 7), (5, 5)}, 11: {(11,), (1, 3, 3, 4), (1, 10), (3, 4, 4)}}


_Group = tuple[int, int, bool]
"""Where it begins and ends, and whether a day is written from there."""


class Window(NamedTuple):
    """Whole groups of a run."""

    text: str
    start: int
    end: int
    digits: str
    """The number without its separators."""
    shape: tuple[int, ...]
    """How many digits each group has."""

    def __repr__(self) -> str:  # no value
        return f"{type(self).__name__}({self.start}, {self.end})"

    @property
    def signed(self) -> bool:
        """Whether a plus or an opening bracket stands in front."""
        return self.text[self.start] in "+("

    @property
    def written(self) -> str:
        """As it stands in the text."""
        return self.text[self.start : self.end]


def numbers(text: str, known: Collection[str] = ()) -> Iterator[Found]:
    """Cards, accounts, telephones and ids, and numbers whose plain digits are known, as kind `known`.

    Letters may stand around those that are known: they need no form to be told by.
    """
    for run in _RUN.finditer(text):
        if len(run[0]) >= FEWEST_DIGITS:
            yield from _in_run(text, run, known)
    for run in _BEHIND_A_LETTER.finditer(text) if known else ():
        yield from (found for found in _in_run(text, run, known) if found.kind == "known")
    yield from ibans(text)
    yield from lettered_ids(text)


def ibans(text: str) -> Iterator[Found]:
    """Accounts with right check digits, with or without blanks."""
    for head in _IBAN.finditer(text):
        length = _LENGTH_OF.get(head[0][:2].upper())
        if length is not None and (end := _nth(text, head.start(), length)) is not None:
            plain = re.sub(r"[ -]", "", text[head.start() : end]).upper()
            if int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1:
                yield Found(head.start(), end, "iban", plain)


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1)."""
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(map(int, odd)) + sum(int("0246813579"[int(d)]) for d in even)) % 10 == 0


def _nth(text: str, start: int, length: int) -> int | None:
    """Where the `length`-th letter or digit from there ends, over single blanks and hyphens, if a word ends there."""
    at, count = start, 0
    while at < len(text) and count < length:
        if text[at].isascii() and text[at].isalnum():
            count += 1
        elif text[at] not in " -" or text[at - 1] in " -":
            return None
        at += 1
    ended = at == len(text) or not (text[at].isalnum() or text[at] == "_")
    return at if count == length and ended else None


def _in_run(text: str, run: re.Match[str], known: Container[str]) -> Iterator[Found]:
    groups = [
        (m.start(), m.end(), _DAY.match(text, m.start()) is not None)
        for m in _GROUP.finditer(text, run.start(), run.end())
    ]
    at = 0
    while at < len(groups):
        found = None
        for window in _windows(text, groups, at, run.start()):
            if (plain := window.digits.lstrip("0")) in known:
                found = window, ("known", plain)
                break
            if not _goes_on(text, window.end) and (kind := _kind(window)):
                found = window, kind
        if found:
            yield Found(found[0].start, found[0].end, *found[1])
        at += len(found[0].shape) if found else (3 if groups[at][2] else 1)


def _windows(text: str, groups: Sequence[_Group], at: int, least: int) -> Iterator[Window]:
    """Those that begin at one group, the shortest first; no day is a part of one."""
    digits, shape = "", tuple[int, ...]()
    for start, end, day in groups[at : at + MOST_GROUPS]:
        digits, shape = digits + text[start:end], (*shape, end - start)
        if len(digits) > MOST_DIGITS or day:
            return
        if len(digits) >= FEWEST_DIGITS:
            yield Window(text, _sign_before(text, groups[at][0], end, least), end, digits, shape)


def _goes_on(text: str, end: int) -> bool:
    return end < len(text) and (text[end].isalpha() or text[end] == "_")


def _sign_before(text: str, start: int, end: int, least: int) -> int:
    """Over a plus, and over a bracket that is closed within the number."""
    signs = ("+", "(", "+") if text.find(")", start, end) > 0 else ("+",)
    for sign in signs:
        if start > least and text[start - 1] == sign:
            start -= 1
    return start


def _kind(window: Window) -> tuple[str, str] | None:
    """Kind and plain form of a window, or None."""
    digits = window.digits
    if window.shape in CARD_SHAPES and digits[0] in "23456" and not window.signed and luhn(digits):
        return "card", digits
    if window.shape in ID_SHAPES and (country := id_country(window.shape, digits)) and not window.signed:
        return f"national_id:{country}", window.written
    return ("phone", window.written) if _phone(window, digits) else None


def _phone(window: Window, digits: str) -> bool:
    """With a plus, with zeros in front, or in the form of North America, China or India; no decimal fraction."""
    size = len(digits)
    if window.signed and "+" in window.written[:2]:
        return size <= 15
    if digits.startswith("00"):
        return 9 <= size <= 17 and digits[2] != "0"
    if digits.startswith("0"):
        return 9 <= size <= 12 and not window.written.startswith("0.") and not _fraction(window)
    if window.shape in _LOCAL_SHAPES.get(size, ()):
        return _LOCAL[size].fullmatch(digits) is not None and not _fraction(window)
    return False


def _fraction(window: Window) -> bool:
    return window.start > 1 and window.text[window.start - 1] in ".," and window.text[window.start - 2].isdigit()
