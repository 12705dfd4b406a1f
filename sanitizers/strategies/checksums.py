"""Check digits that are no plain sums; computed when a plan is made, for numbers that a statement then chooses from."""

from __future__ import annotations

CONSONANTS = "BCDFGLMNPRSTVZ"
_TIMES = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_TURNED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
"""What the characters 0 to 9 and A to J, then A to Z stand for in odd places of an Italian fiscal code."""


def verhoeff(digits: str) -> str:
    """The digits and their check digit (J. Verhoeff, 1969)."""
    state = 0
    for place, digit in enumerate(reversed(digits), start=1):
        state = int(_TIMES[state][int(_TURNED[place % 8][int(digit)])])
    return digits + str(_TIMES[state].index("0"))


def steuer_id(number: int) -> str:
    """A German tax number of the range for tests: first a 0, one digit twice, another never; ISO 7064 mod 11,10."""
    missing, twice = 1 + number % 9, 1 + (number + 1 + number // 9 % 8) % 9
    order = [str(twice)]
    for step, digit in enumerate(d for d in range(1, 10) if d != missing):
        order.insert(number * (7 + 4 * step) // 9 % (len(order) + 1), str(digit))
    digits = "0" + "".join(order)
    product = 10
    for figure in map(int, digits):
        product = 2 * ((figure + product) % 10 or 10) % 11
    return digits + str((11 - product) % 10)


def fiscal_code(number: int) -> str:
    """An Italian fiscal code whose place of birth begins with X, as no town's or country's code does."""
    letters = [CONSONANTS[number * step // 3 % len(CONSONANTS)] for step in (1, 5, 11, 17, 29, 41)]
    year, month, day = number % 100, "ABCDEHLMPRST"[number % 12], 1 + number % 28 + 40 * (number % 2)
    code = f"{''.join(letters)}{year:02}{month}{day:02}X{number * 7919 % 1000:03}"
    return code + chr(ord("A") + sum(fiscal_weight(place, c) for place, c in enumerate(code)) % 26)


def fiscal_weight(place: int, character: str) -> int:
    """What a character of a fiscal code adds to the sum whose remainder by 26 is the check letter; from place 0."""
    value = int(character) if character.isdigit() else ord(character) - ord("A")
    return _ODD[value] if place % 2 == 0 else value
