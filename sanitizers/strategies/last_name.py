"""A last name of the policy's locale."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy


class LastName(PooledStrategy):
    """A last name of the policy's locale."""

    kind: Literal["last_name"] = Field(default="last_name", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("last_name",)
