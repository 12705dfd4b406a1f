"""First and last name in one column."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.pools import PoolName, Pools, pick
from sanitizers.schema import Column
from sanitizers.strategies.pooled import RepeatingStrategy


@dataclass(frozen=True)
class FullNames(Collection[str]):
    """Every first name with every last name, cut to `length`; millions, so they are never written out."""

    first: frozenset[str]
    last: frozenset[str]
    length: int | None = None

    def __iter__(self) -> Iterator[str]:
        return (f"{first} {last}"[: self.length] for first in self.first for last in self.last)

    def __len__(self) -> int:
        return len(self.first) * len(self.last)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str) or len(name) > (self.length or len(name)):
            return False
        splits = [(name[:i], name[i + 1 :]) for i, character in enumerate(name) if character == " "]
        if any(first in self.first and last in self.last for first, last in splits):
            return True
        return len(name) == self.length and self._cut(name, splits)

    def _cut(self, name: str, splits: list[tuple[str, str]]) -> bool:
        """Whether the name fills its column and may have gone on."""
        if any(f"{first} ".startswith(name) for first in self.first):
            return True
        return any(first in self.first and any(n.startswith(last) for n in self.last) for first, last in splits)


class FullName(RepeatingStrategy):
    """A first and a last name of the policy's locale, both picked by one digest."""

    kind: Literal["full_name"] = Field(default="full_name", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("first_name", "last_name")

    def fake(self, digest: sql.Composable) -> sql.Composable:
        """Two look-ups with different bytes of the digest."""
        first, last = pick("first_name", digest, at=0), pick("last_name", digest, at=2)
        return sql.SQL("({} || ' ' || {})").format(first, last)

    def producible(self, column: Column, pools: Pools) -> Collection[str]:
        """Every pair."""
        if self.unique:
            return frozenset()
        first, last = pools.values["first_name"], pools.values["last_name"]
        return FullNames(frozenset(first), frozenset(last), column.max_length)
