"""What every strategy has in common, and the checks that several of them share.

A strategy is written by people (so it is a frozen pydantic model) and compiled to one SQL expression per column.
The expression gets the original value and its keyed digest, both as plain column references, and yields the fake;
NULL in, NULL out. The digest is SHA-256 over a key derived from the run's and the strategy's `kind`, and the value's
text, so that the same value gets the same fake in every table and an unrelated one from every other strategy. At most
128 of its 256 bits are ever written into a target, so that no digest can be extended to that of a longer value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import BaseModel, ConfigDict

from sanitizers.pools import PoolName, Pools
from sanitizers.schema import Category, Column

Residue = Literal["search", "pool", "none"]
"""How to look for originals in the target.

search  no original may be found anywhere
pool    the same, but for originals that the strategy itself can produce
none    outputs and originals share one small domain, so that equal values prove nothing
"""

Check = Callable[[Column], str | None]

# Categories in which unrelated columns hold the same values all the time: numbers, days, flags.
SMALL_DOMAINS: frozenset[Category] = frozenset({"integer", "number", "date", "timestamp", "boolean", "enum"})


class MaskingStrategy(BaseModel, ABC):
    """One way to replace the values of a column. Subclasses add `kind`, the discriminator (`strategy` in TOML)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    masks: ClassVar[bool] = True
    """Whether values change at all."""
    digested: ClassVar[bool] = True
    """Whether `expression` uses the keyed digest."""
    injective: ClassVar[bool] = False
    """Whether different originals get different fakes (64 bits or more decide), so that keys stay unique."""
    residue: ClassVar[Residue] = "search"
    needs: ClassVar[tuple[PoolName, ...]] = ()
    """Pools that `expression` picks from."""

    @property
    def checks(self) -> tuple[Check, ...]:
        """What a column must pass beside the checks for all; each answers with a problem or None."""
        return ()

    @property
    def keeps_unique(self) -> bool:
        """Whether these parameters keep unique columns unique."""
        return self.injective

    @property
    def masking(self) -> dict[str, object]:
        """Kind and parameters, as far as they decide what comes out."""
        return self.model_dump()

    def fits(self, column: Column) -> str | None:
        """Why this strategy cannot be used on the column, as half a sentence, or None."""
        common: tuple[Check, ...] = (not_generated, not_identity)
        return next((problem for check in (*common, *self.checks) if (problem := check(column))), None)

    @abstractmethod
    def expression(self, column: Column, value: sql.Composable, digest: sql.Composable) -> sql.Composable:
        """SQL that yields the fake; `value` and `digest` are column references and may be repeated."""

    def residue_in(self, column: Column) -> Residue:
        """How originals of this column are to be searched for."""
        return "none" if column.category in SMALL_DOMAINS else self.residue

    def producible(self, column: Column, pools: Pools) -> Collection[str]:  # noqa: ARG002
        """All texts that masking can put into the column although nobody's original was used."""
        return ()


def not_generated(column: Column) -> str | None:
    """Postgres computes generated columns itself."""
    return "the column is generated, Postgres computes it: take it out of the policy" if column.generated else None


def not_identity(column: Column) -> str | None:
    """The sequence behind an identity column would know nothing of the fakes."""
    return "the column is an identity: its numbers come from a sequence, keep it" if column.identity else None


def not_unique(column: Column) -> str | None:
    """For strategies whose fakes repeat."""
    return "the column is unique and these fakes repeat" if column.unique else None


def of(*categories: Category) -> Check:
    """The column's type is of one of the categories."""
    expected = " or ".join(categories)

    def check(column: Column) -> str | None:
        return None if column.category in categories else f"the column is {column.type}, not {expected}"

    return check


def at_least(characters: int) -> Check:
    """A text column is long enough."""

    def check(column: Column) -> str | None:
        if column.max_length is None or column.max_length >= characters:
            return None
        return f"the column holds {column.max_length} characters, {characters} are needed"

    return check


def shortened(text: sql.Composable, length: int | None) -> sql.Composable:
    """The text cut to `length` characters, or as it is."""
    return text if length is None else sql.SQL("left({}, {})").format(text, sql.Literal(length))


def hexadecimal(digest: sql.Composable, start: int, length: int) -> sql.Composable:
    """`length` bytes of the digest from the 1-based `start`, as hexadecimal text."""
    return sql.SQL("encode(substr({}, {}, {}), 'hex')").format(digest, sql.Literal(start), sql.Literal(length))
