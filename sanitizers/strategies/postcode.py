"""A postal code in the shape of the policy's locale."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import POSTCODE
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy


class Postcode(PooledStrategy):
    """A postal code in the shape of the policy's locale."""

    kind: Literal["postcode"] = Field(default="postcode", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("postcode",)
    at: ClassVar[int] = POSTCODE
