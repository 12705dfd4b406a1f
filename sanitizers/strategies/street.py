"""A street with a house number."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import STREET
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy
from sanitizers.strategies.strategy import Draws


class Street(PooledStrategy):
    """A street with a house number."""

    kind: Literal["street"] = Field(default="street", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("street",)
    draws: ClassVar[Draws] = "detail"
    at: ClassVar[int] = STREET
