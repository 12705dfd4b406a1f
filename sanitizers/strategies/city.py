"""A town or city."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import CITY
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy
from sanitizers.strategies.strategy import Common


class City(PooledStrategy):
    """A town or city."""

    kind: Literal["city"] = Field(default="city", alias="strategy")
    common: ClassVar[Common] = "word"
    needs: ClassVar[tuple[PoolName, ...]] = ("city",)
    at: ClassVar[int] = CITY
