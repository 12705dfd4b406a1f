"""A state, province or county."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import CITY
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy
from sanitizers.strategies.strategy import Common


class Region(PooledStrategy):
    """A state, province or county."""

    kind: Literal["region"] = Field(default="region", alias="strategy")
    common: ClassVar[Common] = "word"
    needs: ClassVar[tuple[PoolName, ...]] = ("region",)
    at: ClassVar[int] = CITY
