"""A first name of the policy's locale."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import FIRST_NAME
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy
from sanitizers.strategies.strategy import Common, Draws


class FirstName(PooledStrategy):
    """A first name of the policy's locale."""

    kind: Literal["first_name"] = Field(default="first_name", alias="strategy")
    common: ClassVar[Common] = "name"
    needs: ClassVar[tuple[PoolName, ...]] = ("first_name",)
    draws: ClassVar[Draws] = "identity"
    at: ClassVar[int] = FIRST_NAME
