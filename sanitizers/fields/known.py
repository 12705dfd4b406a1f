"""Originals whose fakes are known: the values of the row's own masked columns and of the rows that it belongs to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

SHORTEST = 2
FEWEST_DIGITS = 4
FREE_CASE = 4
"""Characters from which on case does not count: `An` is a name, `an` is none."""
_DOUBLED = re.compile(r"  +")
_NUMBER = re.compile(r"[+(]{0,2}\d[\d\s./()\-\u2010-\u2015]+", re.ASCII)
_NO_DIGITS = re.compile(r"[^0-9]+")
FEWEST_OF_NUMBER = 7
# Scripts that put no blank between words, or write particles on to a name.
UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u9fff\uac00-\ud7af\uf900-\ufaff\U00010000-\U0010ffff]"
_UNSPACED = re.compile(UNSPACED)
_SPACES = {ord(c): " " for c in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006"}
_SPACES |= {ord(c): " " for c in "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"} | {
    0x3C2: "\u03c3"
}  # final sigma


@cache
def marks() -> str:
    r"""Characters that continue a word although `\w` does not hold them: accents of NFD, vowel signs, joiners."""
    found = [c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c)[0] == "M"]
    return "".join(found) + "\u200c\u200d"


class Place(NamedTuple):
    """A known original in a text, from `start` to before `end`, and what comes there."""

    start: int
    end: int
    fake: str

    def __repr__(self) -> str:  # no value
        return f"{type(self).__name__}({self.start}, {self.end})"


class Known:
    """Pairs of original and fake; of two pairs with one original the first counts. Finds them in texts.

    Whole words, upper and lower case alike from four characters on, accents as they are (composed or not), any white
    space for white space. Originals that `too_short` names are not looked for: they would be found by chance.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._needles: dict[str, tuple[str, str]] = {}
        self.numbers: dict[str, str] = {}
        """Fakes of originals that are numbers, by their digits without zeros in front."""
        for original, fake in pairs:
            self._take(original.strip(), fake)

    def places(self, text: str) -> Iterator[Place]:
        """Every place of every original, overlapping ones as well."""
        if self._needles:
            folded, moved = _squeezed(_folded(text))
            for needle, (exact, fake) in self._needles.items():
                if needle not in folded:
                    continue
                for start in _starts(needle, folded):
                    end = start + len(needle)
                    begin, stop = (moved[start], moved[end - 1] + 1) if moved else (start, end)
                    if not exact or text[begin:stop] in {exact, exact.upper()}:
                        yield Place(begin, stop, fake)

    def fake_of(self, original: str) -> str | None:
        """The fake of a whole value, in any case, or None."""
        exact, fake = self._needles.get(_folded(original), ("", None))
        return None if exact else fake

    def _take(self, original: str, fake: str) -> None:
        if too_short(original):
            return
        for form in dict.fromkeys((original, unicodedata.normalize("NFC", original), _decomposed(original))):
            needle, _ = _squeezed(_folded(form))
            self._needles.setdefault(needle, (form if len(form) < FREE_CASE else "", fake))
        if _NUMBER.fullmatch(original) and len(digits := plain_digits(original)) >= FEWEST_OF_NUMBER:
            self.numbers.setdefault(digits, fake)


def plain_digits(number: str) -> str:
    """The digits of a number without separators, plus and zeros in front."""
    return _NO_DIGITS.sub("", number).lstrip("0")


def too_short(original: str) -> bool:
    """Whether an original would be found everywhere: one character of an alphabet, up to three digits, no letter."""
    text = original.strip()
    if text.isdecimal():
        return len(text) < FEWEST_DIGITS
    return not any(c.isalnum() for c in text) or (len(text) < SHORTEST and not _UNSPACED.match(text))


def _starts(needle: str, text: str) -> Iterator[int]:
    """Where the needle stands as a whole word. Linear: of a word that does not begin with it the rest is skipped."""
    at = text.find(needle)
    while at >= 0:
        if at and _joined(text[at - 1], needle[0]):
            at = _next_break(text, at)
        elif (end := at + len(needle)) < len(text) and _joined(needle[-1], text[end]):
            at += 1
        else:
            yield at
            at = end
        at = text.find(needle, at)


def _next_break(text: str, at: int) -> int:
    while at < len(text) and _joined(text[at - 1], text[at]):
        at += 1
    return at


def _joined(left: str, right: str) -> bool:
    """Whether a word goes on from one character to the next."""
    return _in_word(left) and _in_word(right) and not (_UNSPACED.match(left) or _UNSPACED.match(right))


def _in_word(character: str) -> bool:
    return character.isalnum() or (character > "\u02ff" and character in _marks())


@cache
def _marks() -> frozenset[str]:
    return frozenset(marks())


def _folded(text: str) -> str:
    """In lower case and with plain blanks, character by character, so that places stay what they are."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return low.translate(_SPACES)


def _squeezed(text: str) -> tuple[str, list[int]]:
    """The text with single blanks, and where each character was (empty: where it is)."""
    if "  " not in text:
        return text, []
    moved: list[int] = []
    at = 0
    for found in _DOUBLED.finditer(text):
        moved.extend(range(at, found.start() + 1))
        at = found.end()
    moved.extend(range(at, len(text)))
    return _DOUBLED.sub(" ", text), moved


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)
