"""What fakes of other rows may be: found in a target, it proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import MaskingPolicy
from sanitizers.proof.producible import Producible
from sanitizers.schema import Column, Schema, Table


def plan_of(strategy: Any) -> DatabasePlan:
    """A table with one column of text."""
    table = Table("public", "t", (Column("c", "text"),))
    policy = MaskingPolicy.model_validate({"version": 1, "databases": {"shop": {"public": {"t": {"c": strategy}}}}})
    return compile_plan([Schema("shop", (table,))], policy).databases[0]


@pytest.mark.parametrize(
    ("strategy", "nobodys", "issued"),
    [
        ({"strategy": "national_id", "country": "us"}, ("900-12-3456", "900123456"), ("123-45-6789", "9001234567", "")),
        ({"strategy": "national_id", "country": "gb_nhs"}, ("9990000018",), ("4010232137", "99900000180")),
        ({"strategy": "imei"}, ("001234567890123",), ("351234567890123", "00123456789012", "00a234567890123")),
        ({"strategy": "email"}, (), ("900-12-3456", "001234567890123")),
    ],
)
def test_ids_that_nobody_gets_may_be_fakes_where_fakes_are_drawn_from_them(
    strategy: Any, nobodys: tuple[str, ...], issued: tuple[str, ...]
) -> None:
    producible = Producible(plan_of(strategy))

    assert [value in producible for value in nobodys] == [True] * len(nobodys)
    assert [value in producible for value in issued] == [False] * len(issued)
