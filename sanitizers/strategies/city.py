"""A town or city."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import CITY
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy


class City(PooledStrategy):
    """A town or city."""

    kind: Literal["city"] = Field(default="city", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("city",)
    at: ClassVar[int] = CITY
