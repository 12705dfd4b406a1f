"""What somebody does for a living."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import JOB, spare
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy
from sanitizers.strategies.strategy import Common


class Job(PooledStrategy):
    """What somebody does for a living."""

    kind: Literal["job"] = Field(default="job", alias="strategy")
    common: ClassVar[Common] = "word"
    needs: ClassVar[tuple[PoolName, ...]] = ("job",)

    def number(self, digest: sql.Composable) -> sql.Composable:
        """Not what decides the company: those who work there do different things."""
        return spare(digest, JOB)
