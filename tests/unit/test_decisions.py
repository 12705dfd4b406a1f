"""Which part of a policy decides on a column, and what a policy must not say."""

from __future__ import annotations

from typing import Any

import pytest

from sanitizers.errors import PlanError, PolicyError
from sanitizers.plan import MaskingPlan, compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import Column, ColumnRef, Schema, Table, TableFacts, build_table

USERS = build_table(
    TableFacts("public", "users", unique_keys=(("id",),)),
    (Column("id", "bigint", not_null=True), Column("email", "text"), Column("ip", "inet"), Column("note", "text")),
)
ORDERS = build_table(
    TableFacts("shop.eu", "orders", foreign_keys=(("user_id", ColumnRef("public", "users", "id")),)),
    (Column("user_id", "bigint"), Column("email", "text")),
)
SCHEMA = Schema("neondb", (USERS, ORDERS))
CLASSES = {("neondb", "public", "users", "email"): "email", ("neondb", "shop.eu", "orders", "email"): "email"}
RULES = """
version = 1
[[columns]]
type = "text"
strategy = "null"
[[columns]]
class = "email"
strategy = "email"
[[columns]]
match = "*.orders.email"
strategy = { strategy = "constant", value = "x" }
[[columns]]
match = "*id"
strategy = "keep"
[[columns]]
type = "inet"
strategy = "digest"
"""


def compiled(text: str, *tables: Table) -> MaskingPlan:
    schema = Schema("neondb", tables) if tables else SCHEMA
    return compile_plan([schema], parse_policy(text, "masking.toml"), CLASSES)


def problems(text: str, *tables: Table) -> str:
    with pytest.raises(PlanError) as caught:
        compiled(text, *tables)
    return "\n".join(caught.value.problems)


def test_a_pattern_wins_over_a_class_and_a_class_over_a_type() -> None:
    plan = compiled(RULES)

    users, orders = plan.databases[0].tables
    found = {c.column.name: (c.strategy.kind, c.origin) for c in users.columns}
    assert found == {
        "id": ("keep", "match *id"),
        "email": ("email", "class email"),
        "ip": ("digest", "type inet"),
        "note": ("null", "type text"),
    }
    assert [(c.strategy.kind, c.origin) for c in orders.columns] == [
        ("keep", "match *id"),
        ("constant", "match *.orders.email"),
    ]


def test_the_columns_own_name_wins_over_every_rule() -> None:
    plan = compiled(RULES + '[neondb.public.users]\nemail = "digest"\n')

    assert [(c.strategy.kind, c.origin) for c in plan.databases[0].tables[0].columns][1] == ("digest", "its name")


def test_rules_never_cover_what_they_do_not_describe() -> None:
    found = problems(RULES.replace('type = "inet"', 'type = "cidr"'))

    assert "neondb.public.users.ip is not covered: " in found
    assert "[[columns]] type cidr describes no column: take it out or correct it." in found


def test_rules_decide_the_digest_of_a_policy() -> None:
    one, other = parse_policy(RULES, "a"), parse_policy(RULES.replace('"null"', '"digest"'), "b")

    assert one.digest == parse_policy(RULES, "c").digest
    assert one.digest != other.digest
    assert one.digest != parse_policy(RULES + '[[tables]]\nmatch = "users"\nrows = "none"\n', "d").digest


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ('[[columns]]\nstrategy = "keep"', "[[columns]] 1: it describes no column: give match, class or type."),
        ('[[columns]]\nmatch = "*"\nstrategy = "kep"', "[[columns]] 1: unknown strategy 'kep'; allowed are "),
        ('[[columns]]\nmatch = "*"', "[[columns]] 1: strategy: it is missing."),
        ('[[columns]]\nmatsch = "*"\nstrategy = "keep"', "[[columns]] 1: unknown key 'matsch'."),
        ('[[tables]]\nrows = "none"', "[[tables]] 1: match: it is missing."),
        ('[[tables]]\nmatch = "t"\nlocale_column = "c"', "[[tables]] 1: locale_column and locales go together."),
        (
            '[[tables]]\nmatch = "t"\nlocale_column = "c"\nlocales = ["xx"]',
            "[[tables]] 1: locales: Faker knows no locale 'xx'",
        ),
        ('[[links]]\nfrom = "a.b.c"\nto = "a.b.c.d"', "[[links]] 1: from: write it as database.schema.table.column."),
        (
            "[[column]]\nmatch = 1",
            "column: unknown setting; allowed are version, locale, sample, allow_connections, reviewed_by, ",
        ),
    ],
)
def test_a_wrong_rule_is_named_by_its_number(rule: str, sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"version = 1\n{rule}\n", "masking.toml")

    assert sentence in str(caught.value)


@pytest.mark.parametrize("pattern", ['we"ird', 't."c', '"t"s.c', '"a"*', "a..b", ".a", "a.", '""', '"a""'])
@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("[[tables]]\nmatch = '{}'", "[[tables]] 1: match: "),
        ("[[columns]]\ntype = 'x'\nstrategy = 'keep'\nmatch = '{}'", "[[columns]] 1: match: "),
        ("[[links]]\nto = 'a.b.c.d'\nfrom = '{}'", "[[links]] 1: from: "),
    ],
)
def test_a_pattern_that_is_no_name_is_not_read_as_another_one(rule: str, place: str, pattern: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"version = 1\n{rule.format(pattern)}\n", "masking.toml")

    assert str(caught.value) == (
        f"masking.toml: {place}{pattern} is no name of parts with dots between them: put a part with quotes or dots of"
        """ its own in double quotes, and write a quote in it twice, as SQL does: '*."we""ird".email'."""
    )


def test_an_empty_pattern_is_told_too() -> None:
    with pytest.raises(PolicyError, match="match: an empty text is no name of parts"):
        parse_policy("version = 1\n[[tables]]\nmatch = ''\n", "masking.toml")


@pytest.mark.parametrize("pattern", ["*", "a.b", '"we""ird"', '"a.b".c', "*_x*.über straße.$1", '"""".""""""'])
def test_a_pattern_that_is_a_name_is_taken(pattern: str) -> None:
    policy = parse_policy(f"version = 1\n[[tables]]\nmatch = '{pattern}'\n", "masking.toml")

    assert policy.tables[0].match == pattern


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ('match = "user"', "[[tables]] user describes no table: take it out or correct it."),
        ('match = "users"\nperson = "nobody"', "neondb.public.users has no column nobody, which its [[tables]] rule"),
        ('match = "users"\nrows = "none"', "neondb.shop.eu.orders.user_id refers to public.users, of which no row is"),
        ('match = "users"\nrows = "id < (SELECT 1)"', "neondb.public.users: rows: SELECT cannot stand in an expr"),
        ('match = "users"\nkeep_rows = "pg_sleep(1)"', "neondb.public.users: keep_rows: pg_sleep() is not one of"),
    ],
)
def test_a_rule_on_rows_must_make_sense(rule: str, sentence: str) -> None:
    assert sentence in problems(f"{RULES}[[tables]]\n{rule}\n")


def test_a_link_needs_the_same_fakes_at_both_ends() -> None:
    link = """[[links]]\nfrom = 'neondb."shop.eu".orders.email'\nto = "neondb.public.users.{}"\n"""

    assert compiled(RULES.replace('{ strategy = "constant", value = "x" }', '"email"') + link.format("email"))
    assert "orders.email refers to neondb.public.users.email: constant and email would tear them apart" in problems(
        RULES + link.format("email")
    )
    assert "[[links]] neondb.public.users.mail: there is no such column" in problems(RULES + link.format("mail"))


@pytest.mark.parametrize("common", ['keep_if = "user_id = 1"', 'keep_values = ["a"]'])
def test_both_ends_of_a_reference_keep_the_same_values(common: str) -> None:
    policy = f"""
    version = 1
    [[columns]]
    match = "*"
    strategy = {{ strategy = "digest", {common} }}
    """
    tables: tuple[Any, ...] = (
        build_table(TableFacts("public", "users", unique_keys=(("user_id",),)), (Column("user_id", "text"),)),
        build_table(
            TableFacts("public", "x", foreign_keys=(("user_id", ColumnRef("public", "users", "user_id")),)),
            (Column("user_id", "text"),),
        ),
    )

    if "keep_if" in common:
        assert "a condition on rows would tear them apart, use keep_values for both." in problems(policy, *tables)
    else:
        assert compiled(policy, *tables).masked_count == 2


def test_kept_rows_are_refused_where_they_would_tear_a_reference() -> None:
    policy = """
    version = 1
    [[columns]]
    match = "*"
    strategy = "digest"
    [[tables]]
    match = "users"
    keep_rows = "user_id = 'a'"
    """
    users = build_table(TableFacts("public", "users", unique_keys=(("user_id",),)), (Column("user_id", "text"),))
    other = build_table(
        TableFacts("public", "x", foreign_keys=(("user_id", ColumnRef("public", "users", "user_id")),)),
        (Column("user_id", "text"),),
    )

    assert "neondb.public.users: keep_rows would tear user_id from the columns" in problems(policy, users, other)
