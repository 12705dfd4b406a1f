"""Free text: stays as it is but for what is personal in it, which gets the fakes that it has elsewhere.

What is looked for: known originals (`Known`), addresses of mail, of the web and of machines, cards, accounts,
telephones and national ids. Where two of them overlap, both go and the fake of the longer one comes: no half is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from sanitizers.fields.addresses import Found, emails, machines, urls
from sanitizers.fields.fakes import Fakes
from sanitizers.fields.known import Known
from sanitizers.fields.numbers import numbers

NOTHING_KNOWN = Known(())


class _Stretch(NamedTuple):
    """A part of the text that goes, and what decides what comes instead: a fake, or something found."""

    start: int
    end: int
    by: str | Found
    size: int

    def __repr__(self) -> str:  # no value
        return f"{type(self).__name__}({self.start}, {self.end})"


def scrub(text: str, fakes: Fakes, known: Known = NOTHING_KNOWN) -> str:
    """The text with a fake in place of everything personal that is found in it.

    Time grows with the length of the text and the number of known originals.
    """
    parts, at = [], 0
    for stretch in _merged(_stretches(text, known)):
        parts += [text[at : stretch.start], _fake(text, stretch, fakes, known)]
        at = stretch.end
    return "".join((*parts, text[at:])) if parts else text


def find(text: str, known: Known = NOTHING_KNOWN) -> Iterator[Found]:
    """Everything in a text that is personal by its form, overlapping ones as well; known numbers in any writing."""
    return chain(emails(text), urls(text), machines(text), numbers(text, known.numbers))


def _stretches(text: str, known: Known) -> list[_Stretch]:
    stretches = [_Stretch(p.start, p.end, p.fake, p.end - p.start) for p in known.places(text)]
    stretches += [_Stretch(f.start, f.end, f, f.end - f.start) for f in find(text, known)]
    stretches.sort(key=itemgetter(0))
    return stretches


def _merged(stretches: list[_Stretch]) -> Iterator[_Stretch]:
    """Stretches that overlap become one, decided by the longest; of equal ones by what is known."""
    if not stretches:
        return
    last = stretches[0]
    for stretch in stretches[1:]:
        if stretch.start >= last.end:
            yield last
            last = stretch
            continue
        best = max(last, stretch, key=lambda s: (s.size, isinstance(s.by, str)))
        last = _Stretch(last.start, max(last.end, stretch.end), best.by, best.size)
    yield last


def _fake(text: str, stretch: _Stretch, fakes: Fakes, known: Known) -> str:
    if isinstance(stretch.by, str):
        return stretch.by
    found = stretch.by
    if found.kind == "known":
        return known.numbers[found.plain]
    known_fake = known.fake_of(found.plain)
    fake = fakes.of(found.kind, found.plain) if known_fake is None else known_fake
    if found.kind == "email" and "@" not in (written := text[found.start : found.end]):
        return fake.replace("@", "%40" if "%40" in written else "=40")
    return fake
