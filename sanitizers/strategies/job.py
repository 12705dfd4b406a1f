"""What somebody does for a living."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sanitizers.formulas import COMPANY
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy
from sanitizers.strategies.strategy import Common


class Job(PooledStrategy):
    """What somebody does for a living."""

    kind: Literal["job"] = Field(default="job", alias="strategy")
    common: ClassVar[Common] = "word"
    needs: ClassVar[tuple[PoolName, ...]] = ("job",)
    at: ClassVar[int] = COMPANY
