"""The shape of strategies that pick one value from one pool. `first_name`, `city` and the like are a few lines each."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from psycopg import sql

from sanitizers.pools import PoolName, Pools, pick
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, MaskingStrategy, Residue, not_unique, of, shortened


class PooledStrategy(MaskingStrategy):
    """Picks from the pool that `needs` names. Cut to the column's length where that is shorter."""

    residue: ClassVar[Residue] = "pool"

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text, and not unique."""
        return (of("text"), not_unique)

    @property
    def pool(self) -> PoolName:
        """The one pool."""
        return self.needs[0]

    def expression(self, column: Column, value: sql.Composable, digest: sql.Composable) -> sql.Composable:  # noqa: ARG002
        """One look-up in a constant array."""
        return shortened(pick(self.pool, digest, at=0), column.max_length)

    def producible(self, column: Column, pools: Pools) -> Collection[str]:
        """The pool itself."""
        return frozenset(value[: column.max_length] for value in pools.values[self.pool])
