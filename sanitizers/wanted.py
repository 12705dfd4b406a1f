"""Which rows of one table are wanted: by people's SQL, or a share by a digest. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from psycopg import sql

from sanitizers.digests import DigestSource
from sanitizers.rules import TableRule
from sanitizers.schema import Table

SAMPLE = "sample"
STEPS = 1 << 24  # of three bytes of a digest, which are in the order of their numbers
MOST_TRIED = 100_000  # rows that a condition is tried on, of a table of any size
_SPREAD = sql.SQL(" TABLESAMPLE SYSTEM ({}) REPEATABLE (0)")


@dataclass(frozen=True)
class Rows:
    """The rows of one table that are taken. Conditions speak of the alias that the masked SELECT uses."""

    where: sql.Composable | None = None
    cut: Mapping[str, sql.Composable] = field(default_factory=dict)
    """Column → condition under which its reference leads to a row that is taken; otherwise it becomes NULL."""
    given: tuple[sql.Composable, ...] = ()
    """Members of the statement's WITH, in their order: the rows of other tables that are taken."""
    joins: sql.Composable | None = None
    """Joins beside the row, which conditions speak of; they leave every row there once."""
    tried: Rows | None = None
    """What stands for them before a run: other rows of the same shape, found without reading a table whole."""


@dataclass(frozen=True)
class Wanted:
    """What restricts one table by itself: people's SQL, or a share of the rows by a digest of `source`."""

    rule: TableRule
    share: Fraction | None = None
    source: DigestSource | None = None

    @property
    def restricts(self) -> bool:
        """Whether any row is left out for its own sake."""
        return self.share is not None or bool(self.rule.condition)

    def condition(self, alias: str) -> Iterator[sql.Composable]:
        """Conditions on the row of an alias."""
        if self.rule.condition:
            yield written(self.rule.condition)
        if self.share is not None and self.source is not None:
            digest = self.source.expression(alias)
            bound = sql.Literal(int(self.share * STEPS).to_bytes(3, "big").hex())
            yield sql.SQL("substr({}, 1, 3) < decode({}, 'hex')").format(digest, bound)


def sampled(table: Table, person: DigestSource | None) -> DigestSource:
    """What decides whether a row is in a sample: its person where it has one, or else its key."""
    names = table.identities[0] if table.identities else [c.name for c in table.columns if not c.generated]
    itself = tuple(column for name in names if (column := table.column(name)))
    # What the digest falls back on makes it NULL for no row: a row that nothing identifies is in some samples, too.
    if person is not None:
        instead = tuple(replace(other, label=SAMPLE, fold=True) for other in person.instead)
        return DigestSource(SAMPLE, person.columns, fold=True, instead=instead, otherwise=itself)
    return DigestSource(SAMPLE, itself, fold=True, otherwise=itself)


def written(condition: str) -> sql.Composable:
    """People's SQL as one operand."""
    # People's SQL names columns without an alias; whatever is joined beside the row has other names.
    return sql.SQL("({})").format(sql.SQL(condition))


def some_blocks(table: Table) -> sql.Composable:
    """Behind the alias of a large table: some of its blocks, from all over it, the same ones every time."""
    if table.row_estimate <= MOST_TRIED:
        return sql.SQL("")
    return _SPREAD.format(sql.Literal(round(100 * MOST_TRIED / table.row_estimate, 6)))
