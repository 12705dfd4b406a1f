"""Every class of personal data leads to a strategy that fits and masks."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sanitizers.detect.remedies import COARSE, KEPT, remedies
from sanitizers.schema import Column
from sanitizers.strategies import Strategy

FILES = sorted((Path(__file__).parents[2] / "config" / "pii").glob("*.toml"))
CLASSES = sorted({name for path in FILES for name in tomllib.loads(path.read_text("utf-8")).get("classes", {})})
BEST = {
    pii_class: kind
    for kind, classes in {
        "card": "payment_card",
        "city": "birth_place city location_text",
        "company": "employer org_name",
        "digest": "auth_token crypto_wallet device_id external_account_id password",
        "email": "email",
        "first_name": "first_name middle_name",
        "full_name": "person_name",
        "generalize": "age date_of_birth date_of_death",
        "hostname": "hostname",
        "iban": "iban",
        "ip": "ip_address",
        "job": "occupation",
        "keep": "country language name_affix",
        "last_name": "last_name",
        "mac": "mac_address",
        "null": "app_secret biometric card_cvv card_partial criminal ethnicity evaluation genetic geo_point health"
        " income_financial mfa_secret photo political private_key religion security_answer sexual_orientation signature"
        " trade_union",
        "phone": "phone",
        "postcode": "postal_code",
        "region": "region",
        "scramble": "bank_account bank_routing driver_license gov_id_other health_id national_id passport_number"
        " person_ref professional_id tax_id vehicle_id",
        "shuffle": "education gender marital_family nationality",
        "street": "street_address",
        "text": "document free_text payload",
        "url": "online_activity personal_url",
        "user_agent": "user_agent",
        "user_name": "im_social username",
    }.items()
    for pii_class in classes.split()
}
"""What is best for a text that may be of any length and repeat."""


def best(pii_class: str, column: Column) -> Strategy:
    return next(s for s in remedies(pii_class, column) if s.fits(column) is None)


def test_there_are_all_the_classes() -> None:
    assert len(CLASSES) == 74
    assert set(BEST) == set(CLASSES)


@pytest.mark.parametrize("pii_class", BEST)
def test_a_class_leads_to_its_best_strategy(pii_class: str) -> None:
    assert BEST[pii_class] == best(pii_class, Column("value", "text")).kind


@pytest.mark.parametrize(
    ("pii_class", "type_", "kind"),
    [
        ("date_of_birth", "date", "date_shift"),
        ("date_of_death", "date", "date_shift"),
        ("age", "integer", "generalize"),
        ("geo_point", "point", "coordinates"),
        ("geo_point", "double precision", "coordinates"),
        ("income_financial", "numeric", "noise"),
        ("evaluation", "integer", "noise"),
        ("person_ref", "integer", "permute"),
        ("ip_address", "inet", "ip"),
        ("mac_address", "macaddr", "mac"),
        ("payload", "jsonb", "constant"),
    ],
)
def test_numbers_dates_and_places_stay_what_they_are(pii_class: str, type_: str, kind: str) -> None:
    assert kind == best(pii_class, Column("value", type_)).kind


@pytest.mark.parametrize("name", ["vin", "car_vin", "VIN"])
def test_vehicles_get_numbers_of_their_own_and_plates_keep_their_form(name: str) -> None:
    assert best("vehicle_id", Column(name, "character varying(17)", max_length=17, unique=True)).kind == "vin"
    assert best("vehicle_id", Column("license_plate", "text")).kind == "scramble"


@pytest.mark.parametrize("pii_class", sorted(set(CLASSES) - COARSE - KEPT - {"age"}))
@pytest.mark.parametrize(
    "column",
    [
        Column("v", "text", not_null=True),
        Column("v", "character varying(16)", max_length=16, unique=True, not_null=True),
        Column("v", "character varying(9)", max_length=9, not_null=True),
        Column("v", "character(1)", max_length=1, not_null=True),
        Column("v", "integer", not_null=True),
        Column("v", "bigint", unique=True, not_null=True),
        Column("v", "bytea", not_null=True),
    ],
    ids=lambda column: f"{column.type}{' unique' * column.unique}",
)
def test_every_class_has_a_remedy_that_masks_a_column_whatever_its_shape(pii_class: str, column: Column) -> None:
    if (column.unique and column.category == "integer") and best_or_none(pii_class, column) is None:
        pytest.fail("a unique number has permute or digest")

    assert best(pii_class, column).masks


def best_or_none(pii_class: str, column: Column) -> Strategy | None:
    return next((s for s in remedies(pii_class, column) if s.fits(column) is None), None)


@pytest.mark.parametrize(
    ("name", "pii_class", "country"),
    [
        ("ssn", "national_id", "us"),
        ("customer_ssn", "national_id", "us"),
        ("nhs_number", "health_id", "gb_nhs"),
        ("Aadhaar", "national_id", "in"),
        ("codice_fiscale", "tax_id", "it"),
    ],
)
def test_a_number_that_is_called_by_its_name_gets_one_of_its_country(name: str, pii_class: str, country: str) -> None:
    found = best(pii_class, Column(name, "text"))

    assert {"kind": "national_id", "country": country}.items() <= found.model_dump().items()
    assert best(pii_class, Column(name, "text", unique=True)).keeps_unique
