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
        ("text", '{ strategy = "phone", digits = 16 }', 1_000_000, 2_000_000),
        ("text", '{ strategy = "phone", digits = 20 }', 100_000_000, 200_000_000),
        ("bigint", '"digest"', 3_000_000, 5_000_000),
        ("text", '{ strategy = "card", unique = true }', 3_000_000, 5_000_000),
        ("text", '"iban"', 3_000_000, 5_000_000),
        ("text", '"vin"', 1_500_000, 3_000_000),
        ("text", '"email"', 50_000_000, 100_000_000),
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


@pytest.mark.parametrize(
    ("type_", "length", "remedy"),
    [
        ("text", None, "use digest"),
        ("varchar(16)", 16, "texts that are not ASCII, or longer than 64 characters, have no permutation; use keep"),
    ],
)
def test_texts_that_have_no_permutation_are_told_apart_by_64_bits(type_: str, length: int | None, remedy: str) -> None:
    column = Column("v", type_, unique=True, max_length=length)

    assert problems(column, '"permute"', 50_000_000) == ()
    [found] = problems(column, '"permute"', 100_000_000)
    assert remedy in found
    assert "use permute" not in found


@pytest.mark.parametrize(
    ("type_", "length", "strategy", "remedy"),
    [
        ("text", None, '{ strategy = "phone", digits = 16 }', "set digits = 20"),
        ("varchar(20)", 20, '{ strategy = "phone", digits = 16 }', "use digest"),
        ("varchar(24)", 24, '{ strategy = "phone", digits = 16 }', "set digits = 20"),
        ("text", None, '"iban"', "use digest"),
        ("char(22)", 22, '"iban"', "use digest"),
        ("bigint", None, '"digest"', "use permute"),
    ],
)
def test_a_refusal_names_what_has_room_for_ten_million_rows(
    type_: str, length: int | None, strategy: str, remedy: str
) -> None:
    [found] = problems(Column("v", type_, unique=True, max_length=length), strategy, 10_000_000)

    assert found.endswith(f"two may be equal: {remedy}.")


@pytest.mark.parametrize("strategy", ["email", "user_name", "digest", "url", "hostname", "permute"])
def test_the_usual_strategies_keep_ten_million_rows_apart(strategy: str) -> None:
    assert problems(Column("v", "text", unique=True), f'"{strategy}"', 10_000_000) == ()


@pytest.mark.parametrize("strategy", ['"null"', '"shuffle"'])
def test_what_draws_no_fakes_has_no_crowd(strategy: str) -> None:
    assert problems(Column("v", "text", unique=True), strategy, 10**12) == ()


def test_a_key_of_several_columns_counts_as_one_whose_other_columns_are_equal() -> None:
    columns = (Column("tenant", "integer", not_null=True), Column("number", "bigint", not_null=True))
    table = Table("public", "t", columns, row_estimate=5_000_000, unique_keys=(("tenant", "number"),))
    policy = parse_policy('version = 1\n[db.public.t]\ntenant = "keep"\nnumber = "digest"', "masking.toml")

    with pytest.raises(PlanError) as refused:
        compile_plan([Schema("db", (table,))], policy)
    assert "db.public.t.number: digest does not fit" in refused.value.problems[0]
    compile_plan([Schema("db", (replace(table, row_estimate=3_000_000),))], policy)


def test_elements_of_arrays_have_the_bits_of_their_own_type() -> None:
    column = Column("v", "bigint[]", unique=True, array=True, element=Column("v", "bigint"))

    assert problems(column, '"digest"', 3_000_000) == ()
    [found] = problems(column, '"digest"', 5_000_000)
    assert "two may be equal" in found
