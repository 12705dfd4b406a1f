"""A unique column with more rows than its fakes have bits for is refused while planning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sanitizers.errors import PlanError
from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import Column, Schema, Table


def problems(column: Column, strategy: str, rows: int) -> tuple[str, ...]:
    """What a plan of one column says."""
    schema = Schema("db", (Table("public", "t", (column,), row_estimate=rows),))
    text = f"version = 1\n[db.public.t]\nv = {strategy}"
    try:
        compile_plan([schema], parse_policy(text, "masking.toml"))
    except PlanError as error:
        return tuple(error.problems)
    return ()


@pytest.mark.parametrize(
    ("type_", "strategy", "enough", "too_many"),
    [
        ("text", '{ strategy = "phone", digits = 16 }', 10_000_000, 20_000_000),
        ("bigint", '"digest"', 30_000_000, 50_000_000),
        ("text", '{ strategy = "card", unique = true }', 30_000_000, 50_000_000),
        ("text", '"iban"', 30_000_000, 50_000_000),
        ("text", '"email"', 500_000_000, 1_000_000_000),
        ("uuid", '"digest"', 10**12, 10**18),
    ],
)
def test_more_rows_than_bits_are_refused(type_: str, strategy: str, enough: int, too_many: int) -> None:
    column = Column("v", type_, unique=True)

    assert problems(column, strategy, enough) == ()
    [found] = problems(column, strategy, too_many)
    assert "db.public.t.v" in found
    assert "two may be equal" in found
    assert problems(replace(column, unique=False), strategy, too_many) == ()


@pytest.mark.parametrize(("type_", "length"), [("bigint", None), ("varchar(15)", 15)])
def test_a_permutation_has_room_for_any_number_of_rows(type_: str, length: int | None) -> None:
    assert problems(Column("v", type_, unique=True, max_length=length), '"permute"', 10**18) == ()


@pytest.mark.parametrize(("type_", "length"), [("text", None), ("varchar(16)", 16)])
def test_texts_that_have_no_permutation_are_told_apart_by_64_bits(type_: str, length: int | None) -> None:
    column = Column("v", type_, unique=True, max_length=length)

    assert problems(column, '"permute"', 500_000_000) == ()
    [found] = problems(column, '"permute"', 1_000_000_000)
    assert "texts that are not ASCII, or longer than 64 characters" in found
    assert "use permute" not in found


def test_elements_of_arrays_have_the_bits_of_their_own_type() -> None:
    column = Column("v", "bigint[]", unique=True, array=True, element=Column("v", "bigint"))

    assert problems(column, '"digest"', 30_000_000) == ()
    [found] = problems(column, '"digest"', 50_000_000)
    assert "two may be equal" in found
