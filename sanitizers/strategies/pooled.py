"""The shape of strategies that pick one value from one pool. `first_name`, `city` and the like are a few lines each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import ClassVar

from psycopg import sql

from sanitizers.digests import digest_of
from sanitizers.folding import text_bytes
from sanitizers.formulas import MARK_BYTES, mark
from sanitizers.pools import PoolName, pick_at, pool, two_bytes
from sanitizers.schema import Column
from sanitizers.strategies.strategy import (
    Check,
    Inputs,
    PersonalStrategy,
    Residue,
    at_least,
    not_unique,
    of,
    shortened,
)

MARK = 2 * MARK_BYTES  # hexadecimal digits, 64 bits


class RepeatingStrategy(PersonalStrategy):
    """Picks from pools, so that fakes repeat. Cut to the column's length where that is shorter.

    `unique = true` adds 64 bits of the digest (`12 Elm Street 3f9a1c0b2d4e5f60`), for columns that a key counts on.
    """

    unique: bool = False
    residue: ClassVar[Residue] = "pool"

    @abstractmethod
    def fake(self, inputs: Inputs) -> sql.Composable:
        """SQL for a value out of the pools."""

    @property
    def keeps_unique(self) -> bool:
        """Whether the digest is added."""
        return self.unique

    @property
    def checks(self) -> tuple[Check, ...]:
        """Text, and long enough for the digest or not unique."""
        return (of("text"), at_least(MARK) if self.unique else not_unique)

    def expression(self, column: Column, inputs: Inputs) -> sql.Composable:
        """The fake, with or without the digest behind it."""
        if not self.unique:
            return shortened(self.fake(inputs), column.max_length)
        end = mark(self._distinct(column, inputs))
        room = None if column.max_length is None else column.max_length - MARK - 1
        if room is not None and room < 1:
            return end
        return sql.SQL("({} || ' ' || {})").format(shortened(self.fake(inputs), room), end)

    def _distinct(self, column: Column, inputs: Inputs) -> sql.Composable:
        """A digest that differs where originals do: spellings of one name are one person's, and two values of a key."""
        if self.draws != "identity" or column.case_insensitive:
            return inputs.mark
        return digest_of("spelling of a name", text_bytes(sql.SQL("{}::text").format(inputs.value)))

    def residue_in(self, column: Column) -> Residue:
        """With the digest no fake is anybody's original."""
        return "search" if self.unique else super().residue_in(column)


class PooledStrategy(RepeatingStrategy):
    """Picks one value from the pool that `needs` names, by the last bits of a number: two bytes of the digest."""

    at: ClassVar[int] = 0

    @property
    def pool(self) -> PoolName:
        """The one pool."""
        return self.needs[0]

    def fake(self, inputs: Inputs) -> sql.Composable:
        """One look-up in a constant array."""
        number = self.number(inputs.digest)
        return inputs.choose(lambda locale: pick_at(self.pool, locale, number))

    def number(self, digest: sql.Composable) -> sql.Composable:
        """What decides: the two bytes from `at`."""
        return two_bytes(digest, self.at)

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:
        """The pool itself."""
        if self.unique:
            return frozenset()
        return frozenset(value[: column.max_length] for name in locales for value in pool(self.pool, name))
