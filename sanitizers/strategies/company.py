"""A company's name."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import COMPANY
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy


class Company(PooledStrategy):
    """A company's name."""

    kind: Literal["company"] = Field(default="company", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("company",)
    at: ClassVar[int] = COMPANY
