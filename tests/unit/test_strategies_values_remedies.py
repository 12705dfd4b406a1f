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
    "person_name": "full_name",
    "first_name": "first_name",
    "last_name": "last_name",
    "username": "user_name",
    "email": "email",
    "phone": "phone",
    "street_address": "street",
    "city": "city",
    "postal_code": "postcode",
    "occupation": "job",
    "employer": "company",
    "passport_number": "scramble",
    "driver_license": "scramble",
    "vehicle_id": "scramble",
    "bank_account": "scramble",
    "iban": "iban",
    "payment_card": "card",
    "ip_address": "ip",
    "mac_address": "mac",
    "user_agent": "user_agent",
    "hostname": "hostname",
    "personal_url": "url",
    "online_activity": "url",
    "device_id": "digest",
    "password": "digest",
    "auth_token": "digest",
    "free_text": "text",
    "name_affix": "keep",
    "country": "keep",
}
"""What is best for a text that may be of any length and repeat."""


def best(pii_class: str, column: Column) -> Strategy:
    return next(s for s in remedies(pii_class, column) if s.fits(column) is None)


def test_there_are_all_the_classes() -> None:
    assert len(CLASSES) == 74
    assert set(BEST) <= set(CLASSES)


@pytest.mark.parametrize("pii_class", BEST)
def test_a_class_leads_to_its_best_strategy(pii_class: str) -> None:
    assert BEST[pii_class] == best(pii_class, Column("value", "text")).kind


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
