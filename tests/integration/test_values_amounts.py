"""Numbers, dates and places that lose precision: never out of their type, never stopped by NaN or infinity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from sanitizers.errors import PlanError, PolicyError
from tests.integration.value_case import Masker

NUMBERS: dict[str, Sequence[str | None]] = {
    "smallint": ["0", "1", "-1", "32767", "-32768", None],
    "integer": ["7", "2147483647", "-2147483648", None],
    "bigint": ["7", "9223372036854775807", "-9223372036854775808", None],
    "numeric(4,2)": ["99.99", "-99.99", "0.01", "NaN", None],
    "numeric(3)": ["999", "-999", "0", None],
    "numeric": ["1.50", "-123.456", "NaN", "Infinity", "-Infinity", "1e30", "0.000", None],
    "real": ["1.5", "3.4028235e38", "-3.4028235e38", "1e-40", "NaN", "Infinity", "-Infinity", None],
    "double precision": ["1.5", "1.7976931348623157e308", "-1.7976931348623157e308", "NaN", "-Infinity", "-0", None],
    "money": ["$12.34", "-$0.01", "$92,233,720,368,547,758.07", "-$92,233,720,368,547,758.08", None],
}
SPECIAL = {"NaN", "Infinity", "-Infinity", None}


@pytest.fixture
def mask(database: Any) -> Iterator[Masker]:
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        conn.execute("SET lc_monetary = 'C'; SET timezone = 'Asia/Tokyo'")
        yield Masker(conn)


def number(text: str) -> Decimal:
    return Decimal(text.replace("$", "").replace(",", ""))


@pytest.mark.parametrize("type_", NUMBERS)
@pytest.mark.parametrize(
    ("strategy", "parameters"),
    [("noise", {}), ("noise", {"percent": 100}), ("noise", {"amount": 1000}), ("generalize", {"width": 7})],
)
def test_every_number_keeps_its_type_sign_and_specials(
    mask: Masker, type_: str, strategy: str, parameters: dict[str, Any]
) -> None:
    values = NUMBERS[type_]

    fakes = mask(type_, strategy, values, **parameters)

    assert [v for v in values if v in SPECIAL] == [f for v, f in zip(values, fakes, strict=True) if v in SPECIAL]
    pairs = [(number(v), number(f)) for v, f in zip(values, fakes, strict=True) if v is not None and v not in SPECIAL]
    assert [old for old, new in pairs if old * new < 0] == []


def test_noise_is_no_more_than_was_asked_for_and_keeps_the_decimals(mask: Masker) -> None:
    values = [f"{n}.50" for n in range(100, 1100)]

    by_percent = mask("numeric(12,2)", "noise", values, percent=10)
    by_amount = mask("numeric", "noise", values, amount=25.5)

    moved = [number(f) / number(v) - 1 for v, f in zip(values, by_percent, strict=True)]
    assert Decimal("0.09") < max(map(abs, moved)) <= Decimal("0.1001")
    assert abs(sum(moved)) < 10  # to either side
    distances = [number(f) - number(v) for v, f in zip(values, by_amount, strict=True)]
    assert 25 < max(map(abs, distances)) <= Decimal("25.5")
    assert {-2} == {number(f).as_tuple().exponent for f in by_amount}
    assert len(set(by_percent)) > 900


@pytest.mark.parametrize(("type_", "largest"), [("numeric(6,2)", "9999.99"), ("smallint", "32767"), ("real", "3.4e38")])
def test_the_largest_of_a_type_moves_as_well(mask: Masker, type_: str, largest: str) -> None:
    (fake,) = mask(type_, "noise", [largest])

    assert Decimal("0.79") < number(fake) / number(largest) < 1


def test_numbers_fall_into_bands_either_side_of_nothing(mask: Masker) -> None:
    assert mask("integer", "generalize", [47, -47, 0, 50, 9]) == ["40", "-40", "0", "50", "0"]
    assert mask("numeric(6,2)", "generalize", ["7.30", "-0.26"], width=0.25) == ["7.25", "-0.25"]
    assert mask("double precision", "generalize", ["1234.5"], width=1000) == ["1000"]


@pytest.mark.parametrize(
    ("type_", "value", "to", "expected"),
    [
        ("date", "1987-06-05", "month", "1987-06-01"),
        ("date", "1987-06-05", "quarter", "1987-04-01"),
        ("date", "1987-06-05", "decade", "1980-01-01"),
        ("date", "-infinity", "year", "-infinity"),
        ("timestamp", "1987-06-05 04:03:02", "year", "1987-01-01 00:00:00"),
        ("timestamptz", "infinity", "month", "infinity"),
        ("timestamptz", "1987-06-01 03:00:00+09", "month", "1987-05-01 09:00:00+09"),
        ("date", None, "month", None),
    ],
)
def test_dates_become_the_first_of_something_in_any_time_zone(
    mask: Masker, type_: str, value: str | None, to: str, expected: str | None
) -> None:
    assert mask(type_, "generalize", [value], to=to) == [expected]


def test_of_texts_the_beginning_stays(mask: Masker) -> None:
    assert mask("text", "generalize", ["10115", "10", "", None]) == ["101", "10", "", None]
    assert mask("varchar(5)", "generalize", ["10115", "é"], characters=2, star="*") == ["10***", "é"]
    assert mask("text", "generalize", ["secret"], characters=0, star="\\") == ["\\" * 6]


@pytest.mark.parametrize("type_", ["numeric(9,6)", "numeric(4,2)", "numeric", "double precision", "real"])
def test_places_move_within_their_cell_and_stay_on_the_globe(mask: Masker, type_: str) -> None:
    values = ["52.520008", "-33.86", "90", "-90", "0", "89.99", "0.01"]

    fakes = mask(type_, "coordinates", values)

    for value, fake in zip(map(Decimal, values), map(Decimal, fakes), strict=True):
        assert abs(fake - value) <= Decimal("0.1001")
        assert abs(fake) <= 90
        assert value * fake >= 0
    assert not [v for v, f in zip(values[:2], fakes, strict=False) if v == f]


def test_places_at_the_end_of_their_type_stay_in_it(mask: Masker) -> None:
    for digits in range(2, 12):
        values = [f"{'9' * (digits - 1)}.{tenth}" for tenth in range(1, 10)]

        fakes = mask(f"numeric({digits}, 1)", "coordinates", values, decimals=0)

        assert all(len(fake) == digits + 1 for fake in fakes)


def test_specials_are_no_places_and_points_move_in_both_directions(mask: Masker) -> None:
    assert mask("double precision", "coordinates", ["NaN", "Infinity", None]) == ["NaN", "Infinity", None]
    (point, nothing) = mask("point", "coordinates", ["(13.405,52.52)", None], decimals=2)
    x, y = map(Decimal, point.strip("()").split(","))
    assert 0 < abs(x - Decimal("13.405")) <= Decimal("0.0101")
    assert 0 < abs(y - Decimal("52.52")) <= Decimal("0.0101")
    assert nothing is None


def test_everybody_gets_the_known_password_but_who_has_none(mask: Masker) -> None:
    custom = mask("text", "password", ["$2b$x", "", None], scheme="custom", hash="pbkdf2:9")
    default = mask("varchar(60)", "password", ["a", "b"])

    assert custom == ["pbkdf2:9", "", None]
    assert {60} == {len(fake) for fake in default}
    assert len(set(default)) == 1


@pytest.mark.parametrize(
    ("type_", "strategy", "parameters", "sentence"),
    [
        ("varchar(21)", "iban", {}, "22 are needed"),
        ("varchar(8)", "national_id", {"country": "us"}, "such a number has 9"),
        ("text UNIQUE", "national_id", {"country": "us"}, "use permute or digest"),
        ("text UNIQUE", "iban", {"country": "nl"}, "de or se"),
        ("text UNIQUE", "scramble", {}, "use digest or permute"),
        ("text UNIQUE", "card", {}, "unique = true"),
        ("integer", "card", {}, "needs bigint"),
        ("inet UNIQUE", "ip", {}, "unique = true"),
        ("cidr", "ip", {"unique": True}, "a network"),
        ("varchar(14)", "ip", {}, "15 are needed"),
        ("point", "mac", {}, "not text, macaddr or macaddr8"),
        ("money", "coordinates", {}, "not a number or a point"),
        ("integer", "generalize", {"width": 2.5}, "a whole number"),
        ("varchar(35) UNIQUE", "url", {}, "36 are needed"),
        ("varchar(20)", "password", {}, "60 are needed"),
        ("char(1)", "permute", {}, "2 are needed"),
        ("integer UNIQUE", "noise", {}, "unique"),
    ],
)
def test_what_does_not_fit_is_refused_when_the_plan_is_made(
    mask: Masker, type_: str, strategy: str, parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(PlanError, match=sentence):
        mask.table(type_, strategy, [], **parameters)


@pytest.mark.parametrize(
    ("strategy", "parameters", "sentence"),
    [
        ("password", {"scheme": "custom"}, "go together"),
        ("password", {"hash": "x"}, "go together"),
        ("generalize", {"width": 0}, "wider than 0"),
        ("national_id", {"country": "atlantis"}, "country"),
        ("national_id", {}, "needs the parameter 'country'"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(
    mask: Masker, strategy: str, parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(PolicyError, match=sentence):
        mask.table("text", strategy, [], **parameters)
