"""Finds addresses in texts: of mail, of the web, of machines. Linear: what begins a search is found first (`@`, `://`)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from sanitizers.fields.known import UNSPACED, marks


class Found(NamedTuple):
    """Something personal in a text, from `start` to before `end`."""

    start: int
    end: int
    kind: str
    """What `Fakes.of` makes of it."""
    plain: str
    """As it would stand in a column of its own."""

    def __repr__(self) -> str:  # no value
        return f"{type(self).__name__}({self.start}, {self.end})"


_AT = re.compile(r"@|%40|=40")
_JOINERS = ".+'-"
_ESCAPES = {"%2b": "+", "%2e": ".", "%2d": "-", "%5f": "_", "%27": "'"}
_ESCAPE = re.compile("|".join(_ESCAPES), re.IGNORECASE)
_QUOTED = re.compile(r'"[^"\n]{1,64}"\Z')
_V4 = re.compile(r"(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?!\w|\.\d)", re.ASCII)
_V6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:\.\d{1,3}){0,3}(?!\w|:)", re.ASCII)
_WEB = re.compile(r"://|(?<![\w.-])www\.", re.IGNORECASE)
_SCHEME_BACKWARDS = re.compile(r"[a-z0-9+.-]*[a-z]", re.IGNORECASE)
_REST_OF_URL = re.compile(r"""[^\s<>"`{}|\\^]*""")
_BEHIND_URL = ".,;:!?'*_~"
# Text of a script without blanks, written on to an address in ASCII.
_GLUED = re.compile(rf"^[\0-\x7f]+\.([a-zA-Z]+){UNSPACED}")
_GLUED_BEFORE = re.compile(rf"{UNSPACED}([\0-\x7f]+)\Z")
_CLOSING = {")": "(", "]": "["}


def emails(text: str) -> Iterator[Found]:
    """Mail addresses, also with `%40` (as in links) and `=40` (quoted-printable); those at hosts without a dot, too."""
    if "@" not in text and "%40" not in text and "=40" not in text:
        return
    backwards, before = text[::-1], 0
    for sign in _AT.finditer(text):
        start = _behind_joiners(text, max(before, _local_start(text, backwards, sign.start())), sign.start())
        end = _domain_end(text, sign)
        if start < sign.start() and end > sign.end():
            before = end
            local = _ESCAPE.sub(lambda found: _ESCAPES[found[0].lower()], text[start : sign.start()])
            yield Found(start, end, "email", f"{local}@{text[sign.end() : end]}")


def urls(text: str) -> Iterator[Found]:
    """Addresses with a scheme and `//`, or that begin with `www.`; without the sentence's own punctuation behind."""
    at = 0 if "://" in text or "www." in text.lower() else len(text)
    while sign := _WEB.search(text, at):
        rest = _REST_OF_URL.match(text, sign.end())
        end = _without_punctuation(text, sign.end(), rest.end() if rest else sign.end())
        start = _scheme_start(text, sign, at)
        if start is not None and end > sign.end():
            yield Found(start, end, "url", text[start:end])
        at = max(end, sign.end())


def machines(text: str) -> Iterator[Found]:
    """Addresses of IPv4 and IPv6, without port and mask."""
    for found in _V4.finditer(text) if text.count(".") >= 3 else ():
        if all(int(part) < 256 for part in found[0].split(".")):
            yield Found(found.start(), found.end(), "ip", found[0])
    if text.count(":") >= 2:
        for found in _V6.finditer(text):
            written = found[0].removesuffix(":") if not found[0].endswith("::") else found[0]
            if sum(c.isalnum() for c in written) > 1 and _is_v6(written):
                yield Found(found.start(), found.start() + len(written), "ip", written)


def _is_v6(written: str) -> bool:
    with suppress(ValueError):
        ipaddress.IPv6Address(written)
        return True
    return False


def _local_start(text: str, backwards: str, at: int) -> int:
    """Where the part before the sign begins: at a letter or digit, or at the quote that it stands in."""
    if at and text[at - 1] == '"' and (quoted := _QUOTED.search(text, max(0, at - 66), at)):
        return quoted.start()
    start = _run_start(backwards, at)
    if start > 1 and text[start - 1] == "=" and text.find(".", start, at) > 0:
        # A bounce's address holds another one: bounce+anna=corp.test@list.test
        inner = _run_start(backwards, start - 1)
        start = inner if text.find("+", inner, start) >= 0 else start
    if glued := _GLUED_BEFORE.search(text, start, at):
        start = glued.start(1)
    return start


def _behind_joiners(text: str, start: int, at: int) -> int:
    """No address begins with a sign that joins, such as the quote between two."""
    while start < at and text[start] in _JOINERS:
        start += 1
    return start


def _run_start(backwards: str, at: int) -> int:
    """Where the characters of an address that end before `at` begin."""
    found = _local_backwards().match(backwards, len(backwards) - at)
    return len(backwards) - found.end() if found else at


def _domain_end(text: str, sign: re.Match[str]) -> int:
    """Where the host ends; it is a name, but for an encoded sign one with a dot, or an address of IPv4."""
    if machine := _V4.match(text, sign.end()):
        return machine.end()
    found = _domain().match(text, sign.end())
    if found is None or (sign[0] != "@" and "." not in found[0]):
        return sign.end()
    if found[0][0].isdigit() and found[0].rpartition(".")[2][0].isdigit():
        return sign.end()  # a version: pack@4.17.21
    glued = _GLUED.search(found[0])
    return found.start() + glued.end(1) if glued else found.end()


def _scheme_start(text: str, sign: re.Match[str], least: int) -> int | None:
    if sign[0] != "://":
        return sign.start()
    # Backwards over what may be a scheme, no farther than the end of the address before.
    found = _SCHEME_BACKWARDS.match(text[least : sign.start()][::-1])
    return None if found is None else sign.start() - found.end()


def _without_punctuation(text: str, start: int, end: int) -> int:
    """The end without what closes the sentence or the bracket around the address."""
    counts = {c: text.count(c, start, end) for c in "()[]"}
    while end > start and (text[end - 1] in _BEHIND_URL or _unopened(text[end - 1], counts)):
        end -= 1
        if text[end] in counts:
            counts[text[end]] -= 1
    return end


def _unopened(character: str, counts: dict[str, int]) -> bool:
    return character in _CLOSING and counts[character] > counts[_CLOSING[character]]


@cache
def _local_backwards() -> re.Pattern[str]:
    """The part before the sign, read from the sign to the left; escapes of links stand in it backwards, too."""
    escapes = "|".join(escape[::-1] for escape in _ESCAPES)
    return re.compile(rf"(?:(?:{escapes})|[\w.+'\-{marks()}])++", re.IGNORECASE)


@cache
def _domain() -> re.Pattern[str]:
    label = rf"(?:xn--)?[\w{marks()}]++(?:-[\w{marks()}]++)*+"
    return re.compile(rf"{label}(?:\.{label})*+")
