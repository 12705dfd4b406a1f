"""National numbers of persons: for each country a part that is never issued, and the rule of its check digits.

A number is a front (out of at most 4,096), some digits of a serial, and check characters. Each check is a sum over the
characters before it: `weights` times the digit, modulo `modulus`, looked up in `characters`; None there means that such
a number does not exist, and the serial's last digit is moved on. A weight below 0 is Luhn's doubling: 2d + d / 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from sanitizers.strategies.checksums import fiscal_code, steuer_id, verhoeff

Characters = tuple[str | None, ...]
MOST_FRONTS = 4096
LUHN = -1
LUHN_CHECK: Characters = tuple(str((10 - n) % 10) for n in range(10))
MINUS_11: Characters = tuple(str((11 - n) % 11) if (11 - n) % 11 < 10 else None for n in range(11))
TEN_IS_ONE: Characters = (*(str(n) for n in range(10)), "1")
TEN_IS_ZERO: Characters = (*(str(n) for n in range(10)), "0")
FINNISH: Characters = tuple("0123456789ABCDEFHJKLMNPRSTUVWXY")
CHINESE: Characters = tuple("10X98765432")


@dataclass(frozen=True)
class Check:
    """One check: weights of the characters from the left (0: does not count), then what the remainder stands for."""

    weights: tuple[int, ...]
    modulus: int
    characters: Characters


@dataclass(frozen=True)
class Numbering:
    """One country's numbers. `fronts` are alike in form; `serial` counts digits, none of it is all zeros."""

    fronts: tuple[str, ...]
    serial: int = 0
    checks: tuple[Check, ...] = ()
    separators: bool = False
    """Whether the form has signs that a shorter column can do without."""

    @property
    def length(self) -> int:
        """Characters of a number."""
        checked = sum(len(next(c for c in check.characters if c is not None)) for check in self.checks)
        return len(self.fronts[0]) + self.serial + checked

    def plain(self) -> Numbering:
        """The same without hyphens."""
        kept = [i for i, c in enumerate(self.fronts[0]) if c != "-"]
        size = len(self.fronts[0])
        checks = tuple(
            replace(c, weights=(*(c.weights[i] for i in kept), *c.weights[size:])) for c in self.checks if c.weights
        )
        return replace(self, fronts=tuple(f.replace("-", "") for f in self.fronts), checks=checks, separators=False)


def _days(years: Sequence[int], form: str) -> tuple[str, ...]:
    """Dates written as `form` says (Y: two digits of the year, M, D); as many as fit, spread over all years."""
    dates = product(years, range(1, 13), range(1, 29))
    days = tuple(dict.fromkeys(form.format(Y=f"{y:02}", M=f"{m:02}", D=f"{d:02}") for y, m, d in dates))
    # As many as a power of two, so that some bits of a digest choose without bias.
    count = min(MOST_FRONTS, 1 << (len(days).bit_length() - 1))
    return tuple(days[i * len(days) // count] for i in range(count))


def _moved(fronts: Sequence[str], at: int, months: int) -> tuple[str, ...]:
    """Fronts whose month, two digits from `at`, is written with something added: a century, or a mark of tests."""
    return tuple(f"{f[:at]}{int(f[at : at + 2]) + months:02}{f[at + 2 :]}" for f in fronts)


def _united_states() -> tuple[str, ...]:
    return tuple(f"9{n % 100:02}-{1 + n // 100:02}-" for n in range(MOST_FRONTS))


EARLY, LATE = range(40), range(99)
_ENGLISH = Check((0, 0, 1, 1, 1, 1, 1, 1), 4, tuple("ABCD"))
_BALTIC = (Check((1, 2, 3, 4, 5, 6, 7, 8, 9, 1), 11, (*(str(n) for n in range(10)), None)),)
_NORWEGIAN = ((3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2))


@cache
def numbering(country: str) -> Numbering:
    """The numbers of a country; see docs/reference/strategies.md for why nobody has one of them."""
    return _NUMBERINGS[country]()


def _norwegian() -> Numbering:
    # The second check counts the first one, which is minus its own sum, so that both are sums over the same digits.
    first, (*second, last) = _NORWEGIAN[0], _NORWEGIAN[1]
    both = tuple((b - last * a) % 11 for a, b in zip(first, second, strict=True))
    dates = _moved(_days(LATE, "{D}{M}{Y}"), 2, 80)
    return Numbering(
        tuple(f"{f}{n % 5}" for n, f in enumerate(dates)), 2, (Check(first, 11, MINUS_11), Check(both, 11, MINUS_11))
    )


def _french() -> Numbering:
    weights = tuple(pow(10, 12 - i, 97) for i in range(13))
    fronts = tuple(f"{1 + n % 2}{f}00" for n, f in enumerate(_days(LATE, "{Y}{M}")))
    return Numbering(fronts, 6, (Check(weights, 97, tuple(f"{97 - n:02}" for n in range(97))),))


def _finnish() -> Numbering:
    weights = tuple(pow(10, 8 - i, 31) for i in range(6))
    behind = tuple(pow(10, 2 - i, 31) for i in range(3))
    fronts = tuple(f"{f}-9" for f in _days(LATE, "{D}{M}{Y}"))
    return Numbering(fronts, 2, (Check((*weights, 0, *behind), 31, FINNISH),))


_NUMBERINGS: dict[str, Callable[[], Numbering]] = {
    "us": lambda: Numbering(_united_states(), 4, separators=True),
    "gb": lambda: Numbering(("QQ",), 6, (_ENGLISH,)),
    "gb_nhs": lambda: Numbering(("999",), 6, (Check(tuple(range(10, 1, -1)), 11, MINUS_11),)),
    "ca": lambda: Numbering(("0",), 7, (Check((1, LUHN) * 4, 10, LUHN_CHECK),)),
    "in": lambda: Numbering(tuple(verhoeff(f"{n:011}") for n in _spread(2 * 10**10))),
    "de": lambda: Numbering(tuple(map(steuer_id, range(MOST_FRONTS)))),
    "it": lambda: Numbering(tuple(map(fiscal_code, range(MOST_FRONTS)))),
    "fi": _finnish,
    "fr": _french,
    "no": _norwegian,
    "se": lambda: Numbering(
        tuple(f"18{f}-" for f in _days(range(30), "{Y}{M}{D}")),
        3,
        (Check((0, 0, *(LUHN, 1) * 3, 0, LUHN, 1, LUHN), 10, LUHN_CHECK),),
        separators=True,
    ),
    "dk": lambda: Numbering(
        tuple(f"{f}-{5 + n % 4}" for n, f in enumerate(_days((58, 59), "{D}{M}{Y}"))),
        2,
        (Check((4, 3, 2, 7, 6, 5, 0, 4, 3, 2), 11, MINUS_11),),
        separators=True,
    ),
    "nl": lambda: Numbering(("9999",), 4, (Check(tuple(range(9, 1, -1)), 11, (*map(str, range(10)), None)),)),
    "pl": lambda: Numbering(
        _moved(_days(EARLY, "{Y}{M}{D}"), 2, 80), 4, (Check((1, 3, 7, 9) * 2 + (1, 3), 10, LUHN_CHECK),)
    ),
    "kr": lambda: Numbering(
        tuple(f"{f}-{9 * (n % 2)}" for n, f in enumerate(_days(EARLY, "{Y}{M}{D}"))),
        5,
        (Check((2, 3, 4, 5, 6, 7, 0, 8, 9, 2, 3, 4, 5), 11, tuple(str((11 - n) % 10) for n in range(11))),),
        separators=True,
    ),
    "cn": lambda: Numbering(
        tuple(f"11010118{f}" for f in _days(EARLY, "{Y}{M}{D}")),
        3,
        (Check(tuple(pow(2, 17 - i, 11) for i in range(17)), 11, CHINESE),),
    ),
    "ro": lambda: Numbering(
        tuple(f"{3 + n % 2}{f}{1 + n % 40:02}" for n, f in enumerate(_days(EARLY, "{Y}{M}{D}"))),
        3,
        (Check((2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9), 11, TEN_IS_ONE),),
    ),
    "bg": lambda: Numbering(
        _moved(_days(EARLY, "{Y}{M}{D}"), 2, 20), 3, (Check((2, 4, 8, 5, 10, 9, 7, 3, 6), 11, TEN_IS_ZERO),)
    ),
    "ee": lambda: Numbering(tuple(f"{1 + n % 2}{f}" for n, f in enumerate(_days(EARLY, "{Y}{M}{D}"))), 3, _BALTIC),
    "lt": lambda: Numbering(tuple(f"{1 + n % 2}{f}" for n, f in enumerate(_days(EARLY, "{Y}{M}{D}"))), 3, _BALTIC),
}


def _spread(limit: int) -> Iterator[int]:
    """Numbers all over a range, as many as there may be fronts."""
    return (1 + n * 104729 * 7919 % (limit - 1) for n in range(MOST_FRONTS))
