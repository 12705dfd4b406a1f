"""A browser that many people have."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import DOMAIN
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy


class UserAgent(PooledStrategy):
    """One of eight usual browsers, which says nothing about a device."""

    kind: Literal["user_agent"] = Field(default="user_agent", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("user_agent",)
    at: ClassVar[int] = DOMAIN
