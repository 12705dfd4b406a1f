"""Tells by form, date and check digits of which country a national number is.

A number counts where chance would hardly make it: with a date inside, with strong checks, or grouped as its country
writes it. Nine bare digits are Dutch where their check is right, as that of every eleventh such number is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sanitizers.fields.addresses import Found
from sanitizers.fields.fakes import check_character
from sanitizers.strategies.checksums import fiscal_weight, verhoeff
from sanitizers.strategies.numberings import numbering


@dataclass(frozen=True)
class Form:
    """A country's numbers of digits alone: what they match as a whole, and what checks them."""

    country: str
    pattern: re.Pattern[str]
    right: Callable[[str], bool]
    shapes: frozenset[tuple[int, ...]]
    """How many digits each group may have."""


def id_country(shape: tuple[int, ...], digits: str) -> str | None:
    """The country of a number of some digits in some groups, as `national_id` calls it, or None."""
    for form in _FORMS.get(len(digits), ()):
        if shape in form.shapes and form.pattern.fullmatch(digits) and form.right(digits):
            return form.country
    return None


def lettered_ids(text: str) -> Iterator[Found]:
    """Numbers that have letters in them: of Great Britain, Italy, Finland, and China's that end in X."""
    for found in _LETTERED.finditer(text) if _TWO_DIGITS.search(text) else ():
        country = found.lastgroup or ""
        if _LETTERED_RIGHT[country](found[0].replace(" ", "").upper()):
            yield Found(found.start(), found.end(), f"national_id:{country}", found[0])


def _checks(country: str, hyphen: int | None = None) -> Callable[[str], bool]:
    """By the checks of the numbers that the strategy makes, each at the end; `hyphen`: where those have one."""

    def right(digits: str) -> bool:
        checks = numbering(country).checks
        digits = digits if hyphen is None else f"{digits[:hyphen]}-{digits[hyphen:]}"
        size = sum(len(next(c for c in check.characters if c is not None)) for check in checks)
        return "".join(check_character(check, digits[:-size]) or "-" for check in checks) == digits[-size:]

    return right


def _steuer_id(digits: str) -> bool:
    """One digit twice or thrice, the others once at most; ISO 7064 mod 11,10."""
    counts = [digits[:10].count(d) for d in "0123456789"]
    product = 10
    for figure in map(int, digits[:10]):
        product = 2 * ((figure + product) % 10 or 10) % 11
    return sorted(counts)[-2:] in ([1, 2], [1, 3]) and (11 - product) % 10 == int(digits[10])


def _swedish(digits: str) -> bool:
    check = numbering("se").checks[0]
    return check_character(check, f"{digits[:-4]:0>8}-{digits[-4:-1]}") == digits[-1]


def _baltic(digits: str) -> bool:
    """Two series of weights: the second counts where the first leaves 10."""
    sums = [sum(w * int(d) for w, d in zip(weights, digits, strict=False)) % 11 for weights in _BALTIC]
    return next((n for n in sums if n < 10), 0) == int(digits[10])


def _aadhaar(digits: str) -> bool:
    return verhoeff(digits[:-1]) == digits


def _italian(code: str) -> bool:
    return sum(fiscal_weight(place, c) for place, c in enumerate(code[:15])) % 26 == ord(code[15]) - ord("A")


def _any(_: str) -> bool:
    return True


def _form(country: str, pattern: str, right: Callable[[str], bool], *shapes: tuple[int, ...]) -> Form:
    return Form(country, re.compile(pattern.replace("M", _MONTH).replace("D", _DAY)), right, frozenset(shapes))


_MONTH, _DAY = "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_BALTIC = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 1), (3, 4, 5, 6, 7, 8, 9, 1, 2, 3))
_FORMS: dict[int, tuple[Form, ...]] = {
    9: (
        _form("us", r"(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}", _any, (3, 2, 4)),
        _form("ca", r"[1-79]\d{8}", _checks("ca"), (3, 3, 3)),
        _form("nl", r"\d{9}", _checks("nl"), (9,)),
    ),
    10: (
        _form("gb_nhs", r"\d{10}", _checks("gb_nhs"), (3, 3, 4)),
        _form("bg", r"\d\d(?:[024][1-9]|[135][0-2])D\d{4}", _checks("bg"), (10,)),
        _form("dk", r"DM\d{6}", _any, (6, 4)),
        _form("dk", r"DM\d{6}", _checks("dk", 6), (10,)),
        _form("se", r"\d\dM(?:D|[6-9]\d)\d{4}", _swedish, (6, 4), (10,)),
    ),
    11: (
        _form("pl", r"\d\d(?:[02468][1-9]|[13579][0-2])D\d{5}", _checks("pl"), (11,)),
        _form("no", r"[0-7]\d(?:[048][1-9]|[159][0-2])\d{7}", _checks("no"), (11,), (6, 5)),
        _form("ee", r"[1-8]\d\dMD\d{4}", _baltic, (11,)),
        _form("de", r"[1-9]\d{10}", _steuer_id, (11,), (2, 3, 3, 3)),
    ),
    12: (
        _form("in", r"[2-9]\d{11}", _aadhaar, (12,), (4, 4, 4)),
        _form("se", r"(?:19|20)\d\dM(?:D|[6-9]\d)\d{4}", _swedish, (8, 4), (12,)),
    ),
    13: (
        _form("ro", r"[1-9]\d\dMD(?:0[1-9]|[1-4]\d|5[0-2]|70)\d{4}", _checks("ro"), (13,)),
        _form("kr", r"\d\dMD\d{7}", _any, (6, 7)),
    ),
    15: (_form("fr", r"[12]\d\d(?:0[1-9]|[1-9]\d)\d{10}", _checks("fr"), (15,), (13, 2), (1, 2, 2, 2, 3, 3, 2)),),
    18: (_form("cn", r"[1-9]\d{5}(?:19|20)\d\dMD\d{4}", _checks("cn"), (18,)),),
}
"""Of Lithuania and Estonia the numbers are of one form."""
ID_SHAPES = frozenset(shape for forms in _FORMS.values() for form in forms for shape in form.shapes)
_TWO_DIGITS = re.compile(r"[0-9]{2}")
_LETTERED = re.compile(
    r"""(?<![^\W_])(?:(?P<gb>[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\ ?\d\d\ ?\d\d\ ?\d\d\ ?[A-D])
    |(?P<it>[A-Z]{6}[\dL-NP-V]{2}[A-EHLMPRST][\dL-NP-V]{2}[A-Z][\dL-NP-V]{3}[A-Z])
    |(?P<fi>[0-3]\d[01]\d{3}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y])|(?P<cn>[1-9]\d{5}(?:19|20)\d{9}X))(?![^\W_])""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_LETTERED_RIGHT = {"gb": _any, "it": _italian, "fi": _checks("fi"), "cn": _checks("cn")}
