"""Masked values next to their originals, where no source is left: what a run in place remembers of rows.

Of each row that is drawn the journal has a digest of its key and one of each masked value. That is taken over the key
as well, so that equal values of two rows look different: it says whether a value is what it was, and nothing of other
rows. How often values come, which tells how many agree by chance, is remembered of each column apart from the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.proof.inside import kept_parts
from sanitizers.proof.kept import keeping
from sanitizers.proof.sealed import sealed
from sanitizers.track import Track

SAMPLE = 10_000
"""Rows of a table; of one with more than twice as many about so many are compared, unless it is to be full."""
MOST_CELLS = 1 << 19
"""Values of a table that are remembered: of one with more than fifty masked columns fewer rows."""

_HASH = sql.SQL('CASE WHEN {wanted} THEN hashtextextended({value}::text COLLATE "C", {seed}) END')
_WANTED = sql.SQL("""({value}::text COLLATE "default" ~ '[[:alnum:]]'{kept})""")  # a loose one knows no patterns
_NOT_KEPT = sql.SQL(" AND (({}) IS NOT TRUE)")
_WHO = sql.SQL('hashtextextended({key}::text COLLATE "C", {seed})')
# The same rows before and after, whatever order they are in. More than that pass where a policy takes few of many.
_DRAWN = sql.SQL("""
WITH drawn AS MATERIALIZED (
  SELECT {who} AS who, ARRAY[{hashes}]::bigint[] AS hashes FROM {relation} AS t
  WHERE {who} & {mask}::bigint = 0 ORDER BY 1 LIMIT {most}
)
""")
# In the order of the digests: that of the table would tell whose they are.
_REMEMBER = sql.SQL("""
{drawn}, cells AS (
  INSERT INTO branchwarden_journal.cells SELECT {table}, {sealed_who}, ARRAY(
    SELECT CASE WHEN c.hash IS NOT NULL THEN {cell} END
    FROM unnest(d.hashes) WITH ORDINALITY AS c (hash, n) ORDER BY c.n
  ) FROM drawn AS d ORDER BY 2
)
INSERT INTO branchwarden_journal.often SELECT {table}, c.n, {value}, count(*)
FROM drawn AS d CROSS JOIN LATERAL unnest(d.hashes) WITH ORDINALITY AS c (hash, n)
WHERE c.hash IS NOT NULL GROUP BY c.n, c.hash ORDER BY 2, 3
""")
_COMPARE = sql.SQL("""
{drawn}, both_ AS MATERIALIZED (
  SELECT d.who, b.hashes AS before, d.hashes FROM drawn AS d
  JOIN branchwarden_journal.cells AS b ON (b.number, b.who) = ({table}, {sealed_who})
), cell AS MATERIALIZED (
  SELECT c.n, c.hash, c.before = {cell} AS equal
  FROM both_ AS d CROSS JOIN LATERAL unnest(d.hashes, d.before) WITH ORDINALITY AS c (hash, before, n)
  WHERE c.hash IS NOT NULL AND c.before IS NOT NULL
)
SELECT l.looked, e.n, e.rows, e.equal, coalesce(p.pairs, 0) / greatest(o.rows, 1)
FROM (SELECT count(*) FROM both_) AS l (looked)
LEFT JOIN (
  SELECT c.n, count(*), count(*) FILTER (WHERE c.equal) FROM cell AS c GROUP BY 1
) AS e (n, rows, equal) ON true
LEFT JOIN (
  SELECT f.place, sum(f.times) FROM branchwarden_journal.often AS f WHERE f.number = {table} GROUP BY 1
) AS o (n, rows) ON o.n = e.n
LEFT JOIN (
  SELECT c.n, sum(c.times * f.times) FROM (SELECT n, hash, count(*) FROM cell GROUP BY 1, 2) AS c (n, hash, times)
  JOIN branchwarden_journal.often AS f ON (f.number, f.place, f.hash) = ({table}, c.n, {value}) GROUP BY 1
) AS p (n, pairs) ON p.n = e.n
""")


@dataclass(frozen=True)
class Equal:
    """A masked column, compared with what it was."""

    rows: int
    """With a value on both sides."""
    equal: int
    by_chance: float
    """How many would be equal if the two sides had nothing to do with one another."""


@dataclass(frozen=True)
class CellsOf:
    """The rows of a table, some of which are remembered, or all of a small one."""

    table: TablePlan
    key: Sequence[str]
    number: int
    """Of the table, in its plan."""
    rows: int
    """Before masking."""
    seed: int

    def remember(self, conn: psycopg.Connection) -> None:
        """Write into the journal what the rows are; the session needs its key."""
        conn.execute(self._of(_REMEMBER, keeps=True))

    def compare(self, conn: psycopg.Connection) -> tuple[int, dict[int, Equal]]:
        """How many rows were compared with what is remembered of them, and each judged column by its number."""
        found = conn.execute(self._of(_COMPARE, keeps=False)).fetchall()
        equal = {n - 1: Equal(int(rows), int(same), float(chance)) for _, n, rows, same, chance in found if n}
        return int(found[0][0]), equal

    def _of(self, query: sql.SQL, *, keeps: bool) -> sql.Composed:
        number = sql.Literal(self.number)
        row, cell = (
            sql.SQL("int4send({}) || int8send(d.who)").format(number),
            sql.SQL("int8send(c.n) || int8send(c.hash)"),
        )
        return query.format(
            drawn=self._drawn(keeps=keeps),
            table=number,
            sealed_who=sealed(row, "row"),
            cell=sealed(sql.SQL("{} || {}").format(row, cell), "cell"),
            value=sealed(sql.SQL("int4send({}) || {}").format(number, cell), "value"),
        )

    def _drawn(self, *, keeps: bool) -> sql.Composed:
        columns, seed = judged(self.table), sql.Literal(self.seed)
        most = max(1, min(SAMPLE, MOST_CELLS // len(columns)))
        hashes = (hash_of(self.table, c, seed, keeps=keeps) for c in columns)
        key = sql.SQL(", ").join(sql.Identifier("t", name) for name in self.key)
        who = key if len(self.key) == 1 else sql.SQL("ROW({})").format(key)
        name = sql.Identifier(self.table.table.schema, self.table.table.name)
        return _DRAWN.format(
            who=_WHO.format(key=who, seed=seed),
            hashes=sql.SQL(", ").join(hashes),
            relation=name if self.table.table.partitioned else sql.SQL("ONLY {}").format(name),
            mask=sql.Literal((1 << (self.rows // (2 * most)).bit_length()) - 1),
            most=sql.Literal(4 * most),
        )


def cells_of(plan: DatabasePlan, rows: dict[tuple[str, str], int], seed: int) -> list[CellsOf | TablePlan]:
    """Every table with columns to compare; as it is where nothing that is kept tells its rows apart."""
    found: list[CellsOf | TablePlan] = []
    for number, table in enumerate(plan.tables):
        if judged(table):
            key, name = key_of(table), (table.table.schema, table.table.name)
            found.append(CellsOf(table, key, number, rows[name], seed) if key else table)
    return found


def remember_cells(tables: Sequence[CellsOf | TablePlan], conn: psycopg.Connection, track: Track) -> None:
    """Write down what the rows of all tables are, before the first one is masked."""
    for number, cells in enumerate(tables):
        if isinstance(cells, CellsOf):
            track.say(cells.table.table.qualified, number, len(tables))
            cells.remember(conn)


def judged(table: TablePlan) -> list[ColumnPlan]:
    """Masked columns of which nothing stays on purpose inside values, nor because it was rough already."""
    return [c for c in table.columns if c.masked and not kept_parts(c) and c.strategy.kind != "generalize"]


def key_of(table: TablePlan) -> tuple[str, ...] | None:
    """A key of which masking changes nothing."""
    kept = {c.column.name for c in table.columns if not c.masked}
    return next((key for key in table.table.identities if kept.issuperset(key)), None)


def hash_of(table: TablePlan, column: ColumnPlan, seed: sql.Literal, *, keeps: bool) -> sql.Composed:
    """SQL for the hash of a value of row `t` that says anything, and that the policy does not keep on purpose."""
    value = sql.Identifier("t", column.column.name)
    reasons = list(keeping(table, column).values()) if keeps else []
    kept = _NOT_KEPT.format(sql.SQL(" OR ").join(reasons)) if reasons else sql.SQL("")
    return _HASH.format(value=value, wanted=_WANTED.format(value=value, kept=kept), seed=seed)
