"""First and last name in one column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import Field

from sanitizers.formulas import FIRST_NAME, LAST_NAME
from sanitizers.pools import PoolName, pool
from sanitizers.schema import Column
from sanitizers.strategies.pooled import RepeatingStrategy
from sanitizers.strategies.strategy import Draws, Inputs


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
    """A first and a last name of the policy's locale: those that stand in the row's other columns."""

    kind: Literal["full_name"] = Field(default="full_name", alias="strategy")
    needs: ClassVar[tuple[PoolName, ...]] = ("first_name", "last_name")
    draws: ClassVar[Draws] = "identity"

    def fake(self, inputs: Inputs) -> sql.Composable:
        """Two look-ups with different bytes of the digest."""
        first, last = inputs.pick("first_name", FIRST_NAME), inputs.pick("last_name", LAST_NAME)
        return sql.SQL("({} || ' ' || {})").format(first, last)

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:
        """Every pair, those across locales as well."""
        if self.unique:
            return frozenset()
        first = frozenset(name for locale in locales for name in pool("first_name", locale))
        last = frozenset(name for locale in locales for name in pool("last_name", locale))
        return FullNames(first, last, column.max_length)
