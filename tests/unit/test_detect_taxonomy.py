"""What is suggested for a class of personal data is what its taxonomy says: one line for each class."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sanitizers.detect.remedies import remedies
from sanitizers.detect.suggest import suggest
from sanitizers.schema import Column, ColumnRef, Exclusion, PartialKey, Schema, TableFacts, build_table
from tests.unit.test_detect import column, vocabulary

WANTED = {
    "faker": "person_name first_name middle_name last_name username email phone im_social personal_url street_address"
    " city region postal_code location_text birth_place occupation employer org_name hostname online_activity"
    " user_agent",
    "keep": "country language name_affix",
    "shuffle": "gender marital_family nationality education",
    "null": "card_cvv card_partial mfa_secret private_key app_secret security_answer ethnicity religion political"
    " sexual_orientation trade_union health biometric genetic criminal photo signature",
    "same shape": "national_id tax_id passport_number driver_license gov_id_other vehicle_id person_ref health_id"
    " professional_id payment_card bank_account iban bank_routing crypto_wallet mac_address ip_address",
    "digest": "external_account_id device_id auth_token password",
    "shift": "date_of_birth date_of_death",
    "blur": "geo_point age income_financial evaluation",
    "replace": "document free_text payload",
}
KINDS = {
    "faker": {"full_name", "first_name", "last_name", "user_name", "email", "phone", "street", "city", "region"}
    | {"postcode", "company", "job", "url", "hostname", "user_agent"},
    "same shape": {"scramble", "national_id", "card", "iban", "mac", "ip", "digest"},
    "shift": {"date_shift"},
    "blur": {"coordinates", "generalize", "noise"},
    "replace": {"text", "constant", "null"},
}
TYPES = {"date_of_birth": "date", "date_of_death": "date", "age": "integer", "income_financial": "numeric"}
TYPES |= {"evaluation": "integer", "geo_point": "double precision", "ip_address": "inet", "mac_address": "macaddr"}


def first(pii_class: str, type_: str) -> str:
    at = Column(name="c", type=type_)
    return next(str(s.kind) for s in remedies(pii_class, at) if s.fits(at) is None)


@pytest.mark.parametrize(("pii_class", "wanted"), [(c, how) for how, all_ in WANTED.items() for c in all_.split()])
def test_each_class_gets_what_the_taxonomy_says(pii_class: str, wanted: str) -> None:
    kind = first(pii_class, TYPES.get(pii_class, "text"))

    assert kind in KINDS.get(wanted, {wanted})


STAFF = build_table(
    TableFacts(schema="public", name="staff"),
    (column("first_name"), column("last_name"), column("email"), column("gender"), column("marital_status")),
)


def shuffled(facts: TableFacts, *, references: bool = False) -> set[str]:
    gender = column("gender", references=(ColumnRef("public", "sexes", "sex"),) if references else ())
    plain = [c for c in STAFF.columns if c.name != "gender"]
    table = build_table(facts, (*plain, gender))
    found = suggest([Schema("db", (table,))], vocabulary())
    return {s.column for s in found if s.strategy.kind == "shuffle"}


def test_what_other_columns_or_rows_count_on_is_not_suggested_to_be_shuffled() -> None:
    facts = TableFacts(schema="public", name="staff")
    partial = PartialKey("one", ("email",), "gender = 'f'", ("gender",))

    assert shuffled(facts) == {"gender", "marital_status"}
    assert shuffled(replace(facts, unique_keys=(("email", "gender"),))) == {"marital_status"}
    assert shuffled(replace(facts, partial_keys=(partial,))) == {"marital_status"}
    assert shuffled(replace(facts, exclusions=(Exclusion("x", ("gender",), ("email",)),))) == {"marital_status"}
    assert shuffled(facts, references=True) == {"marital_status"}
