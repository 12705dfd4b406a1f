"""How full the pages of a table are, and of what: told by row addresses and sizes, which SELECT alone can see.

A row that was deleted or updated leaves its slot on the page (VACUUM gives it free, and the bytes stay where they were
until something is written over them). A table that was loaded once, or written anew by VACUUM FULL, has no free slot
below a used one and no page without rows but for the last, by which the server extends a table at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import sql

RELATIONS = """
SELECT c.oid::int8, n.nspname::text, c.relname::text, coalesce(rn.nspname, n.nspname)::text,
  coalesce(r.relname, c.relname)::text, c.relkind = 'm',
  pg_relation_size(c.oid) / current_setting('block_size')::int,
  CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_relation_size(c.reltoastrelid) / current_setting('block_size')::int END,
  coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100),
  coalesce(s.n_dead_tup, 0), coalesce(s.n_tup_upd + s.n_tup_del, 0), coalesce(s.n_tup_ins, 0),
  coalesce(o.n_dead_tup, 0), coalesce(o.n_tup_upd + o.n_tup_del, 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class r ON r.oid = pg_partition_root(c.oid) LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid LEFT JOIN pg_stat_all_tables o ON o.relid = c.reltoastrelid
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'branchwarden_journal') AND c.relispopulated
  AND (SELECT amname FROM pg_am WHERE oid = c.relam) = 'heap'
ORDER BY 2, 3
"""
"""Partitions one by one, each with the table that it is a part of."""

FILLING = sql.SQL("""
SELECT count(*), coalesce(max(p) + 1, 0), coalesce(sum(rows), 0)::bigint, coalesce(sum(slots - rows), 0)::bigint,
  coalesce(sum(bytes), 0)::bigint
FROM (
  SELECT p, count(*) AS rows, max(slot) AS slots, sum(bytes) AS bytes
  FROM (SELECT (t.ctid::text::point)[0]::bigint AS p, (t.ctid::text::point)[1]::int AS slot, {bytes} AS bytes
        FROM ONLY {relation} AS t) AS row
  GROUP BY p
) AS page
""")
ROW_BYTES = sql.SQL("((pg_column_size(t.*) + 7) / 8 * 8 + 4)")
"""A row as it lies on its page, with its slot."""
UNKNOWN_BYTES = sql.SQL("0")

EXTENDED_AT_ONCE = 64
"""Pages by which the server extends a table that is loaded (MAX_BUFFERS_TO_EXTEND_BY): these never held a row."""
HEADER = 24
BLOCK = 8192
ROOM = 1.5
"""So many times the pages that the rows need are still explained by rows of different lengths."""
FEW_PAGES = 8


@dataclass(frozen=True)
class Relation:
    """A table, partition or materialized view with what the statistics say of it."""

    oid: int
    schema: str
    name: str
    root_schema: str
    root: str
    """The table that it is a partition of, or itself."""
    matview: bool
    pages: int
    toast_pages: int
    fillfactor: int
    """Percent."""
    dead: int
    changed: int
    """Rows updated or deleted since statistics are kept."""
    inserted: int
    toast_dead: int
    toast_changed: int

    @property
    def qualified(self) -> str:
        """`schema.name`, for people."""
        return f"{self.schema}.{self.name}"

    @property
    def counters(self) -> Counters:
        """Of rows that were ever written."""
        return Counters(self.inserted, self.changed, self.toast_changed)


class Counters(NamedTuple):
    """What the statistics count of a relation, for as long as they are kept."""

    inserted: int = 0
    changed: int = 0
    toast_changed: int = 0


class Filling(NamedTuple):
    """What the pages of a relation hold."""

    pages_with_rows: int
    pages_to_last_row: int
    rows: int
    free_slots: int
    """Below the last used one of their page."""
    bytes: int
    """Of the rows with their slots; 0: unknown."""


@dataclass(frozen=True)
class Unexplained:
    """What the rows of a relation do not explain."""

    dead: int
    slots: int
    hollow_pages: int
    """Without any row, before the last row or more than the server extends by."""
    roomy_pages: int
    """More than the rows need, by an estimate from their sizes."""

    def __bool__(self) -> bool:
        return bool(self.dead or self.slots or self.hollow_pages or self.roomy_pages)


def flush_statistics(conn: psycopg.Connection) -> None:
    """Count what this session did, and look at the counters anew."""
    if conn.info.server_version >= 150000:
        conn.execute("SELECT pg_stat_force_next_flush()")
    conn.execute("SELECT pg_stat_clear_snapshot()")


def read_relations(conn: psycopg.Connection) -> tuple[Relation, ...]:
    """Every user table, partition and filled materialized view."""
    return tuple(Relation(*row) for row in conn.execute(RELATIONS))


def read_filling(conn: psycopg.Connection, relation: Relation) -> Filling:
    """One pass over the table; sizes of rows that reach into TOAST are not told by SELECT."""
    row_bytes = UNKNOWN_BYTES if relation.toast_pages else ROW_BYTES
    name = sql.Identifier(relation.schema, relation.name)
    row = conn.execute(FILLING.format(bytes=row_bytes, relation=name)).fetchone()
    return Filling(*row) if row else Filling(0, 0, 0, 0, 0)


def unexplained(relation: Relation, filling: Filling) -> Unexplained:
    """Pure: what is on the pages beside the rows."""
    before = filling.pages_to_last_row - filling.pages_with_rows
    behind = max(0, relation.pages - filling.pages_to_last_row - EXTENDED_AT_ONCE)
    roomy = _roomy(relation, filling)
    # VACUUM FULL leaves the counter as it was: alone it says nothing where the pages have no room for dead rows.
    room = filling.free_slots or roomy or relation.pages > filling.pages_with_rows
    dead = relation.dead if room else 0
    return Unexplained(dead + relation.toast_dead, filling.free_slots, before + behind, roomy)


def _roomy(relation: Relation, filling: Filling) -> int:
    """Rows of a page's size waste half of it, so that more than that is asked for."""
    needed = filling.bytes * 100 / relation.fillfactor / (BLOCK - HEADER)
    wasteful = filling.rows and filling.bytes / filling.rows > BLOCK / 8
    limit = needed * ROOM * (2 if wasteful else 1) + FEW_PAGES
    return int(filling.pages_with_rows - needed) if filling.bytes and filling.pages_with_rows > limit else 0


def never_changed(relation: Relation, filling: Filling, before: Counters | None = None) -> bool:
    """Whether the statistics say that exactly the rows that are there were written, once, and nothing else ever.

    Args:
        relation: with its counters.
        filling: its rows.
        before: its counters before a run in place gave it a new file, and filled that.
    """
    now, rows = relation.counters, filling.rows
    if now == Counters(inserted=rows) or (relation.pages == 0 and relation.toast_pages == 0):
        return True
    return before is not None and rows > 0 and now == before._replace(inserted=before.inserted + rows)
