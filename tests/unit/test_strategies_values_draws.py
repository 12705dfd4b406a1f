"""What the fakes of official numbers are drawn by, and how their originals are searched for. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from sanitizers.persons import find_draws
from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.schema import Column, TableFacts, build_table
from sanitizers.strategies import KINDS
from sanitizers.strategies.card import Card
from sanitizers.strategies.email import Email
from sanitizers.strategies.iban import Iban
from sanitizers.strategies.ip import Ip
from sanitizers.strategies.text import Text

PARAMETERS: dict[str, dict[str, Any]] = {"national_id": {"country": "us"}}
TEXT = Column("v", "text")


def drawn_with_the_person(strategy: Any) -> bool:
    """Whether a column `v` beside a unique e-mail address takes the address' digest."""
    table = build_table(
        TableFacts("public", "users", unique_keys=(("email",),), distinct=("email",)), (Column("email", "text"), TEXT)
    )
    plans = (ColumnPlan(table.columns[0], Email()), ColumnPlan(TEXT, strategy))
    draws = find_draws(TablePlan(table, plans)).of
    return draws["v"].digest == draws["email"].digest


@pytest.mark.parametrize(
    ("kind", "by_person"),
    [
        *((kind, True) for kind in ("national_id", "card", "iban", "imei", "vin", "ip", "mac")),
        *((kind, False) for kind in ("scramble", "permute", "text", "url", "hostname", "noise", "coordinates", "job")),
    ],
)
def test_numbers_of_a_person_are_drawn_by_the_person_and_others_by_their_value(kind: str, by_person: bool) -> None:
    assert drawn_with_the_person(KINDS[kind](**PARAMETERS.get(kind, {}))) == by_person


def test_the_policy_can_say_that_the_value_decides() -> None:
    assert not drawn_with_the_person(Ip(by="value"))


@pytest.mark.parametrize(
    ("kind", "parameters", "residue"),
    [
        ("scramble", {}, "none"),  # a dense range of numbers is full of one another's fakes
        ("permute", {}, "none"),
        ("generalize", {}, "none"),
        ("text", {}, "pool"),
        ("card", {}, "pool"),
        ("card", {"unique": True}, "search"),
        ("ip", {}, "pool"),
        ("ip", {"unique": True}, "search"),
        ("password", {}, "pool"),
        ("national_id", {"country": "us"}, "search"),
        ("iban", {}, "search"),
        ("url", {}, "search"),
    ],
)
def test_official_numbers_say_how_their_originals_are_to_be_searched_for(
    kind: str, parameters: dict[str, Any], residue: str
) -> None:
    assert KINDS[kind](**parameters).residue_in(TEXT) == residue


def test_what_can_come_out_by_chance_is_named() -> None:
    assert "4111111111111111" in Card().producible(TEXT, ("en_US",))
    assert {"192.0.2.7", "203.0.113.9/32"} <= set(Ip().producible(TEXT, ("en_US",)))
    assert "10.0.0.1" not in Ip().producible(TEXT, ("en_US",))
    short = Text().producible(Column("v", "varchar(4)", max_length=4), ("en_US",))
    assert {1, 2, 3, 4} == {len(text) for text in short}


def test_only_long_accounts_keep_a_column_unique() -> None:
    assert {c for c in ("at", "ch", "de", "dk", "fr", "gb", "ie", "nl", "se") if Iban(country=c).keeps_unique} == {
        "de",
        "se",
    }
