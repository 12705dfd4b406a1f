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


def test_a_permutation_has_room_for_any_number_of_rows() -> None:
    assert problems(Column("v", "bigint", unique=True), '"permute"', 10**18) == ()
