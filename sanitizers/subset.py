"""Which rows are taken when not all are, such that no row refers to one that is not. Pure.

Some tables are restricted by the policy or by a sample. Every table that refers to a restricted one is restricted to
the rows whose references lead to rows that are taken, and so on. Where references go round in a circle, one that may be
NULL is cut: it becomes NULL in the rows that would refer to a row that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from psycopg import sql

from sanitizers.digests import DigestSource
from sanitizers.rules import TableRule
from sanitizers.schema import Column, ForeignKey, Schema, Table

Name = tuple[str, str]
"""Schema and table."""

SAMPLE = "sample"
STEPS = 1 << 24  # of three bytes of a digest
MOST_LOOKUPS = 200  # nested look-ups of one table's rows; a circle that was not seen would never end


@dataclass(frozen=True)
class Rows:
    """The rows of one table that are taken. Conditions speak of the alias that the masked SELECT uses."""

    where: sql.Composable | None = None
    cut: Mapping[str, sql.Composable] = field(default_factory=dict)
    """Column → condition under which its reference leads to a row that is taken; otherwise it becomes NULL."""


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
            # People's SQL names columns without an alias: in a sub-select of its own nothing else is in scope.
            yield sql.SQL("({})").format(sql.SQL(self.rule.condition))
        if self.share is not None and self.source is not None:
            digest = self.source.expression(alias)
            figure = sql.SQL("((get_byte({d}, 0) << 16) | (get_byte({d}, 1) << 8) | get_byte({d}, 2))").format(d=digest)
            yield sql.SQL("{} < {}").format(figure, sql.Literal(int(self.share * STEPS)))


class Subset:
    """The restricted tables of one database, and why."""

    def __init__(
        self, schema: Schema, wanted: Mapping[Name, Wanted], links: Sequence[tuple[Name, ForeignKey]] = ()
    ) -> None:
        self._links = links
        self._tables = {(table.schema, table.name): table for table in schema.tables}
        self._wanted = wanted
        self._restricted = self._spread({name for name, want in wanted.items() if want.restricts})
        self._cut: dict[Name, tuple[ForeignKey, ...]] = {}
        self._find_circles()
        self.problems = tuple(self._problems(schema.database))

    @property
    def restricts(self) -> bool:
        """Whether any row of the database is left out."""
        return bool(self._restricted)

    def rows(self, name: Name, alias: str) -> Rows:
        """The rows of a table that are taken."""
        if name not in self._restricted:
            return Rows()
        lookups = _Lookups()
        conditions = list(self._conditions(name, alias, lookups))
        cut = {
            column: self._leads(key, alias, lookups)
            for key in self._cut.get(name, ())
            for column in key.columns
            if (found := self._column(name, column)) and not found.not_null
        }
        return Rows(sql.SQL(" AND ").join(conditions) if conditions else None, cut)

    def _conditions(self, name: Name, alias: str, lookups: _Lookups) -> Iterator[sql.Composable]:
        if name in self._wanted:
            yield from self._wanted[name].condition(alias)
        for key in self._keys(name):
            if key not in self._cut.get(name, ()):
                yield self._leads(key, alias, lookups)

    def _leads(self, key: ForeignKey, alias: str, lookups: _Lookups) -> sql.Composable:
        """Whether a row refers to nothing, or to a row that is taken."""
        parent = lookups.next()
        target = (key.schema, key.table)
        pairs = [
            sql.SQL("{} = {}").format(sql.Identifier(parent, there), sql.Identifier(alias, here))
            for here, there in zip(key.columns, key.targets, strict=True)
        ]
        inside = [*pairs, *self._conditions(target, parent, lookups)]
        empty = [sql.SQL("{} IS NULL").format(sql.Identifier(alias, here)) for here in key.columns]
        return sql.SQL("({} OR EXISTS (SELECT FROM {}{} AS {} WHERE {}))").format(
            sql.SQL(" OR ").join(empty),
            sql.SQL("" if self._tables[target].partitioned else "ONLY "),
            sql.Identifier(*target),
            sql.Identifier(parent),
            sql.SQL(" AND ").join(inside),
        )

    def _keys(self, name: Name) -> Sequence[ForeignKey]:
        return [key for key in self._references(name) if (key.schema, key.table) in self._restricted]

    def _references(self, name: Name) -> Sequence[ForeignKey]:
        """Foreign keys, and what the policy says refers like one."""
        return [*self._tables[name].foreign_keys, *(key for child, key in self._links if child == name)]

    def _spread(self, restricted: set[Name]) -> set[Name]:
        """Restricted tables and all that refer to them, directly or by way of others."""
        while True:
            more = {
                name
                for name in self._tables
                if name not in restricted and any((k.schema, k.table) in restricted for k in self._references(name))
            }
            if not more:
                return restricted
            restricted |= more

    def _find_circles(self) -> None:
        """Cut the references that close a circle, such as can be NULL rather than others."""
        for name in sorted(self._restricted):
            while circle := self._circle(name, ()):
                where, key = next(((n, k) for n, k in circle if self._nullable(n, k)), circle[-1])
                self._cut[where] = (*self._cut.get(where, ()), key)

    def _circle(self, start: Name, way: tuple[tuple[Name, ForeignKey], ...]) -> tuple[tuple[Name, ForeignKey], ...]:
        here = (way[-1][1].schema, way[-1][1].table) if way else start
        if way and here == start:
            return way
        if here in {name for name, _ in way}:
            return ()
        for key in self._keys(here):
            if key not in self._cut.get(here, ()) and (found := self._circle(start, (*way, (here, key)))):
                return found
        return ()

    def _nullable(self, name: Name, key: ForeignKey) -> bool:
        return any(not column.not_null for c in key.columns if (column := self._column(name, c)))

    def _column(self, name: Name, column: str) -> Column | None:
        return self._tables[name].column(column)

    def _problems(self, database: str) -> Iterator[str]:
        for name, keys in self._cut.items():
            for key in keys:
                if not self._nullable(name, key):
                    place = f"{database}.{'.'.join(name)}"
                    yield (
                        f"{place} ({', '.join(key.columns)}) refers back to tables that refer to it, and is NOT NULL:"
                        " no subset of these rows can be taken. Take every row of them."
                    )


class _Lookups:
    """Aliases for the rows that are looked up."""

    def __init__(self) -> None:
        self._count = 0

    def next(self) -> str:
        self._count += 1
        if self._count > MOST_LOOKUPS:
            raise RecursionError("too many tables refer to one another for a subset")
        return f"p{self._count}"


def sampled(table: Table, person: DigestSource | None) -> DigestSource:
    """What decides whether a row is in a sample: its person where it has one, or else its key."""
    names = table.identities[0] if table.identities else [c.name for c in table.columns if not c.generated]
    itself = tuple(column for name in names if (column := table.column(name)))
    # What the digest falls back on makes it NULL for no row: a row that nothing identifies is in some samples, too.
    if person is not None:
        return DigestSource(SAMPLE, person.columns, fold=True, otherwise=person.otherwise or itself)
    return DigestSource(SAMPLE, itself, fold=True, otherwise=itself)
