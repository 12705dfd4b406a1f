"""Numbers of persons in texts: told by form and check digits from those that are nobody's."""

import importlib

import pytest
from stdnum import luhn as stdnum_luhn

from sanitizers.fields.fakes import Fakes
from sanitizers.fields.numbers import luhn, numbers
from sanitizers.fields.scrub import scrub

FAKES = Fakes(bytes(range(32)))


def kinds(text: str) -> list[str]:
    return [f"{found.kind}={text[found.start : found.end]}" for found in numbers(text)]


CARDS = ["4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "3782 822463 10005", "6011 0009 9013 9424"]


@pytest.mark.parametrize("card", CARDS)
def test_cards_are_found_among_other_numbers(card: str) -> None:
    for text in (card, f"order 12 {card} 3", f"({card}),", f"card_{card}.", f"1 {card}\n2"):
        assert [f"card={card}"] == [k for k in kinds(text) if k.startswith("card")]


def test_a_comma_behind_a_digit_hides_no_card() -> None:
    card = "4111111111111111"

    for text in ("[7,{}]", "7,{},12"):
        assert scrub(text.format(card), FAKES) == text.format(FAKES.card(card))


def test_numbers_with_a_wrong_check_digit_are_no_cards() -> None:
    assert kinds("4111 1111 1111 1112") == []
    for number in ("4111111111111111", "79927398713", "79927398710", "0", "18"):
        assert stdnum_luhn.is_valid(number) == luhn(number)


def test_one_card_gets_one_fake_however_it_is_written() -> None:
    fakes = {scrub(card, FAKES) for card in ("4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111")}

    assert fakes == {FAKES.card("4111111111111111")}


IBANS = ["DE89370400440532013000", "GB29NWBK60161331926819", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"]


@pytest.mark.parametrize("iban", IBANS)
def test_accounts_are_found_with_and_without_blanks(iban: str) -> None:
    grouped = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))

    for written in (iban, grouped, grouped.replace(" ", "-"), iban.lower()):
        assert f"to {FAKES.iban(iban)} please 12" == scrub(f"to {written} please 12", FAKES)


def test_accounts_with_wrong_check_digits_or_of_other_lengths_stay() -> None:
    for text in (
        "DE88370400440532013000",
        "DE8937040044053201300",
        "DE893704004405320130001",
        "XX89370400440532013000",
    ):
        assert [k for k in kinds(text) if k.startswith("iban")] == []


PHONES = [
    *("+49 30 123456", "+49 (0)30 / 123456", "+1 212 555 0123", "+12125550123", "0049 30 123456", "(+49) 30-123456"),
    *("(212) 555-0123", "212-555-0123", "212.555.0123", "1-212-555-0123", "2125550123", "01 45 67 89 10"),
    *("+44 20 7946 0958", "020 7946 0958", "13812345678", "138 1234 5678", "98765 43210", "+91\u00a098765\u00a043210"),
]


@pytest.mark.parametrize("phone", PHONES)
def test_telephones_are_found_whole(phone: str) -> None:
    for text in (phone, f"Tel.{phone}", f"call {phone}, please", f"tel:{phone};", f"{phone}\n2"):
        assert text.replace(phone, "") == scrub(text, FAKES).replace(FAKES.phone(phone), "")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 07:11:49.123456",
        "01.02.2026 10:30",
        "1/2/2026 to 28/2/2026",
        "1.234.567,89",
        "0.12345678901",
        "3.14159265358979",
        "52.520008, 13.404954",
        "1700000000 and 1700000000000",
        "550e8400-e29b-41d4-a716-446655440000",
        "a1b2c3d4e5f60123456789",
        "order 4711-22, 12 pieces",
        "100 - 2000",
        "5 000 000",
        "2024/25",
    ],
)
def test_dates_amounts_and_other_numbers_stay(text: str) -> None:
    assert text == scrub(text, FAKES)


# National ids: the oracle is python-stdnum

IDS = {
    "us": "536-22-1234",
    "ca": "123 456 782",
    "nl": "111222333",
    "gb_nhs": "943 476 5919",
    "bg": "7523169263",
    "dk": "211062-5629",
    "se": "880320-0016",
    "pl": "44051401458",
    "no": "15108695088",
    "ee": "36805280109",
    "de": "36574261809",
    "in": "2341 2341 2346",
    "ro": "1800101221144",
    "kr": "971013-9019902",
    "fr": "2 95 10 99 126 111 93",
    "cn": "360426199101010071",
    "fi": "131052-308T",
    "it": "RCCMNL83S18D969H",
    "gb": "AB 12 34 56 C",
}


@pytest.mark.parametrize("country", IDS)
def test_national_ids_are_found_and_replaced_by_those_of_nobody(country: str) -> None:
    number = IDS[country]
    fake = FAKES.national_id(number, country)

    assert f"id {fake}." == scrub(f"id {number}.", FAKES)


ORACLES = {
    "ca": "ca.sin",
    "nl": "nl.bsn",
    "gb_nhs": "gb.nhs",
    "bg": "bg.egn",
    "se": "se.personnummer",
    "pl": "pl.pesel",
    "no": "no.fodselsnummer",
    "ee": "ee.ik",
    "de": "de.idnr",
    "in": "in_.aadhaar",
    "fr": "fr.nir",
    "fi": "fi.hetu",
    "it": "it.codicefiscale",
    "ro": "ro.cnp",
}


@pytest.mark.parametrize("country", ORACLES)
def test_check_digits_are_those_of_an_independent_implementation(country: str) -> None:
    oracle, number = importlib.import_module(f"stdnum.{ORACLES[country]}"), IDS[country]
    letters = "ABCDEFGHJKLMNPRSTUVWXY" if number[-1].isalpha() else ""
    places = [n for n, c in enumerate(number) if c.isdigit()][-4:]
    spoilt = {number[:n] + d + number[n + 1 :] for n in (*places, len(number) - 1) for d in "0123456789" + letters}

    right = {n for n in spoilt if f"national_id:{country}={n}" in kinds(n)}

    assert number in right
    assert {n for n in spoilt if oracle.is_valid(n)} - right == set()
    assert {n for n in right if not oracle.is_valid(n)} <= set()


def test_wrong_dates_and_forms_are_no_ids() -> None:
    for text in (
        "44131401458",
        "000-12-3456",
        "666-12-3456",
        "911-12-3456",
        "536-00-1234",
        "AB 12 34 56 E",
        "xAB123456C",
    ):
        assert [k for k in kinds(text) if k.startswith("national_id")] == []
