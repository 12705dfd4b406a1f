"""Numbers in documents: each is masked as in a column of its kind, decimals too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.integration.shapes_case import Masked, conn, masked
from tests.integration.value_case import Masker

__all__ = ["conn", "masked"]

NUMBERS = ["1.50", "100", "-3.25", "123456789012345678901", "0.001", "-0.0"]


@pytest.fixture
def mask(database: Any) -> Iterator[Masker]:
    with psycopg.connect(database.dsn, autocommit=True) as own:
        yield Masker(own)


@pytest.mark.parametrize("type_", ["jsonb", "json"])
def test_decimals_are_noised_like_a_numeric_column(masked: Masked, mask: Masker, type_: str) -> None:
    ddl = sql.SQL("CREATE TABLE t (id int, doc {}); INSERT INTO t VALUES (1, {})").format(
        sql.SQL(type_), sql.Literal(f'{{"n":[{",".join(NUMBERS)},null],"s":"1.5"}}')
    )
    noise = '{ strategy = "noise", percent = 10 }'

    [row] = masked(
        ddl.as_string(),
        f'id = "keep"\ndoc = {{ strategy = "json", paths = {{ "n[*]" = {noise}, s = {noise} }} }}',
    )

    *fakes, empty = row["doc"]["n"]
    column = mask("numeric", "noise", NUMBERS, percent=10)
    assert fakes == [float(fake) if "." in fake else int(fake) for fake in column]
    assert empty is None
    assert "s" not in row["doc"]
    assert all(fake != float(number) for fake, number in zip(fakes[:4], NUMBERS, strict=False))


def test_bands_take_decimals_too(masked: Masked) -> None:
    ddl = """CREATE TABLE t (id int, doc jsonb); INSERT INTO t VALUES (1, '{"a": 123, "b": 123.5, "c": -17.25}')"""
    band = '{ strategy = "generalize", width = 10 }'

    [row] = masked(ddl, f'id = "keep"\ndoc = {{ strategy = "json", paths = {{ "*" = {band} }} }}')

    assert row["doc"] == {"a": 120, "b": 120, "c": -10}
