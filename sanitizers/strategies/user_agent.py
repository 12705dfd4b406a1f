"""A browser that many people have."""

from __future__ import annotations

from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import SHIFT
from sanitizers.pools import PoolName
from sanitizers.strategies.pooled import PooledStrategy


class UserAgent(PooledStrategy):
    """One of eight usual browsers, which says nothing about a device."""

    kind: Literal["user_agent"] = Field(default="user_agent", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("user_agent",)

    def number(self, digest: sql.Composable) -> sql.Composable:
        """Bits of one byte, since there are few; the last one is the direction of a shift."""
        return sql.SQL("(get_byte({}, {}) >> 1)").format(digest, sql.Literal(SHIFT))
