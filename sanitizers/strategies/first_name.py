"""A first name of the policy's locale."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy


class FirstName(PooledStrategy):
    """A first name of the policy's locale."""

    kind: Literal["first_name"] = Field(default="first_name", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("first_name",)
