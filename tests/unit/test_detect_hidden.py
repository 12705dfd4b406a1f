"""Personal columns that name and type tell only together, or together with what stands beside them."""

from __future__ import annotations

import pytest

from sanitizers.schema import Column
from tests.unit.test_detect import column, found, suggested, table

CREDENTIALS = {
    "token": "auth_token",
    "session_token": "auth_token",
    "reset_token": "auth_token",
    "access_token": "auth_token",
    "unsubscribe_token": "auth_token",
    "api_key": "auth_token",
    "secret": "app_secret",
    "client_secret": "app_secret",
    "private_key": "private_key",
    "otp_secret": "mfa_secret",
}
NUMBERS = ("real", "double precision", "float4", "numeric(8,6)")


def numbers(name: str, type_: str) -> Column:
    return Column(name, f"{type_}[]", array=True, element=column("value", type_))


def test_credentials_are_masked_although_they_are_uuids() -> None:
    columns = [column(name, "uuid") for name in CREDENTIALS]
    needed = [column(name, "uuid", not_null=True) for name in CREDENTIALS]

    assert found("sessions", *columns) == CREDENTIALS
    assert {s.kind for s in suggested(table("sessions", *needed)).values()} == {"digest"}
    assert all(s.masks for s in suggested(table("sessions", *columns)).values())


def test_uuids_that_say_which_row_is_meant_are_kept() -> None:
    names = ("id", "session_id", "token_id", "session", "session_uuid", "secret_id", "api_key_id", "key", "hash_id")

    assert found("visits", *(column(name, "uuid") for name in names)) == dict.fromkeys(names)
    assert found("visits", column("session_id")) == {"session_id": "auth_token"}


@pytest.mark.parametrize("name", ["otp_seed", "totpSeed", "mfa_seed", "two_factor_seed"])
def test_seeds_of_one_time_passwords_are_secrets(name: str) -> None:
    assert found("users", column(name)) == {name: "mfa_secret"}
    assert found("games", column("seed")) == {"seed": None}


@pytest.mark.parametrize("name", ["geo", "homeGeo", "gps", "coords"])
@pytest.mark.parametrize("type_", ["point", "geography"])
def test_a_point_with_a_geographic_name_is_a_place(name: str, type_: str) -> None:
    assert found("things", column(name, type_)) == {name: "geo_point"}
    assert found("things", column(name), column("corner", type_)) == {name: None, "corner": None}


def test_a_point_that_is_a_place_is_moved_within_its_surroundings() -> None:
    assert [s.kind for s in suggested(table("things", column("geo", "point"))).values()] == ["coordinates"]


@pytest.mark.parametrize("type_", NUMBERS)
def test_numbers_that_embed_a_text_are_emptied(type_: str) -> None:
    columns = (numbers("embedding", type_), numbers("body_embeddings", type_), numbers("prices", type_))

    assert found("letters", *columns, column("embedding_model")) == {
        "embedding": "free_text",
        "body_embeddings": "free_text",
        "prices": None,
        "embedding_model": None,
    }
    assert {n: s.kind for n, s in suggested(table("letters", *columns)).items()} == {
        "letters.embedding": "null",
        "letters.body_embeddings": "null",
        "letters.prices": "keep",
    }


@pytest.mark.parametrize("mark", ["cc", "bcc", "subject", "reply_to"])
def test_whom_a_letter_is_to_and_from_is_told_by_what_stands_beside(mark: str) -> None:
    letter = found("messages", column("id", "bigint"), column("to"), column("from"), column(mark))

    assert (letter["to"], letter["from"]) == ("email", "email")
    assert found("messages", column("to", "bigint"), column(mark))["to"] is None
    assert found("transitions", column("to"), column("from"), column("email"))["to"] is None


def test_a_tenant_is_a_company_unless_its_columns_are_a_persons() -> None:
    assert found("tenants", column("id", "uuid"), column("name"), column("slug"))["name"] == "org_name"
    assert found("tenants", column("name"), column("email"), column("date_of_birth", "date"))["name"] == "person_name"
    assert found("orders", column("tenant_name")) == {"tenant_name": "org_name"}
    assert found("customers", column("name")) == {"name": "person_name"}
