"""The tables of a database cut into ranges of blocks, so that several sessions can read one and answers stay small."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from sanitizers.proof.places import Place

LEAVES = """
SELECT tn.nspname::text, t.relname::text, n.nspname::text, c.relname::text,
  pg_relation_size(c.oid) / current_setting('block_size')::int, coalesce(a.amname = 'heap', false),
  has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)
FROM pg_class t
JOIN pg_namespace tn ON tn.oid = t.relnamespace
CROSS JOIN LATERAL (
  SELECT relid FROM pg_partition_tree(t.oid) WHERE isleaf AND t.relkind = 'p'
  UNION ALL SELECT t.oid WHERE t.relkind <> 'p'
) AS leaf
JOIN pg_class c ON c.oid = leaf.relid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am a ON a.oid = c.relam
WHERE t.relkind IN ('r', 'p', 'm') AND NOT t.relispartition
"""
SAMPLE = 200  # blocks
LEAST = 2048
"""Blocks below which a part is not worth a query of its own: 16 MB."""

_BLOCKS = sql.SQL("t.ctid >= {}::tid AND t.ctid < {}::tid")
_EDGED = sql.SQL("SELECT {found} FROM {table} AS t TABLESAMPLE SYSTEM ({percent})")
_ENDS = sql.SQL("coalesce(bool_or({}::text COLLATE \"C\" ~ E'[\\t\\n\\r]\\\\s*$'), false)")
_TO_THE_END = sql.SQL("t.ctid >= {}::tid")


@dataclass(frozen=True)
class Leaf:
    """One heap: a table of its own, or a partition."""

    schema: str
    table: str
    blocks: int
    heap: bool
    open: bool
    """Whether it can be read by its own name: a partition's grants and policies need not be those of its root."""


class Parts:
    """What tables consist of."""

    def __init__(self, conn: psycopg.Connection) -> None:
        found: defaultdict[tuple[str, str], list[Leaf]] = defaultdict(list)
        for schema, table, *leaf in conn.execute(LEAVES):
            found[schema, table].append(Leaf(*leaf))
        self._leaves: Mapping[tuple[str, str], list[Leaf]] = found

    def edged(self, conn: psycopg.Connection, places: Sequence[Place]) -> set[tuple[str, str, str]]:
        """Columns of one table of which some values end with a tab or the end of a line: of a small table all may.

        Of a partitioned one by the names of the partitions, too, which are read in its place.
        """
        schema, table, _ = places[0].key
        leaves = self._leaves[schema, table]
        names = {(schema, table), *((leaf.schema, leaf.table) for leaf in leaves)}
        return {(*name, column) for column in self._edged(conn, places, leaves) for name in names}

    def _edged(self, conn: psycopg.Connection, places: Sequence[Place], leaves: Sequence[Leaf]) -> set[str]:
        schema, table, _ = places[0].key
        blocks = sum(leaf.blocks for leaf in leaves)
        if blocks < LEAST:
            return {place.column for place in places}
        ends = sql.SQL(", ").join(_ENDS.format(sql.Identifier("t", place.column)) for place in places)
        percent = sql.Literal(min(100.0, 100 * SAMPLE / blocks))
        query = _EDGED.format(found=ends, table=sql.Identifier(schema, table), percent=percent)
        found = conn.execute(query).fetchone() or ()
        return {place.column for place, edged in zip(places, found, strict=False) if edged}

    def of(self, places: Sequence[Place], size: int) -> Iterator[tuple[Place, ...]]:
        """The same places of one table part by part, of `size` blocks each; whole where it cannot be cut."""
        schema, table, _ = places[0].key
        leaves = self._leaves[schema, table]
        if not all(leaf.open and leaf.heap for leaf in leaves) or any(p.inside.staying is not None for p in places):
            yield tuple(places)
            return
        for leaf in leaves:
            yield from _cut(places, leaf, size)


def _cut(places: Sequence[Place], leaf: Leaf, size: int) -> Iterator[tuple[Place, ...]]:
    only = places[0].only or (leaf.schema, leaf.table) != places[0].key[:2]
    here = tuple(replace(p, schema=leaf.schema, table=leaf.table, only=only) for p in places)
    starts = range(0, max(1, leaf.blocks - size // 2), size)
    for at in starts:
        if len(starts) == 1:
            yield here
            return
        begin, end = sql.Literal(f"({at},0)"), sql.Literal(f"({at + size},0)")
        # rows that come while it is read are behind the last block
        part = _TO_THE_END.format(begin) if at == starts[-1] else _BLOCKS.format(begin, end)
        yield tuple(replace(p, part=part) for p in here)
