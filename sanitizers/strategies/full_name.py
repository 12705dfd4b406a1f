"""First and last name in one column."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.pools import PoolName, Pools, pick
from sanitizers.schema import Column
from sanitizers.strategies.strategy import Check, MaskingStrategy, Residue, not_unique, of, shortened


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
        if not isinstance(name, str):
            return False
        if self.length is not None and len(name) >= self.length:
            return name in set(self)
        spaces = (i for i, character in enumerate(name) if character == " ")
        return any(name[:i] in self.first and name[i + 1 :] in self.last for i in spaces)


class FullName(MaskingStrategy):
    """A first and a last name of the policy's locale, both picked by one digest."""

    kind: Literal["full_name"] = Field(default="full_name", alias="strategy")
    residue: ClassVar[Residue] = "pool"
    needs: ClassVar[tuple[PoolName, ...]] = ("first_name", "last_name")

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text, and not unique."""
        return (of("text"), not_unique)

    def expression(self, column: Column, value: sql.Composable, digest: sql.Composable) -> sql.Composable:  # noqa: ARG002
        """Two look-ups with different bytes of the digest."""
        first, last = pick("first_name", digest, at=0), pick("last_name", digest, at=2)
        return shortened(sql.SQL("({} || ' ' || {})").format(first, last), column.max_length)

    def producible(self, column: Column, pools: Pools) -> Collection[str]:
        """Every pair."""
        first, last = pools.values["first_name"], pools.values["last_name"]
        return FullNames(frozenset(first), frozenset(last), column.max_length)
