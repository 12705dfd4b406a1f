"""Cuts the tables of a plan into units of work: a leaf partition, a range of blocks, or a table as a whole.

Big ones come first, so that no stream is left alone with one at the end. A table that cannot be cut is one unit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from sanitizers.plan import TablePlan
from sanitizers.select import WHOLE, Slice

PIECES = 4
"""Units per stream that a table is cut into, or fewer: enough that the streams end together."""

PIECE = 32 << 20
"""Bytes below which a part of a table is not worth a statement of its own."""

Name = tuple[str, str]
"""Schema and table."""

LEAVES = """
SELECT tn.nspname::text, t.relname::text, n.nspname::text, c.relname::text, pg_table_size(c.oid),
  pg_relation_size(c.oid) / current_setting('block_size')::int, coalesce(a.amname = 'heap', false),
  has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)
FROM pg_class t
JOIN pg_namespace tn ON tn.oid = t.relnamespace
CROSS JOIN LATERAL (
  SELECT relid FROM pg_partition_tree(t.oid) WHERE isleaf AND t.relkind = 'p'
  UNION ALL SELECT t.oid WHERE t.relkind = 'r'
) AS leaf
JOIN pg_class c ON c.oid = leaf.relid AND c.relkind = 'r'
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am a ON a.oid = c.relam
WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2, 3, 4
"""
"""Every heap of every table. A temporary table is of a schema pg_temp_N."""


@dataclass(frozen=True)
class Unit:
    """What one COPY moves; `bytes` is its size on disk, TOAST included."""

    table: TablePlan
    piece: Slice
    bytes: int


@dataclass(frozen=True)
class Leaf:
    """One heap of a table: all of an ordinary one, a partition of a partitioned one."""

    name: Name
    bytes: int
    blocks: int
    heap: bool
    open: bool
    """Whether it can be read by its own name: a partition's grants and policies need not be those of its root."""


def cut(source: psycopg.Connection, tables: Sequence[TablePlan], streams: int, least: int = PIECE) -> tuple[Unit, ...]:
    """Units of all tables, big ones first, none of less than `least` bytes but by nature; one stream cuts nothing.

    `source` is in the transaction whose snapshot is copied: blocks that come later hold no row of it.
    """
    leaves = _leaves(source)
    found: list[Unit] = []
    for table in tables:
        heaps = leaves[table.table.schema, table.table.name]
        whole = streams == 1 or not table.divisible or not all(leaf.open for leaf in heaps)
        size = sum(leaf.bytes for leaf in heaps)
        piece = max(least, size // (streams * PIECES))
        found += [Unit(table, WHOLE, size)] if whole or size < 2 * piece else _parts(table, heaps, piece)
    return tuple(sorted(found, key=lambda unit: -unit.bytes))


def _leaves(source: psycopg.Connection) -> Mapping[Name, list[Leaf]]:
    found: defaultdict[Name, list[Leaf]] = defaultdict(list)
    for schema, table, leaf_schema, leaf, *facts in source.execute(LEAVES):
        found[schema, table].append(Leaf((leaf_schema, leaf), *facts))
    return found


def _parts(table: TablePlan, leaves: Sequence[Leaf], piece: int) -> Iterator[Unit]:
    for leaf in leaves:
        name = leaf.name if table.table.partitioned else None
        yield from (Unit(table, Slice(name, blocks), size) for blocks, size in _ranges(leaf, piece))


def _ranges(leaf: Leaf, piece: int) -> Iterator[tuple[tuple[int, int | None] | None, int]]:
    """Block ranges (the last one is open) and their bytes."""
    count = min(leaf.bytes // piece, leaf.blocks) if leaf.heap else 1
    if count <= 1:
        yield None, leaf.bytes
        return
    bounds = [leaf.blocks * number // count for number in range(count)]
    for start, end in zip(bounds, [*bounds[1:], None], strict=True):
        yield (start, end), leaf.bytes // count
