"""What a document repeats of columns that the policy keeps: no original of the document's.

An audit table holds whole rows as JSON. Masked as one, each of its leaves would be an original, also those that the
policy has decided about where they belong: the row's id, its status, its day. So a leaf that stands in a column that is
kept, and that is called as the leaf is or holds no text at all, is that column's value. An address counts in any case.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

from sanitizers.columns import Category

OPAQUE: frozenset[Category] = frozenset({"uuid", "integer", "number", "date", "timestamp", "boolean", "enum"})
"""Of columns whose values name nobody by themselves."""

NAMED = sql.SQL("""
SELECT DISTINCT {number}, hashtextextended(v, {seed}), name FROM ({leaves}) AS each
WHERE length(v) >= {shortest} AND strpos(v, '@') = 0
""")
LEAVES = sql.SQL("""
SELECT {normal} AS v, m.name FROM {relation} AS t
CROSS JOIN LATERAL jsonb_path_query({document}, '$.** ? (@.type() == "object")') AS node
CROSS JOIN LATERAL (
  SELECT {called} AS name, e.value FROM jsonb_each(node) AS e WHERE {called} = ANY({names}::text[])
) AS m
CROSS JOIN LATERAL jsonb_path_query(m.value, '$.**') AS leaf
WHERE {column} IS NOT NULL AND jsonb_typeof(leaf) IN ('string', 'number')
""")
"""Leaves of the members of those names, and all that is below them."""
CALLED = sql.SQL("""translate(lower(e.key COLLATE "C"), '_- ', '')""")
_DECIDED = sql.SQL("""
CREATE TEMP TABLE decided AS
SELECT DISTINCT h.original, h.hash FROM pg_temp.hit h JOIN pg_temp.place p ON p.number = h.place
WHERE p.kept AND h.original = ANY({documents}::int[]) AND (p.called IS NULL OR EXISTS (
  SELECT FROM pg_temp.named n WHERE (n.number, n.hash, n.name) = (h.original, h.hash, p.called)))
""")


def called(name: str) -> str:
    """A name as members and columns are compared: `created_at` is `createdAt`."""
    return "".join(c.lower() if c.isascii() else c for c in name if c not in "_- ")


def decide(conn: psycopg.Connection, documents: Collection[int]) -> None:
    """Make pg_temp.decided of the hits: originals of documents (by number) that are kept columns' values."""
    conn.execute(_DECIDED.format(documents=sql.Literal(list(documents))))
