"""Masked values that are equal to their own originals: the value of a row next to that of the row with the same key.

The search for whole values leaves out columns of small domains, where equal values prove nothing. Row by row they do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from psycopg import sql

from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.proof.inside import kept_parts
from sanitizers.proof.kept import keeping
from sanitizers.proof.residue import Home, find_home
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.sieve import bring

SAMPLE = 100_000  # rows of a table; of a larger one about so many are compared, unless it is to be full
SIGMAS = 6
MOST_EQUAL = 0.5  # of a small domain: masking may give a value itself, but not to every second row

_MAKE = """
CREATE TEMP TABLE before (key bigint, hashes bigint[]) ON COMMIT DROP;
CREATE TEMP TABLE after (key bigint, hashes bigint[]) ON COMMIT DROP
"""
_EMPTY = "TRUNCATE pg_temp.before, pg_temp.after"
_ROWS = sql.SQL("""
SELECT key, hashes FROM (
  SELECT hashtextextended(concat_ws(E'\\x1f', {key}), {seed}) AS key, ARRAY[{hashes}]::bigint[] AS hashes
  FROM {table} AS t
) AS r WHERE key & {some}::bigint = 0
""")
_HASH = sql.SQL("CASE WHEN {wanted} THEN hashtextextended({value}::text, {seed}) END")
_WANTED = sql.SQL("({value}::text ~ '[[:alnum:]]'{kept})")
_NOT_KEPT = sql.SQL(" AND (({}) IS NOT TRUE)")
# By chance: as often as two columns with the same values would agree if they had nothing to do with one another.
_COUNTS = """
WITH pair AS MATERIALIZED (
  SELECT u.number, u.a, u.b FROM pg_temp.before b JOIN pg_temp.after a USING (key)
  CROSS JOIN LATERAL unnest(b.hashes, a.hashes) WITH ORDINALITY AS u (a, b, number)
  WHERE u.a IS NOT NULL AND u.b IS NOT NULL
),
here AS (SELECT number, a AS hash, count(*) AS n FROM pair GROUP BY 1, 2),
there AS (SELECT number, b AS hash, count(*) AS n FROM pair GROUP BY 1, 2),
chance AS (SELECT number, sum(here.n::float8 * there.n) AS n FROM here JOIN there USING (number, hash) GROUP BY 1)
SELECT number - 1, count(*), count(*) FILTER (WHERE a = b), coalesce(max(chance.n), 0) / count(*)
FROM pair LEFT JOIN chance USING (number) GROUP BY number ORDER BY number
"""


@dataclass(frozen=True)
class _Column:
    """A masked column, compared."""

    name: str
    plan: ColumnPlan
    rows: int
    equal: int
    by_chance: float

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
        home = find_home(site.source, site.target)
        home.conn.execute(_MAKE)
        columns: list[_Column] = []
        unseen: list[str] = []
        for number, table in enumerate(tables := [t for t in site.plan.tables if _judged(t)]):
            site.track.say(table.table.qualified, number, len(tables))
            key = _key(table)
            if key is None:
                unseen.append(f"{site.database}.{table.table.qualified}, whose rows no kept column tells apart")
            else:
                columns += _compare(table, key, site, home)
        return self._answer(site, columns, unseen)

    def _answer(self, site: Site, columns: Sequence[_Column], unseen: Sequence[str]) -> Found:
        problems = [column.problem for column in columns if column.too_many]
        numbers = {
            "columns": len(columns),
            "values": sum(column.rows for column in columns),
            "equal": sum(column.equal for column in columns),
            "found": sum(column.too_many for column in columns),
        }
        if unseen and not problems:
            return self.unknown(site, unseen, numbers)
        sentence = (
            f"{numbers['values']:,} masked values of {numbers['columns']:,} columns were compared with those of the"
            f" same rows before masking; {numbers['found']:,} are what they were."
        )
        return replace(self.found(site, numbers, sentence, problems), unseen=tuple(unseen))


def _judged(table: TablePlan) -> list[ColumnPlan]:
    """Masked columns of which nothing stays on purpose inside values, nor because it was rough already."""
    return [c for c in table.columns if c.masked and not kept_parts(c) and c.strategy.kind != "generalize"]


def _key(table: TablePlan) -> tuple[str, ...] | None:
    """A key of which masking changes nothing."""
    kept = {c.column.name for c in table.columns if not c.masked}
    return next((key for key in table.table.identities if kept.issuperset(key)), None)


def _compare(table: TablePlan, key: Sequence[str], site: Site, home: Home) -> list[_Column]:
    columns = _judged(table)
    if site.source is None:
        return []
    home.conn.execute(_EMPTY)
    for conn, name in ((site.source, "before"), (site.target, "after")):
        bring(home.conn, _rows(table, key, site, keeps=name == "before"), conn, name)
    names = [f"{site.database}.{table.table.qualified}.{c.column.name}" for c in columns]
    counts = home.conn.execute(_COUNTS).fetchall()
    return [_Column(names[n], columns[n], rows, equal, chance) for n, rows, equal, chance in counts]


def _rows(table: TablePlan, key: Sequence[str], site: Site, *, keeps: bool) -> sql.Composed:
    seed = sql.Literal(site.seed)
    name = sql.Identifier(table.table.schema, table.table.name)
    hashes = [_HASH.format(value=_value(c), wanted=_wanted(table, c, keeps=keeps), seed=seed) for c in _judged(table)]
    parts = 1 if site.full else 1 << max(table.table.row_estimate // SAMPLE, 0).bit_length()
    return _ROWS.format(
        key=sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier("t", column)) for column in key),
        hashes=sql.SQL(", ").join(hashes),
        seed=seed,
        table=name if table.table.partitioned else sql.SQL("ONLY {}").format(name),
        some=sql.Literal(parts - 1),
    )


def _wanted(table: TablePlan, column: ColumnPlan, *, keeps: bool) -> sql.Composed:
    """Whether a value says anything, and the policy does not keep it on purpose."""
    reasons = list(keeping(table, column).values()) if keeps else []
    kept = _NOT_KEPT.format(sql.SQL(" OR ").join(reasons)) if reasons else sql.SQL("")
    return _WANTED.format(value=_value(column), kept=kept)


def _value(column: ColumnPlan) -> sql.Identifier:
    return sql.Identifier("t", column.column.name)
