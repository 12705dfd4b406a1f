"""The registry of strategies, and what each tells the residue search."""

from __future__ import annotations

import pytest

from sanitizers.pools import pool
from sanitizers.schema import Column
from sanitizers.strategies import KINDS
from sanitizers.strategies.constant import Constant
from sanitizers.strategies.date_shift import DateShift
from sanitizers.strategies.digest import Digest
from sanitizers.strategies.encrypt import Encrypt
from sanitizers.strategies.first_name import FirstName
from sanitizers.strategies.full_name import FullName
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.null import Null
from sanitizers.strategies.phone import Phone
from sanitizers.strategies.scrub import Scrub

TEXT = Column("c", "text")


def test_the_registry_has_every_strategy_by_its_name() -> None:
    names = (
        "first_name last_name full_name email user_name phone street city postcode company date_shift digest null"
        " constant json_only keep region job user_agent text scramble permute national_id card iban imei ip mac url"
        " hostname coordinates generalize noise password json"
        " vin hstore list composite range_shift shuffle sql derived encrypt scrub"
    )

    assert set(KINDS) == set(names.split())


LOCALES = ("en_US",)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_strategy_is_documented(kind: str) -> None:
    assert KINDS[kind].__doc__


def test_a_pool_strategy_can_produce_its_pool_cut_to_the_column() -> None:
    whole = FirstName().producible(TEXT, LOCALES)
    short = FirstName().producible(Column("c", "varchar(3)", max_length=3), LOCALES)

    assert set(whole) == set(pool("first_name"))
    assert max(map(len, short)) == 3


def test_full_names_are_millions_and_still_answer() -> None:
    first, last = pool("first_name")[3], pool("last_name")[5]

    names = FullName().producible(TEXT, LOCALES)

    assert len(names) == len(pool("first_name")) * len(pool("last_name"))
    assert f"{first} {last}" in names
    assert f"{last} {first} Jr" not in names
    assert first not in names
    assert next(iter(names)) in names


def test_full_names_cut_to_a_column_answer_as_well() -> None:
    first, last = pool("first_name")[3], pool("last_name")[5]

    names = FullName().producible(Column("c", "varchar(8)", max_length=8), LOCALES)

    assert f"{first} {last}"[:8] in names
    assert f"{first} {last}"[:9] not in names
    assert "Qqqqqqqq" not in names


@pytest.mark.parametrize(
    ("strategy", "column", "residue"),
    [
        (Digest(), TEXT, "search"),
        (Digest(), Column("c", "integer"), "none"),
        (Phone(), Column("c", "bigint"), "search"),
        (FirstName(), TEXT, "pool"),
        (Null(), TEXT, "search"),
        (Null(), Column("c", "boolean"), "none"),
        (Constant(value="x"), TEXT, "pool"),
        (DateShift(), Column("c", "date"), "none"),
        (Keep(), TEXT, "none"),
        (Encrypt(), TEXT, "search"),
        (Scrub(), TEXT, "none"),
    ],
)
def test_each_says_how_its_originals_are_to_be_searched_for(strategy: object, column: Column, residue: str) -> None:
    assert isinstance(strategy, tuple(KINDS.values()))

    assert strategy.residue_in(column) == residue
