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

from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.proof.inside import kept_parts
from sanitizers.proof.kept import keeping
from sanitizers.proof.places import Place
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.samples import Samples
from sanitizers.proof.sieve import with_parameters

SAMPLE = 10_000  # rows of a table; of a larger one about so many are compared, unless it is to be full
AT_ONCE = 5_000  # rows in this process's memory
COUNTED = 1 << 16  # different values of a column that are counted one by one
SIGMAS = 6
MOST_EQUAL = 0.5  # of a small domain: masking may give a value itself, but not to every second row

_BEFORE = sql.SQL("SELECT {key}, {hashes} FROM {relation} AS t")
_AFTER = sql.SQL("""
SELECT k.number, {hashes} FROM unnest({arrays}) WITH ORDINALITY AS k ({names}, number) JOIN {table} AS t ON {same}
""")
_HASH = sql.SQL('CASE WHEN {wanted} THEN hashtextextended({value}::text COLLATE "C", {seed}) END')
_WANTED = sql.SQL("({value}::text ~ '[[:alnum:]]'{kept})")
_NOT_KEPT = sql.SQL(" AND (({}) IS NOT TRUE)")


@dataclass
class _Column:
    """A masked column, compared."""

    name: str
    plan: ColumnPlan
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
    def by_chance(self) -> float:
        """How many would agree if the two columns had nothing to do with one another."""
        pairs = sum(n * self.there[h] for h, n in self.here.items() if h in self.there)
        return (self.mask + 1) * pairs / self.rows if self.rows else 0

    @property
    def too_many(self) -> int:
        """Equal values that chance does not explain."""
        beyond = self.equal - self.by_chance - SIGMAS * math.sqrt(self.by_chance)
        if self.plan.residue == "none" and self.equal - self.by_chance < MOST_EQUAL * self.rows:
            return 0
        return self.equal if beyond > 0 else 0

    @property
    def problem(self) -> str:
        """A sentence."""
        return f"{self.name} is as it was in {self.too_many:,} of {self.rows:,} rows that were compared by their key"


class SameKey(Road):
    """Masked columns next to their originals, row by row."""

    name: ClassVar[str] = "same-key"
    title: ClassVar[str] = "Rows next to their originals"
    question: ClassVar[str] = "Is there a masked column that still says of somebody what it said before?"

    def look(self, site: Site) -> Found:
        """Compare every masked column of the tables whose key is kept."""
        if site.source is None or site.plan is None:
            return self.unknown(site, ["rows next to their originals: there is no source to compare with"])
        samples = Samples(site.source, site.seed, full=site.full, rows=SAMPLE)
        columns: list[_Column] = []
        unseen: list[str] = []
        for number, table in enumerate(tables := [t for t in site.plan.tables if _judged(t)]):
            site.track.say(table.table.qualified, number, len(tables))
            key = _key(table)
            if key is None:
                unseen.append(f"{site.database}.{table.table.qualified}, whose rows no kept column tells apart")
            else:
                columns += _compare(_Pairs(table, key, site, site.source), samples)
        return self._answer(site, [column for column in columns if column.rows], (samples, unseen))

    def _answer(self, site: Site, columns: Sequence[_Column], of: tuple[Samples, Sequence[str]]) -> Found:
        samples, unseen = of
        problems = [column.problem for column in columns if column.too_many]
        numbers = {
            "rows": samples.rows,
            "rows-looked-at": samples.looked_at,
            "columns": len(columns),
            "values": sum(column.rows for column in columns),
            "equal": sum(column.equal for column in columns),
            "found": sum(column.too_many for column in columns),
        }
        if unseen and not problems:
            return self.unknown(site, unseen, numbers)
        sentence = (
            f"{numbers['values']:,} masked values of {numbers['columns']:,} columns were compared with those of the"
            f" same rows before masking{_part(samples)}; {numbers['found']:,} are what they were."
        )
        sampled = bool(_part(samples))
        return replace(self.found(site, numbers, sentence, problems, sampled=sampled), unseen=tuple(unseen))


def _judged(table: TablePlan) -> list[ColumnPlan]:
    """Masked columns of which nothing stays on purpose inside values, nor because it was rough already."""
    return [c for c in table.columns if c.masked and not kept_parts(c) and c.strategy.kind != "generalize"]


def _key(table: TablePlan) -> tuple[str, ...] | None:
    """A key of which masking changes nothing."""
    kept = {c.column.name for c in table.columns if not c.masked}
    return next((key for key in table.table.identities if kept.issuperset(key)), None)


def _part(samples: Samples) -> str:
    if samples.looked_at == samples.rows:
        return ""
    return f", {samples.looked_at:,} of about {samples.rows:,} rows drawn at random"


@dataclass(frozen=True)
class _Pairs:
    """A table on both sides."""

    table: TablePlan
    key: Sequence[str]
    site: Site
    source: psycopg.Connection

    @property
    def columns(self) -> list[_Column]:
        """Those that are compared."""
        name = f"{self.site.database}.{self.table.table.qualified}"
        return [_Column(f"{name}.{c.column.name}", c) for c in _judged(self.table)]

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
        hashes = (
            _HASH.format(value=_value(c), wanted=_wanted(self.table, c, keeps=keeps), seed=seed)
            for c in _judged(self.table)
        )
        return sql.SQL(", ").join(hashes)


def _compare(pairs: _Pairs, samples: Samples) -> list[_Column]:
    """Rows of the source, so many at a time, each with the one that has its key in the target."""
    columns, width = pairs.columns, len(pairs.key)
    after = pairs.after
    with pairs.source.cursor(name="before") as cursor:
        cursor.execute(pairs.before(samples))
        while rows := cursor.fetchmany(AT_ONCE):
            keys = [[row[at] for row in rows] for at in range(width)]
            for number, *hashes in pairs.site.target.execute(after, keys):
                for column, one, other in zip(columns, rows[number - 1][width:], hashes, strict=True):
                    column.add(one, other)
    return columns


def _wanted(table: TablePlan, column: ColumnPlan, *, keeps: bool) -> sql.Composed:
    """Whether a value says anything, and the policy does not keep it on purpose."""
    reasons = list(keeping(table, column).values()) if keeps else []
    kept = _NOT_KEPT.format(sql.SQL(" OR ").join(reasons)) if reasons else sql.SQL("")
    return _WANTED.format(value=_value(column), kept=kept)


def _value(column: ColumnPlan) -> sql.Identifier:
    return sql.Identifier("t", column.column.name)
