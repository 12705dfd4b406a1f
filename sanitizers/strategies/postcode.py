"""A postal code in the shape of the policy's locale."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import POSTCODE
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy
from sanitizers.strategies.strategy import Common


class Postcode(PooledStrategy):
    """A postal code in the shape of the policy's locale."""

    kind: Literal["postcode"] = Field(default="postcode", alias="strategy")
    common: ClassVar[Common] = "word"
    needs: ClassVar[tuple[PoolName, ...]] = ("postcode",)
    at: ClassVar[int] = POSTCODE
