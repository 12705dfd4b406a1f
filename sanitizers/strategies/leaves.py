"""The values inside JSON documents and hstores, by the types of columns that they would have."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from psycopg import sql
from pydantic import field_validator

from sanitizers.schema import Column
from sanitizers.strategies.constant import Constant
from sanitizers.strategies.inner import Inner, Parts, parse_inner
from sanitizers.strategies.nested import masked_value, part_digest
from sanitizers.strategies.null import Null
from sanitizers.strategies.strategy import Inputs, MaskingStrategy, Residue, Several

TEXT = Column("text", "text")
WHOLE = Column("whole", "bigint")
FIGURE = Column("figure", "numeric")
FRACTION = Column("fraction", "numeric")
"""What is no WHOLE: decimals, and whole numbers of more than 18 digits."""
DAY = Column("day", "date")

# Dates that exist, so that the cast never fails; and what may follow them.
REAL_DATE = (
    r"^(?!0000)(?:\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|\d{4}-(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|\d{4}-(?:0[13578]|1[02])-31|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
    r"(?:[T ]\d\d:?\d\d[0-9:.]*(?:Z|[+-][0-9:]+)?)?$"
)

_AS: Mapping[str, sql.Composable] = {
    "text": sql.SQL("CASE WHEN kind = 'string' THEN scalar END AS text"),
    "whole": sql.SQL("CASE WHEN kind = 'number' AND scalar ~ '^-?[0-9]{1,18}$' THEN scalar::bigint END AS whole"),
    "figure": sql.SQL("CASE WHEN kind = 'number' THEN scalar::numeric END AS figure"),
    "fraction": sql.SQL(
        "CASE WHEN kind = 'number' AND scalar !~ '^-?[0-9]{1,18}$' THEN scalar::numeric END AS fraction"
    ),
    "day": sql.SQL("CASE WHEN kind = 'string' AND scalar ~ {} THEN left(scalar, 10)::date END AS day").format(
        sql.Literal(REAL_DATE)
    ),
}


def columns(found: Iterable[Leaf]) -> sql.Composable:
    """SQL for what a node is as a value of each type that is masked.

    The row has `kind` (as jsonb_typeof says), and its text as `scalar`.
    """
    names = dict.fromkeys(["text", *(leaf.value for leaf in found)])
    return sql.SQL(", ").join(_AS[name] for name in names)


@dataclass(frozen=True)
class Leaf:
    """Leaves of one type and their fakes under one strategy; `alias` is the row with COLUMNS and the digests."""

    strategy: MaskingStrategy
    column: Column
    digest: str

    @property
    def value(self) -> str:
        """The column of COLUMNS."""
        return self.column.name

    def drawn(self, alias: str) -> sql.Composable:
        """SQL for the digest."""
        return part_digest(self.strategy, self.column, sql.Identifier(alias, self.value))

    def fake(self, inputs: Inputs, alias: str) -> sql.Composable:
        """SQL for the fake in the type of the column, NULL where the leaf is of another type."""
        value, digest = sql.Identifier(alias, self.value), sql.Identifier(alias, self.digest)
        made = masked_value(self.strategy, self.column, replace(inputs, value=value, digest=digest, mark=digest))
        fake = sql.SQL("({})::{}").format(made, sql.SQL(self.column.type))
        if self.column is DAY:
            rest = sql.SQL("substr({}, 11)").format(sql.Identifier(alias, "text"))
            return sql.SQL("(to_char({}, 'YYYY-MM-DD') || {})").format(fake, rest)
        return fake

    def token(self, inputs: Inputs, alias: str) -> sql.Composable:
        """SQL for the fake as JSON text, NULL where the leaf is of another type."""
        return sql.SQL("to_jsonb({})::text").format(self.fake(inputs, alias))


def leaves(strategy: MaskingStrategy, name: str) -> Iterator[Leaf]:
    """What the strategy can mask of a document: strings as text or else as days, numbers as integers, decimals or both.

    Args:
        strategy: one that stands in a document.
        name: under which its digests are found, a letter behind it for each type.
    """
    if isinstance(strategy, Null | Constant):
        return
    for letter, columns in (("s", (TEXT, DAY)), ("n", (WHOLE, FIGURE))):
        fitting = [column for column in columns if strategy.fits(column) is None]
        yield from (Leaf(strategy, column, name + letter) for column in fitting[:1])
        if fitting == [WHOLE, FIGURE]:
            yield Leaf(strategy, FRACTION, f"{name}f")


def leaves_out(strategy: MaskingStrategy) -> bool:
    """Whether numbers are masked of a document, but none that `whole` cannot read: those become null."""
    columns = [leaf.column for leaf in leaves(strategy, "")]
    return WHOLE in columns and FRACTION not in columns


class LeavesStrategy(MaskingStrategy):
    """Masks some values inside a value, each by a strategy of its own, and all others by `rest`."""

    rest: Literal["drop", "keep"] | Inner = "drop"
    digested: ClassVar[bool] = False

    @field_validator("rest", mode="before")
    @classmethod
    def _drop_or_strategy(cls, value: object) -> object:
        return value if value in ("drop", "keep") else parse_inner(value)

    @property
    @abstractmethod
    def parts(self) -> Parts:
        """Those values and their strategies."""

    @property
    def named(self) -> Parts:
        """The same with the rest, where that is a strategy."""
        return (*self.parts, ("rest", self.rest)) if isinstance(self.rest, MaskingStrategy) else self.parts

    def residue_in(self, column: Column) -> Residue:  # noqa: ARG002
        """Originals are what is masked inside; what is kept there is none, see `proof.inside`."""
        return "pool"

    def producible(self, column: Column, locales: Sequence[str]) -> Collection[str]:
        """What the strategies inside can produce."""
        inner = [strategy for _, strategy in self.named]
        parts = (leaf.strategy.producible(leaf.column, locales) for s in inner for leaf in leaves(s, ""))
        constants = (s.producible(column, locales) for s in inner if isinstance(s, Constant))
        return Several((*parts, *constants))
