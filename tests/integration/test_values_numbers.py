"""Official numbers: right by the rule of whoever issues them, written here from its definition, and nobody's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import psycopg
import pytest

from tests.integration.value_case import Masker

COUNT = 3000
HOSTILE = ["", "x", "12-3", "ünïcödé \\ ' \x7f", None]


@pytest.fixture
def mask(database: Any) -> Iterator[Masker]:
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        yield Masker(conn)


def weighted(digits: str, weights: Sequence[int]) -> int:
    assert len(digits) == len(weights)
    return sum(int(d) * w for d, w in zip(digits, weights, strict=True))


def luhn(number: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def mod_11(digits: str, weights: Sequence[int]) -> bool:
    return weighted(digits, weights) % 11 == 0


def verhoeff(number: str) -> bool:
    """By the dihedral group itself, not by its table."""

    def times(a: int, b: int) -> int:
        if a < 5:
            return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
        return 5 + (a - b) % 5 if b < 5 else (a - b) % 5

    turn, state = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit)
        for _ in range(place % 8):
            value = turn[value]
        state = times(state, value)
    return state == 0


def born(year: int, month: str, day: str) -> bool:
    return date(year, int(month), int(day)) is not None


def german(n: str) -> bool:
    product = 10
    for digit in n[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    counts = sorted(n[:10].count(d) for d in set(n[:10]))
    return n[0] == "0" and counts == [1] * 8 + [2] and (11 - product) % 10 == int(n[10])


def italian(n: str) -> bool:
    odd = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True))
    odd |= dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", map(int, ODD_LETTERS.split()), strict=True))
    form = re.fullmatch(r"[A-Z]{6}\d\d[ABCDEHLMPRST](\d\d)X\d{3}[A-Z]", n)
    total = sum(odd[c] if i % 2 == 0 else int(c, 36) - (0 if c.isdigit() else 10) for i, c in enumerate(n[:15]))
    return form is not None and 1 <= int(form[1]) % 40 <= 31 and chr(65 + total % 26) == n[15]


ODD_LETTERS = "1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23"


def french(n: str) -> bool:
    return n[0] in "12" and 1 <= int(n[3:5]) <= 12 and n[5:7] == "00" and int(n[13:]) == 97 - int(n[:13]) % 97


def finnish(n: str) -> bool:
    number = int(n[:6] + n[7:10])
    ok = born(1900 + int(n[4:6]), n[2:4], n[:2]) and n[6] == "-" and int(n[7:10]) > 900
    return ok and "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == n[10]


def norwegian(n: str) -> bool:
    first, second = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
    ok = born(1900 + int(n[4:6]), str(int(n[2:4]) - 80), n[:2]) and int(n[6:9]) < 500
    return ok and mod_11(n[:10], first) and mod_11(n, second)


def danish(n: str) -> bool:
    old = n[7] in "5678" and int(n[4:6]) in {58, 59} and born(1800 + int(n[4:6]), n[2:4], n[:2])
    return old and mod_11(n.replace("-", ""), (4, 3, 2, 7, 6, 5, 4, 3, 2, 1))


def chinese(n: str) -> bool:
    total = sum((10 if c == "X" else int(c)) * 2 ** (17 - i) for i, c in enumerate(n))
    return born(int(n[6:10]), n[10:12], n[12:14]) and int(n[6:10]) < 1840 and total % 11 == 1


def korean(n: str) -> bool:
    digits = n.replace("-", "")
    check = (11 - weighted(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return born(1800 + int(n[:2]), n[2:4], n[4:6]) and n[7] in "90" and int(n[:2]) < 40 and check == int(digits[12])


def baltic(n: str) -> bool:
    total = weighted(n[:10], (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if total == 10:
        total = weighted(n[:10], (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return n[0] in "12" and born(1800 + int(n[1:3]), n[3:5], n[5:7]) and int(n[1:3]) < 40 and total == int(n[10])


def romanian(n: str) -> bool:
    total = weighted(n[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    county = 1 <= int(n[7:9]) <= 40
    return (
        n[0] in "34"
        and county
        and born(1800 + int(n[1:3]), n[3:5], n[5:7])
        and (total % 10 or total // 10) == int(n[12])
    )


RULES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "us": (r"9\d\d-(0[1-9]|[1-4]\d)-\d{4}", lambda n: n[7:] != "0000"),
    "gb": (r"QQ\d{6}[A-D]", lambda _: True),
    "gb_nhs": (r"999\d{7}", lambda n: mod_11(n, range(10, 0, -1))),
    "ca": (r"0\d{8}", luhn),
    "in": (r"[01]\d{11}", verhoeff),
    "de": (r"\d{11}", german),
    "it": (r"\w{16}", italian),
    "fr": (r"\d{15}", french),
    "fi": (r"\d{6}-9\d\d\w", finnish),
    "no": (r"\d{11}", norwegian),
    "dk": (r"\d{6}-\d{4}", danish),
    "se": (r"18[012]\d{5}-\d{4}", lambda n: luhn(n[2:].replace("-", "")) and born(int(n[:4]), n[4:6], n[6:8])),
    "nl": (r"9999\d{5}", lambda n: mod_11(n, (9, 8, 7, 6, 5, 4, 3, 2, -1))),
    "pl": (
        r"[0-3]\d[89]\d{8}",
        lambda n: (
            weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0
            and born(1800 + int(n[:2]), str(int(n[2:4]) - 80), n[4:6])
        ),
    ),
    "kr": (r"\d{6}-\d{7}", korean),
    "cn": (r"1101011[8]\d{9}[\dX]", chinese),
    "ro": (r"\d{13}", romanian),
    "bg": (
        r"[0-3]\d[23]\d{7}",
        lambda n: (
            weighted(n[:9], (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(n[9])
            and born(1800 + int(n[:2]), str(int(n[2:4]) - 20), n[4:6])
        ),
    ),
    "ee": (r"\d{11}", baltic),
    "lt": (r"\d{11}", baltic),
}


@pytest.mark.parametrize("country", RULES)
def test_national_ids_are_right_and_out_of_a_part_that_is_never_issued(mask: Masker, country: str) -> None:
    form, rule = RULES[country]

    fakes = mask("text", "national_id", [*HOSTILE, *map(str, range(COUNT))], country=country)

    assert fakes[4] is None
    numbers = [fake for fake in fakes if fake is not None]
    assert [n for n in numbers if not re.fullmatch(form, n) or not rule(n)] == []
    assert len(set(numbers)) > COUNT / 3


@pytest.mark.parametrize(("country", "digits"), [("us", 9), ("se", 12), ("dk", 10), ("kr", 13)])
def test_national_ids_lose_their_hyphens_where_there_is_no_room(mask: Masker, country: str, digits: int) -> None:
    long = mask("text", "national_id", map(str, range(200)), country=country)

    short = mask(f"varchar({digits})", "national_id", map(str, range(200)), country=country)

    assert [n.replace("-", "") for n in long] == short


def test_cards_are_published_test_numbers_or_of_no_network(mask: Masker) -> None:
    cards = mask("varchar(16)", "card", [*HOSTILE, *map(str, range(COUNT))])
    unique = mask("text", "card", map(str, range(COUNT)), unique=True)
    numbers = mask("bigint", "card", map(str, range(100)))

    assert {16} == {len(n) for n in cards if n}
    assert len(set(cards) - {None}) == 8
    assert set(numbers) <= set(cards)
    assert all(luhn(n) for n in {*cards, *unique} if n)
    assert {("0", 19)} == {(n[0], len(n)) for n in unique}
    assert len(set(unique)) == COUNT


@pytest.mark.parametrize(
    ("country", "bank", "length"),
    [
        ("at", "00000", 20),
        ("ch", "00000", 21),
        ("de", "9", 22),
        ("dk", "0000", 18),
        ("fr", "0000000000", 27),
        ("gb", "ZZZZ", 22),
        ("ie", "ZZZZ", 22),
        ("nl", "ZZZZ", 18),
        ("se", "000", 24),
    ],
)
def test_ibans_pass_mod_97_at_a_bank_that_there_is_not(mask: Masker, country: str, bank: str, length: int) -> None:
    ibans = mask(f"char({length})", "iban", map(str, range(COUNT)), country=country)

    assert {(country.upper(), bank, length)} == {(n[:2], n[4 : 4 + len(bank)], len(n)) for n in ibans}
    assert [n for n in ibans if int("".join(str(int(c, 36)) for c in n[4:] + n[:4])) % 97 != 1] == []
    assert all(2 <= int(n[2:4]) <= 98 for n in ibans)
    if country == "fr":  # the key of the account: bank, branch and account with their own weights
        assert {0} == {(89 * int(n[4:9]) + 15 * int(n[9:14]) + 3 * int(n[14:25]) + int(n[25:])) % 97 for n in ibans}
    assert len(set(ibans)) == COUNT


def test_imeis_are_those_of_test_devices(mask: Masker) -> None:
    imeis = mask("varchar(15)", "imei", map(str, range(COUNT)))

    assert all(re.fullmatch(r"00\d{13}", n) and luhn(n) for n in imeis)
    assert len(set(imeis)) == COUNT
