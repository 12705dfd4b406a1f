"""Masked values that are equal to their own originals: the value of a row next to that of the row with the same key.

The search for whole values leaves out columns of small domains, where equal values prove nothing. Row by row they do.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import psycopg
from psycopg import sql

from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.proof.cells import SAMPLE, CellsOf, Equal, cells_of, hash_of, judged, key_of
from sanitizers.proof.memory import Facts
from sanitizers.proof.places import Place
from sanitizers.proof.roads.answers import other_encoding
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.samples import Samples
from sanitizers.proof.sieve import with_parameters

AT_ONCE = 5_000  # rows in this process's memory
COUNTED = 1 << 16  # different values of a column that are counted one by one
SIGMAS = 6
MOST_EQUAL = 0.5  # of a small domain: masking may give a value itself, but not to every second row

_BEFORE = sql.SQL("SELECT {key}, {hashes} FROM {relation} AS t")
_AFTER = sql.SQL("""
SELECT k.number, {hashes} FROM unnest({arrays}) WITH ORDINALITY AS k ({names}, number) JOIN {table} AS t ON {same}
""")
_ANY = sql.SQL("SELECT EXISTS (SELECT FROM {})")


@dataclass
class _Counted:
    """A masked column while its rows are compared one by one."""

    rows: int = 0
    equal: int = 0
    here: Counter[int] = field(default_factory=Counter)
    """How often values come before masking; of very many those whose hashes end in zeros."""
    there: Counter[int] = field(default_factory=Counter)
    """The same after it."""
    mask: int = 0

    def add(self, before: int | None, after: int | None) -> None:
        """Take the hashes of one row."""
        if before is None or after is None:
            return
        self.rows += 1
        self.equal += before == after
        for seen, hash_ in ((self.here, before), (self.there, after)):
            if not hash_ & self.mask:
                seen[hash_] += 1
        if len(self.here) + len(self.there) > 2 * COUNTED:
            self._thin_out()

    def _thin_out(self) -> None:
        self.mask = self.mask << 1 | 1
        self.here, self.there = (
            Counter({h: n for h, n in seen.items() if not h & self.mask}) for seen in (self.here, self.there)
        )

    @property
    def compared(self) -> Equal:
        """What it came to."""
        pairs = sum(n * self.there[h] for h, n in self.here.items() if h in self.there)
        return Equal(self.rows, self.equal, (self.mask + 1) * pairs / self.rows if self.rows else 0)


@dataclass(frozen=True)
class _Column:
    """A masked column, compared."""

    name: str
    plan: ColumnPlan
    found: Equal

    @property
    def too_many(self) -> int:
        """Equal values that chance does not explain."""
        more = self.found.equal - self.found.by_chance
        if self.plan.residue == "none" and more < MOST_EQUAL * self.found.rows:
            return 0
        return self.found.equal if more > SIGMAS * math.sqrt(self.found.by_chance) else 0

    @property
    def problem(self) -> str:
        """A sentence."""
        rows = self.found.rows
        return f"{self.name} is as it was in {self.too_many:,} of {rows:,} rows that were compared by their key"


@dataclass
class _Seen:
    """What there is of all tables."""

    columns: list[_Column] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    rows: int = 0
    """About how many there are in the tables that were looked at."""
    looked_at: int = 0

    def cannot(self, site: Site, table: TablePlan) -> None:
        """Say that nothing tells the rows of a table apart."""
        self.unseen.append(f"{site.database}.{table.table.qualified}, whose rows no kept column tells apart")

    def strangers(self, site: Site, table: TablePlan) -> None:
        """Say that no row of a table could be compared."""
        self.unseen.append(f"{site.database}.{table.table.qualified}, of whose rows none has the key of one of before")


class SameKey(Road):
    """Masked columns next to their originals, row by row."""

    name: ClassVar[str] = "same-key"
    title: ClassVar[str] = "Rows next to their originals"
    question: ClassVar[str] = "Is there a masked column that still says of somebody what it said before?"

    def look(self, site: Site) -> Found:
        """Compare every masked column of the tables whose key is kept."""
        if site.plan is not None and site.source is not None:
            return self._answer(site, _with_source(site, site.source, site.plan.tables))
        if site.plan is not None and site.remembered is not None:
            return self._answer(site, _with_memory(site, site.remembered, site.plan))
        return self.unknown(site, ["rows next to their originals: there is no source to compare with"])

    def _answer(self, site: Site, seen: _Seen) -> Found:
        columns = [column for column in seen.columns if column.found.rows]
        problems = [column.problem for column in columns if column.too_many]
        numbers = {
            "rows": seen.rows,
            "rows-looked-at": seen.looked_at,
            "columns": len(columns),
            "values": sum(column.found.rows for column in columns),
            "equal": sum(column.found.equal for column in columns),
            "found": sum(column.too_many for column in columns),
        }
        if seen.unseen and not problems:
            return self.unknown(site, seen.unseen, numbers)
        sentence = (
            f"{numbers['values']:,} masked values of {numbers['columns']:,} columns were compared with those of the"
            f" same rows before masking{_part(seen)}; {numbers['found']:,} are what they were."
        )
        sampled = bool(_part(seen))
        return replace(self.found(site, numbers, sentence, problems, sampled=sampled), unseen=tuple(seen.unseen))


def _with_source(site: Site, source: psycopg.Connection, tables: Sequence[TablePlan]) -> _Seen:
    """Rows of a source that is still there next to those of the target."""
    seen, samples = _Seen(unseen=[*other_encoding(site)]), Samples(source, site.seed, full=site.full, rows=SAMPLE)
    for number, table in enumerate(some := [table for table in tables if judged(table)]):
        site.track.say(table.table.qualified, number, len(some))
        key = key_of(table)
        if key is None:
            seen.cannot(site, table)
        else:
            met, columns = _compare(_Pairs(table, key, site, source), samples)
            seen.columns += columns
            if not met and _has_rows(source, table) and _has_rows(site.target, table):
                seen.strangers(site, table)
    seen.rows, seen.looked_at = samples.rows, samples.looked_at
    return seen


def _with_memory(site: Site, facts: Facts, plan: DatabasePlan) -> _Seen:
    """What the journal remembers of rows next to those of now."""
    seen = _Seen()
    for number, cells in enumerate(tables := cells_of(plan, dict(facts.rows), site.seed)):
        if not isinstance(cells, CellsOf):
            seen.cannot(site, cells)
            continue
        site.track.say(cells.table.table.qualified, number, len(tables))
        looked_at, equal = cells.compare(site.target)
        seen.rows, seen.looked_at = seen.rows + cells.rows, seen.looked_at + looked_at
        if not looked_at and cells.rows and _has_rows(site.target, cells.table):
            seen.strangers(site, cells.table)
        names = list(enumerate(_names(site, cells.table)))
        seen.columns += [_Column(name, column, equal[at]) for at, (name, column) in names if at in equal]
    return seen


def _names(site: Site, table: TablePlan) -> list[tuple[str, ColumnPlan]]:
    return [(f"{site.database}.{table.table.qualified}.{c.column.name}", c) for c in judged(table)]


def _part(seen: _Seen) -> str:
    if seen.looked_at == seen.rows:
        return ""
    return f", {seen.looked_at:,} of about {seen.rows:,} rows drawn at random"


@dataclass(frozen=True)
class _Pairs:
    """A table on both sides."""

    table: TablePlan
    key: Sequence[str]
    site: Site
    source: psycopg.Connection

    def before(self, samples: Samples) -> sql.Composed:
        """SELECT the key as texts, and a hash of each column."""
        schema, name = self.table.table.schema, self.table.table.name
        place = Place(schema, name, "", "plain", not self.table.table.partitioned, derived=False)
        key = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier("t", column)) for column in self.key)
        return _BEFORE.format(key=key, hashes=self._hashes(keeps=True), relation=samples.of(place).relation)

    @property
    def after(self) -> sql.Composed:
        """The same of given keys, with their ordinal numbers."""
        types = {c.column.name: c.column.type for c in self.table.columns}
        names = [sql.Identifier(f"k{number}") for number in range(len(self.key))]
        same = [
            sql.SQL("{} = k.{}::{}").format(sql.Identifier("t", column), name, sql.SQL(types[column]))
            for name, column in zip(names, self.key, strict=True)
        ]
        whole = sql.Identifier(self.table.table.schema, self.table.table.name)
        return _AFTER.format(
            hashes=with_parameters(self._hashes(keeps=False), self.source),
            arrays=sql.SQL(", ").join([sql.SQL("%s::text[]")] * len(self.key)),
            names=sql.SQL(", ").join(names),
            table=with_parameters(sql.SQL("" if self.table.table.partitioned else "ONLY ") + whole, self.source),
            same=with_parameters(sql.SQL(" AND ").join(same), self.source),
        )

    def _hashes(self, *, keeps: bool) -> sql.Composed:
        seed = sql.Literal(self.site.seed)
        return sql.SQL(", ").join(hash_of(self.table, c, seed, keeps=keeps) for c in judged(self.table))


def _has_rows(conn: psycopg.Connection, table: TablePlan) -> bool:
    name = sql.Identifier(table.table.schema, table.table.name)
    only = sql.SQL("" if table.table.partitioned else "ONLY ")
    row = conn.execute(_ANY.format(only + name)).fetchone()
    return bool(row and row[0])


def _compare(pairs: _Pairs, samples: Samples) -> tuple[int, list[_Column]]:
    """Rows of the source, so many at a time, each with the one that has its key in the target; how many have one."""
    names, width = _names(pairs.site, pairs.table), len(pairs.key)
    columns = [_Counted() for _ in names]
    after, met = pairs.after, 0
    with pairs.source.cursor(name="before") as cursor:
        cursor.execute(pairs.before(samples))
        while rows := cursor.fetchmany(AT_ONCE):
            keys = [[row[at] for row in rows] for at in range(width)]
            for number, *hashes in pairs.site.target.execute(after, keys):
                met += 1
                for column, one, other in zip(columns, rows[number - 1][width:], hashes, strict=True):
                    column.add(one, other)
    return met, [_Column(name, plan, column.compared) for (name, plan), column in zip(names, columns, strict=True)]
