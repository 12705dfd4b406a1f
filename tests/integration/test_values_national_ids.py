"""National numbers as an independent library judges them: right check digits, wrong only where that is on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

import psycopg
import pytest
from stdnum import luhn, verhoeff
from stdnum.exceptions import InvalidComponent
from stdnum.fi import hetu
from stdnum.iso7064 import mod_11_10
from stdnum.no import fodselsnummer

from tests.fix_postgres import TestDatabase
from tests.integration.value_case import Masker

VALID = {
    "bg": "bg.egn",
    "cn": "cn.ric",
    "dk": "dk.cpr",
    "ee": "ee.ik",
    "fr": "fr.nir",
    "gb_nhs": "gb.nhs",
    "it": "it.codicefiscale",
    "lt": "lt.asmens",
    "nl": "nl.bsn",
    "pl": "pl.pesel",
    "ro": "ro.cnp",
    "se": "se.personnummer",
}
"""Country → the library's module; what is not issued there, it cannot tell."""
CHECKED: Mapping[str, Callable[[str], bool]] = {
    "ca": luhn.is_valid,
    "de": mod_11_10.is_valid,
    "fi": lambda number: hetu.is_valid(number, allow_temporary=True),
    "in": verhoeff.is_valid,
    "no": lambda number: (
        number[9:] == fodselsnummer.calc_check_digit1(number) + fodselsnummer.calc_check_digit2(number)
    ),
}
"""Countries of which it knows that such numbers are not issued: their check digits alone."""


@pytest.fixture
def mask(database: TestDatabase) -> Iterator[Masker]:
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        yield Masker(conn)


@pytest.mark.parametrize("country", sorted(VALID))
def test_numbers_are_right_in_form_and_check_digits(mask: Masker, country: str) -> None:
    judge = import_module(f"stdnum.{VALID[country]}")

    numbers = mask("text", "national_id", map(str, range(300)), country=country)

    assert [number for number in numbers if not judge.is_valid(number)] == []


@pytest.mark.parametrize("country", sorted(CHECKED))
def test_check_digits_are_right_in_parts_that_are_known_not_to_be_issued(mask: Masker, country: str) -> None:
    numbers = mask("text", "national_id", map(str, range(300)), country=country)

    assert [number for number in numbers if not CHECKED[country](number)] == []


@pytest.mark.parametrize(
    ("country", "module"), [("ca", "ca.sin"), ("fi", "fi.hetu"), ("no", "no.fodselsnummer"), ("us", "us.ssn")]
)
def test_what_the_library_knows_not_to_be_issued_it_refuses_for_that_alone(
    mask: Masker, country: str, module: str
) -> None:
    judge = import_module(f"stdnum.{module}")

    for number in mask("text", "national_id", map(str, range(50)), country=country):
        with pytest.raises(InvalidComponent):
            judge.validate(number)


@pytest.mark.parametrize("country", ["at", "ch", "de", "dk", "fr", "gb", "ie", "nl", "se"])
def test_account_numbers_are_right_in_form_and_check_digits(mask: Masker, country: str) -> None:
    judge = import_module("stdnum.iban")

    numbers = mask("text", "iban", map(str, range(300)), country=country)

    assert [number for number in numbers if not judge.is_valid(number, check_country=False)] == []
