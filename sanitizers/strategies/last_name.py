"""A last name of the policy's locale."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import LAST_NAME
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy
from sanitizers.strategies.strategy import Common, Draws


class LastName(PooledStrategy):
    """A last name of the policy's locale."""

    kind: Literal["last_name"] = Field(default="last_name", alias="strategy")
    common: ClassVar[Common] = "name"
    needs: ClassVar[tuple[PoolName, ...]] = ("last_name",)
    draws: ClassVar[Draws] = "identity"
    at: ClassVar[int] = LAST_NAME
