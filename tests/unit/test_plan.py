"""Compiling a plan: everything is covered and fits, or every reason why not is told."""

from __future__ import annotations

from typing import Any

import pytest

from sanitizers.errors import PlanError
from sanitizers.plan import MaskingPlan, compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import Column, ColumnRef, ForeignKey, Schema, Table, TableFacts, build_table


def column(name: str, type_: str = "text", **more: Any) -> Column:
    return Column(name, type_, **more)


def table(name: str, *columns: Column, **facts: Any) -> Table:
    return build_table(TableFacts("public", name, **facts), columns)


CUSTOMERS = table(
    "customers",
    column("id", "bigint", not_null=True, identity=True),
    column("email", "character varying(80)", max_length=80),
    column("nickname"),
    column("search", "tsvector", generated=True),
    unique_keys=(("id",), ("email",)),
)
ORDERS = table(
    "orders",
    column("id", "bigint", not_null=True),
    column("customer_email", "character varying(80)", max_length=80),
    unique_keys=(("id",),),
    foreign_keys=(("customer_email", ColumnRef("public", "customers", "email")),),
)
SCHEMA = Schema("neondb", (CUSTOMERS, ORDERS))
GENERATED = "the column is generated, Postgres computes it: take it out of the policy"
POLICY = """
version = 1
[neondb.public.customers]
id = "keep"
email = "email"
nickname = "user_name"
[neondb.public.orders]
id = "keep"
customer_email = "email"
"""


def compile_text(text: str, *schemas: Schema) -> MaskingPlan:
    return compile_plan(schemas or [SCHEMA], parse_policy(text, "masking.toml"))


def problems(text: str, *schemas: Schema) -> list[str]:
    with pytest.raises(PlanError) as caught:
        compile_text(text, *schemas)
    return list(caught.value.problems)


def lines(*columns: str, name: str = "t") -> str:
    return "version = 1\n" + "\n".join([f"[neondb.public.{name}]", *columns])


def test_a_covered_schema_becomes_a_plan_in_the_order_of_the_catalog() -> None:
    plan = compile_text(POLICY)

    customers, orders = plan.databases[0].tables

    assert [c.column.name for c in customers.columns] == ["id", "email", "nickname"]
    assert [c.strategy.kind for c in orders.columns] == ["keep", "email"]
    assert (plan.column_count, plan.masked_count) == (5, 3)


def test_the_digest_stands_for_schema_and_policy() -> None:
    plan = compile_text(POLICY)

    renamed = Schema("neondb", (CUSTOMERS, table("orders", *ORDERS.columns, definitions=("check x",))))

    assert compile_text(POLICY).digest == plan.digest
    assert compile_text(POLICY.replace('nickname = "user_name"', 'nickname = "digest"')).digest != plan.digest
    assert compile_text(POLICY, renamed).digest != plan.digest


def test_every_problem_is_told_at_once() -> None:
    text = POLICY.replace('nickname = "user_name"\n', 'nick = "keep"\nsearch = "keep"\n').replace(
        "[neondb.public.orders]",
        "[other.public.x]\na = 'keep'\nb = 'keep'\n[neondb.public.gone]\na = 'keep'\n[neondb.public.orders]",
    )

    found = problems(text)

    assert found == [
        "neondb.public.customers.nickname is not covered: add it to the policy, or run branchwarden detect --write.",
        f"neondb.public.customers.search: keep does not fit: {GENERATED}.",
        "neondb.public.customers.nick is in the policy, but there is no such column: take it out or correct the name.",
        "neondb.public.gone is in the policy, but there is no such table: take it out or correct the name.",
        "other is in the policy, but there is no such database: take it out or correct the name.",
    ]


def test_a_database_without_a_policy_lists_its_columns() -> None:
    found = problems("version = 1")

    assert len(found) == 5
    assert all("is not covered" in problem for problem in found)


@pytest.mark.parametrize(
    ("member", "strategy", "reason"),
    [
        (column("c", "integer"), '"email"', "the column is integer, not text"),
        (column("c", unique=True), '"first_name"', "the column is unique and these fakes repeat"),
        (column("c", "varchar(20)", max_length=20), '"email"', "the column holds 20 characters, 28 are needed"),
        (column("c", not_null=True), '"null"', "the column is NOT NULL: use constant"),
        (
            column("c", "bigint", identity=True),
            '"digest"',
            "the column is an identity: its numbers come from a sequence",
        ),
        (column("c", "integer", unique=True), '"digest"', "the column is a unique integer: a digest of so few bits"),
        (column("c", "varchar(10)", max_length=10, unique=True), '"digest"', "the column holds 10 characters, 16 are"),
        (column("c", unique=True), '"phone"', "the column is unique: set digits = 20"),
        (column("c", "integer"), '"phone"', "the column is integer, a telephone number needs bigint"),
        (column("c", "text[]"), '"full_name"', "the column is text[], not text"),
        (column("c", "date", unique=True), '"date_shift"', "the column is unique and these fakes repeat"),
        (column("c", "integer"), '{ strategy = "constant", value = "x" }', "the value is no integer"),
        (column("c", "jsonb"), '{ strategy = "constant", value = "{" }', "the value is no jsonb"),
        (
            column("c", "char(2)", max_length=2),
            '{ strategy = "constant", value = "abc" }',
            "the value has 3 characters",
        ),
    ],
)
def test_a_strategy_that_does_not_fit_says_why(member: Column, strategy: str, reason: str) -> None:
    (found,) = problems(lines(f"c = {strategy}"), Schema("neondb", (table("t", member),)))

    assert f"does not fit: {reason}" in found


@pytest.mark.parametrize(
    ("member", "strategy"),
    [
        (column("c", "public.address", base_type="varchar(28)", max_length=28, unique=True), '"email"'),
        (column("c", "bigint"), '{ strategy = "phone", digits = 15 }'),
        (column("c", unique=True), '{ strategy = "phone", digits = 16 }'),
        (column("c", "uuid", unique=True), '"digest"'),
        (column("c", "bigint", unique=True), '"digest"'),
        (column("c", "jsonb"), '{ strategy = "constant", value = "{}" }'),
        (column("c", "boolean"), '{ strategy = "constant", value = false }'),
        (column("c", "text[]", not_null=True), '{ strategy = "constant", value = "{}" }'),
        (column("c", "public.mood", enum=True), '"null"'),
    ],
)
def test_a_strategy_that_fits_is_taken(member: Column, strategy: str) -> None:
    plan = compile_text(lines(f"c = {strategy}"), Schema("neondb", (table("t", member),)))

    assert plan.masked_count == 1


def test_both_ends_of_a_foreign_key_need_one_strategy() -> None:
    (found,) = problems(POLICY.replace('customer_email = "email"', 'customer_email = "keep"'))

    assert found.startswith(
        "neondb.public.orders.customer_email refers to neondb.public.customers.email: keep and email "
    )


def test_a_child_that_becomes_null_refers_to_nothing() -> None:
    plan = compile_text(POLICY.replace('customer_email = "email"', 'customer_email = "null"'))

    assert plan.masked_count == 3


def test_linked_columns_of_different_length_are_cut_alike_and_the_plan_says_so() -> None:
    shorter = table(
        "orders",
        column("id", "bigint"),
        column("customer_email", "varchar(40)", max_length=40),
        foreign_keys=(("customer_email", ColumnRef("public", "customers", "email")),),
    )

    plan = compile_text(POLICY, Schema("neondb", (CUSTOMERS, shorter)))

    found = {p.column.name: p for t in plan.databases[0].tables for p in t.columns if "email" in p.column.name}
    assert {p.column.max_length for p in found.values()} == {40}
    assert "cut to 40 characters, as neondb.public.orders.customer_email is" in found["email"].origin
    assert "cut" not in found["customer_email"].origin


def test_a_width_that_is_too_short_at_one_end_is_refused_at_both() -> None:
    shorter = table(
        "orders",
        column("id", "bigint"),
        column("customer_email", "varchar(20)", max_length=20),
        foreign_keys=(("customer_email", ColumnRef("public", "customers", "email")),),
    )

    found = problems(POLICY, Schema("neondb", (CUSTOMERS, shorter)))

    assert len(found) == 2
    narrowest = "neondb.public.orders.customer_email"
    tied = f"the column is tied to {narrowest}, which holds 20 characters, 28 are needed"
    assert sorted(found) == [
        f"neondb.public.customers.email: email does not fit: {tied}.",
        f"{narrowest}: email does not fit: the column holds 20 characters, 28 are needed.",
    ]


def test_a_key_of_several_columns_stays_unique_too() -> None:
    members = (column("team", "int"), column("first"), column("mail"))
    schema = Schema("neondb", (table("t", *members, unique_keys=(("first", "team"), ("mail", "team"))),))

    (found,) = problems(lines('team = "keep"', 'first = "first_name"', 'mail = "email"'), schema)

    assert "neondb.public.t.first: first_name does not fit: its fakes repeat and the key (first, team)" in found


def test_a_key_holds_by_members_that_tell_rows_apart() -> None:
    keys = (("id",), ("first", "id"))
    schema = Schema(
        "neondb", (table("t", column("id", "int"), column("first"), unique_keys=keys, identities=(("id",),)),)
    )

    plan = compile_text(lines('id = "keep"', 'first = "first_name"'), schema)

    assert plan.masked_count == 1


def test_a_member_that_is_unique_in_some_rows_alone_does_not_hold_a_key() -> None:
    keys = (("id",), ("first", "id"))
    schema = Schema("neondb", (table("t", column("id", "int"), column("first"), unique_keys=keys),))

    (found,) = problems(lines('id = "keep"', 'first = "first_name"'), schema)

    assert "t.first: first_name does not fit: its fakes repeat and the key (first, id) must stay unique." in found


def test_of_a_full_key_every_column_becomes_null_or_none() -> None:
    members = (column("a", "int"), column("b", "int"))
    key = ForeignKey(("a", "b"), "public", "t", ("c", "d"), full=True)
    schema = Schema("neondb", (table("t", *members, whole_foreign_keys=(key,)),))

    (found,) = problems(lines('a = "null"', 'b = "keep"'), schema)

    assert "the foreign key (a, b) is MATCH FULL: make all of its columns null, or none" in found
    assert compile_text(lines('a = "null"', 'b = "null"'), schema).masked_count == 2


@pytest.mark.parametrize(
    ("parent", "child", "reason"),
    [
        (column("k", loose=True), column("k", loose=True), "their collation holds different texts for equal"),
        (
            column("k", "character(40)", max_length=40),
            column("k", "character varying(40)", max_length=40),
            "character varying(40) and character(40) would get different fakes",
        ),
    ],
)
def test_ends_that_postgres_compares_in_a_way_of_its_own_are_kept(parent: Column, child: Column, reason: str) -> None:
    schema = Schema(
        "neondb",
        (
            table("c", child, foreign_keys=(("k", ColumnRef("public", "p", "k")),)),
            table("p", parent, unique_keys=(("k",),)),
        ),
    )

    (found,) = problems(lines('k = "digest"', name="c") + '\n[neondb.public.p]\nk = "digest"', schema)

    assert reason in found
    assert compile_text(lines('k = "keep"', name="c") + '\n[neondb.public.p]\nk = "keep"', schema)


@pytest.mark.parametrize(
    ("source", "child", "holds"), [("keep", "keep", True), ("digest", "keep", False), ("keep", "digest", False)]
)
def test_a_reference_to_a_generated_column_holds_while_nothing_that_it_is_made_of_changes(
    source: str, child: str, holds: bool
) -> None:
    made = column("y", generated=True, generated_as="upper(x)")
    schema = Schema(
        "neondb",
        (
            table("c", column("k"), foreign_keys=(("k", ColumnRef("public", "p", "y")),)),
            table("p", column("x"), made, unique_keys=(("y",),)),
        ),
    )
    policy = lines(f'k = "{child}"', name="c") + f'\n[neondb.public.p]\nx = "{source}"'

    if holds:
        assert compile_text(policy, schema)
    else:
        (found,) = problems(policy, schema)
        assert "c.k refers to neondb.public.p.y: " in found
        assert "is generated by Postgres" in found
