"""One policy may speak of several databases: a run takes what it says of its own."""

from daemon.plain.narrow import narrowed
from daemon.policies import unnamed
from sanitizers.policy import parse_policy
from sanitizers.schema import Column, Schema, Table

SCHEMA = Schema("shop", (Table("public", "people", (Column("id", "integer"),)),))
POLICY = parse_policy(
    """
version = 1
[shop.public.people]
id = "keep"
[crm.public.leads]
id = "keep"
[[columns]]
match = "crm.public.leads.note"
strategy = "null"
[[columns]]
match = "*.people.phone"
strategy = "phone"
[[tables]]
match = "shop.public.remote"
rows = "none"
[[tables]]
match = "crm.*.jobs"
rows = "none"
[[tables]]
match = "sessions"
rows = "none"
[[links]]
from = "crm.public.leads.owner"
to = "crm.public.people.id"
""",
    "masking.toml",
)
REMOTE = ("shop", "public", "remote")


def test_what_is_said_of_other_databases_is_left_out() -> None:
    found = narrowed(POLICY, SCHEMA)

    assert list(found.databases) == ["shop"]
    assert [rule.match for rule in found.columns] == ["*.people.phone"]
    assert [rule.match for rule in found.tables] == ["shop.public.remote", "sessions"]
    assert found.links == ()


def test_a_rule_that_names_a_foreign_table_alone_is_no_rule_about_rows() -> None:
    found = narrowed(POLICY, SCHEMA, [REMOTE])

    assert [rule.match for rule in found.tables] == ["sessions"]


def test_a_foreign_table_must_be_named_with_no_rows() -> None:
    other = ("shop", "public", "elsewhere")

    (sentence,) = unnamed(POLICY, [REMOTE, other])

    assert sentence.startswith("shop.public.elsewhere is a foreign table")
    assert sentence.endswith('name it:\n    [[tables]]\n    match = "shop.public.elsewhere"\n    rows = "none"')
