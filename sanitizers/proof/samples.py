"""Which rows of large tables are looked at where all of them would take too long: blocks at random."""

from __future__ import annotations

from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from sanitizers.proof.places import Place

ROWS = 10_000
"""Of a table; of one with more than twice as many about so many are looked at."""
FEWEST_BLOCKS = 100
"""Rows of one block have to do with each other."""

_TABLES = """
WITH RECURSIVE heap (root, oid) AS (
  SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p', 'm') AND NOT relispartition
  UNION ALL SELECT h.root, i.inhrelid FROM heap h JOIN pg_class p ON p.oid = h.oid AND p.relkind = 'p'
    JOIN pg_inherits i ON i.inhparent = h.oid
)
SELECT n.nspname, r.relname, sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relkind <> 'p'),
  sum(pg_relation_size(c.oid) / current_setting('block_size')::int) FILTER (WHERE c.relkind <> 'p')
FROM heap h JOIN pg_class r ON r.oid = h.root JOIN pg_namespace n ON n.oid = r.relnamespace
JOIN pg_class c ON c.oid = h.oid GROUP BY r.oid, n.nspname, r.relname
"""
_COUNT = sql.SQL("SELECT count(*) FROM {} AS t")


@dataclass(frozen=True)
class Size:
    """About how large a table is."""

    rows: int
    blocks: int

    def percent(self, rows: int) -> float:
        """How much of it is looked at, if that are to be so many rows: of one that nobody has analyzed a few blocks."""
        part = rows / self.rows if self.rows else 0
        least = FEWEST_BLOCKS / self.blocks if self.blocks else 1
        share = max(part, least)
        return 100 if share > 1 / 2 else 100 * share


class Samples:
    """The tables of one server, and how many rows of them were looked at."""

    def __init__(self, conn: psycopg.Connection, seed: int, *, full: bool, rows: int = ROWS) -> None:
        self._conn, self._seed, self._full, self._wanted = conn, seed, full, rows
        self._sizes = {(schema, table): Size(int(r or 0), int(b or 0)) for schema, table, r, b in conn.execute(_TABLES)}
        self._rows: dict[tuple[str, str], tuple[int, int]] = {}

    def of(self, place: Place) -> Place:
        """The same column, of some rows where there are too many."""
        key = (place.schema, place.table)
        size = self._sizes.get(key, Size(0, 0))
        part, percent = place, 100 if self._full else size.percent(self._wanted)
        if percent < 100:
            part = replace(place, percent=percent, sample=self._seed % 2**31)
        if key not in self._rows:
            row = self._conn.execute(_COUNT.format(part.relation)).fetchone()
            found = int(row[0]) if row else 0
            self._rows[key] = (found, found if part is place else max(size.rows, found))
        return part

    @property
    def looked_at(self) -> int:
        """Rows."""
        return sum(found for found, _ in self._rows.values())

    @property
    def rows(self) -> int:
        """About how many there are in the same tables."""
        return sum(there for _, there in self._rows.values())
