"""Detection by name and type, with the vocabularies that ship, and the suggestions that come of it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sanitizers.detect.classify import classify
from sanitizers.detect.suggest import suggest
from sanitizers.detect.vocabulary import Vocabulary, merge_vocabularies, tokens
from sanitizers.errors import PolicyError
from sanitizers.plan import MaskingPlan, compile_plan
from sanitizers.policy import load_policy
from sanitizers.policy_file import write_policy
from sanitizers.schema import Column, ColumnRef, Schema, Table, TableFacts, build_table
from sanitizers.strategies import Strategy
from sanitizers.strategies.digest import Digest
from sanitizers.strategies.phone import Phone

FILES = sorted((Path(__file__).parents[2] / "config" / "pii").glob("*.toml"))


@cache
def vocabulary() -> Vocabulary:
    return merge_vocabularies(tomllib.loads(path.read_text(encoding="utf-8")) for path in FILES)


def column(name: str, type_: str = "text", **more: Any) -> Column:
    return Column(name, type_, **more)


def table(name: str, *columns: Column, schema: str = "public", **facts: Any) -> Table:
    return build_table(TableFacts(schema, name, **facts), columns)


def found(name: str, *columns: Column) -> dict[str, str | None]:
    return {c.column.name: c.pii_class for c in classify(table(name, *columns), vocabulary())}


def suggested(*tables: Table) -> dict[str, Strategy]:
    return {".".join(s.path[2:]): s.strategy for s in suggest([Schema("neondb", tables)], vocabulary())}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("firstName", ("first", "name")),
        ("HTMLBody", ("html", "body")),
        ("address_line_2", ("address", "line", "2")),
        ("Prénom", ("prenom",)),
        ("last4", ("last4",)),
    ],
)
def test_a_name_falls_into_words(name: str, words: tuple[str, ...]) -> None:
    assert tokens(name) == words


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("first_name", "text", "first_name"),
        ("lastName", "text", "last_name"),
        ("contactEmailAddress", "character varying(80)", "email"),
        ("email_verified", "boolean", None),
        ("email_verified_at", "timestamp with time zone", None),
        ("phone_number", "bigint", "phone"),
        ("phone_type", "text", None),
        ("address_id", "bigint", None),
        ("ip_address", "text", "ip_address"),
        ("last_seen_from", "inet", "ip_address"),
        ("password_hash", "text", "password"),
        ("reset_token", "text", "auth_token"),
        ("token_expires_at", "timestamp with time zone", None),
        ("stripe_customer_id", "text", "external_account_id"),
        ("customer_id", "bigint", None),
        ("date_of_birth", "date", "date_of_birth"),
        ("created_at", "timestamp with time zone", None),
        ("social_security_number", "text", "national_id"),
        ("user_agent", "text", "user_agent"),
        ("internal_notes", "text", "free_text"),
        ("raw_json", "jsonb", "payload"),
        ("settings", "jsonb", None),
        ("vorname", "text", "first_name"),
        ("code_postal", "text", "postal_code"),
        ("telefono", "text", "phone"),
        ("reporter_name", "text", "person_name"),
        ("product_name", "text", None),
        ("amount", "numeric(10,2)", None),
    ],
)
def test_columns_are_told_by_name_and_type(name: str, type_: str, expected: str | None) -> None:
    assert found("things", column(name, type_)) == {name: expected}


def test_a_name_means_what_the_table_is_about() -> None:
    assert found("customers", column("name")) == {"name": "person_name"}
    assert found("companies", column("name")) == {"name": "org_name"}
    assert found("products", column("name")) == {"name": None}
    assert found("user_roles", column("name")) == {"name": None}


def test_neighbours_decide_what_a_name_leaves_open() -> None:
    addressed = found("places", column("state"), column("city"))
    ordered = found("orders", column("state"), column("placed_at", "date"))
    unnamed = found("q7", column("name"), column("email"), column("phone"))

    assert addressed["state"] == "region"
    assert ordered["state"] is None
    assert unnamed["name"] == "person_name"


CUSTOMERS = table(
    "customers",
    column("id", "bigint", not_null=True, identity=True),
    column("first_name"),
    column("email", "character varying(80)", max_length=80, not_null=True),
    column("login", "character varying(24)", max_length=24),
    column("phone", "character varying(20)", max_length=20),
    column("mobile", "character varying(12)", max_length=12),
    column("mobile_number", "bigint"),
    column("birth_date", "date"),
    column("gender", "public.sex", enum=True, not_null=True),
    column("last_ip", "inet", not_null=True),
    column("password_hash", not_null=True),
    column("pin", "character varying(4)", max_length=4, not_null=True),
    column("notes", not_null=True),
    column("emails", "text[]", not_null=True),
    column("profile", "jsonb", not_null=True),
    column("photo", "bytea"),
    column("whole_name", generated=True),
    column("created_at", "timestamp with time zone"),
    unique_keys=(("id",), ("login",), ("phone",)),
    unique_expressions=("email",),
)
ADDRESSES = table(
    "addresses",
    column("customer_login", "character varying(24)", max_length=24),
    column("street"),
    unique_keys=(("customer_login", "street"),),
    foreign_keys=(("customer_login", ColumnRef("public", "customers", "login")),),
)
USERS_SYNC = table(
    "users_sync",
    column("raw_json", "jsonb", not_null=True),
    column("id", generated=True, not_null=True, generated_as="(raw_json ->> 'id'::text)"),
    column("email", generated=True, generated_as="(raw_json ->> 'primary_email'::text)"),
    column("updated_at", "timestamp with time zone"),
    schema="neon_auth",
    unique_keys=(("id",),),
)
PLAIN_USERS_SYNC = table(
    "users_sync",
    column("id", not_null=True),
    column("name"),
    column("email"),
    column("raw_json", "jsonb", not_null=True),
    column("created_at", "timestamp with time zone"),
    schema="neon_auth",
    unique_keys=(("id",),),
)


def test_suggestions_fit_type_length_and_keys() -> None:
    kinds = {name: strategy.kind for name, strategy in suggested(CUSTOMERS).items()}

    assert kinds == {
        "customers.id": "keep",
        "customers.first_name": "first_name",
        "customers.email": "email",
        "customers.login": "user_name",
        "customers.phone": "phone",
        "customers.mobile": "phone",
        "customers.mobile_number": "phone",
        "customers.birth_date": "date_shift",
        "customers.gender": "shuffle",
        "customers.last_ip": "ip",
        "customers.password_hash": "digest",
        "customers.pin": "constant",
        "customers.notes": "text",
        "customers.emails": "constant",
        "customers.profile": "constant",
        "customers.photo": "null",
        "customers.created_at": "keep",
    }


def test_a_suggestion_spreads_along_foreign_keys_and_respects_composite_keys() -> None:
    strategies = suggested(ADDRESSES, CUSTOMERS)

    assert strategies["addresses.customer_login"] == strategies["customers.login"]
    assert strategies["addresses.street"].keeps_unique


def test_a_suggestion_is_made_for_the_width_that_the_plan_cuts_linked_columns_to() -> None:
    emails = {
        name: column("email", f"varchar({width})", max_length=width)
        for name, width in (("people", 255), ("orders", 40), ("notes", 20))
    }
    people = table("people", emails["people"], unique_keys=(("email",),))
    refers = {"foreign_keys": (("email", ColumnRef("public", "people", "email")),)}
    orders, notes = table("orders", emails["orders"], **refers), table("notes", emails["notes"], **refers)

    wide, narrow = suggested(people, orders), suggested(people, orders, notes)

    assert {name: strategy.kind for name, strategy in wide.items()} == {
        "people.email": "email",
        "orders.email": "email",
    }
    assert {strategy.kind for strategy in narrow.values()} == {"digest"}  # too narrow for an address at one end


def test_neon_auth_comes_out_masked_and_keeps_its_keys() -> None:
    generated = suggested(USERS_SYNC)
    plain = suggested(PLAIN_USERS_SYNC)

    assert generated["users_sync.raw_json"].model_dump(exclude_defaults=True) | {"kind": "json_only"} == {
        "kind": "json_only",
        "members": ("id",),
    }
    assert {name.partition(".")[2] for name, s in plain.items() if s.masks} == {"name", "email", "raw_json"}


def test_suggestions_make_a_policy_that_compiles(tmp_path: Path) -> None:
    schema, path = Schema("neondb", (USERS_SYNC, ADDRESSES, CUSTOMERS)), tmp_path / "masking.toml"

    added = write_policy(path, suggest([schema], vocabulary()))
    plan = compile_plan([schema], load_policy(path))

    assert isinstance(plan, MaskingPlan)
    assert plan.column_count == len(added)
    assert all(suggestion.reason for suggestion in added)


def test_the_shipped_example_is_a_policy() -> None:
    policy = load_policy(FILES[0].parents[1] / "masking.example.toml")

    assert not policy.reviewed
    assert list(policy.paths())


def test_a_vocabulary_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(PolicyError, match="not well-formed"):
        merge_vocabularies([{"clases": {}}])


def test_what_is_suggested_has_bits_for_the_rows() -> None:
    narrow = column("phone", "varchar(20)", unique=True, max_length=20)

    def of(column: Column, rows: int) -> Strategy:
        return suggested(Table("public", "people", (column,), row_estimate=rows))["people.phone"]

    assert of(narrow, 1_000_000) == Phone(digits=16)
    assert of(narrow, 10_000_000) == Digest()
    assert of(column("phone", unique=True), 1_000_000) == Phone(digits=20)
