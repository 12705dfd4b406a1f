"""Statistics that ANALYZE leaves alone: where no row is left, those of the rows that were there once stay readable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.engines.attachments import SEEN
from sanitizers.engines.neutral import CLEARS_SINCE
from sanitizers.engines.obstacles import select
from sanitizers.engines.rebuild import Sessions
from sanitizers.engines.vacuum import vacuum_catalog
from sanitizers.errors import CopyFailedError
from sanitizers.track import Say

_Key = tuple[str, str, bool]

ADVICE = (
    "statistics of former rows are, which no owner can clear before Postgres 18: drop what is empty, or delete the rows"
    " of these tables from pg_statistic as a superuser; then run again"
)

WITH_STATISTICS = (
    SEEN
    + """
SELECT a.owner, s.schemaname::text, s.tablename::text, s.attname::text, s.inherited,
  a.relkind = 'm' AND NOT a.relispopulated
FROM analyzed a JOIN pg_stats s ON format('%I.%I', s.schemaname, s.tablename) = a.qualified
CROSS JOIN LATERAL (SELECT to_jsonb(s) AS facts) AS j
WHERE coalesce(facts ->> 'most_common_vals', facts ->> 'histogram_bounds', facts ->> 'most_common_elems',
  facts ->> 'range_bounds_histogram') IS NOT NULL
ORDER BY a.oid, s.attname, s.inherited
"""
)
"""Statistics that name values; as JSON, since older versions know fewer kinds."""


def clear_stale_statistics(sessions: Sessions, roots: Sequence[int], say: Say) -> None:
    """Clear the statistics of columns of tables and materialized views that hold no row.

    Raises:
        CopyFailedError: the server is too old to clear them; names the tables.
    """
    rows = select(sessions.own, WITH_STATISTICS, roots)
    unfilled = {_key(row) for row in rows if row[5]}
    empty = {key: key in unfilled or not _has_rows(sessions.own, key) for key in map(_key, rows)}
    stale = [row[:5] for row in rows if empty[_key(row)]]
    sessions.own.commit()
    if stale and sessions.own.info.server_version < CLEARS_SINCE:
        tables = ", ".join(sorted({f"{row[1]}.{row[2]}" for row in stale}))
        raise CopyFailedError(f"{tables}: no row is left, but {ADVICE}")
    for number, (owner, *column) in enumerate(stale):
        say(".".join(column[:3]), number, len(stale))
        conn = sessions.of(owner)
        conn.execute("SELECT pg_clear_attribute_stats(%s, %s, %s, %s)", column)
        conn.commit()


def vacuum_statistics(conn: psycopg.Connection) -> None:
    """Rid the catalog of the statistics that ANALYZE wrote over: they are dead rows that hold originals until then.

    Raises:
        CopyFailedError: they stay, since `conn` is not the database owner's or somebody may still read them.
    """
    for catalog in ("pg_statistic", "pg_statistic_ext_data"):
        vacuum_catalog(conn, catalog)


def _key(row: Sequence[Any]) -> _Key:
    """Schema, table, and whether the statistics count the rows of its children."""
    return (row[1], row[2], row[4])


def _has_rows(conn: psycopg.Connection, key: _Key) -> bool:
    only = sql.SQL("" if key[2] else "ONLY ")
    query = sql.SQL("SELECT EXISTS (SELECT FROM {}{})").format(only, sql.Identifier(*key[:2]))
    row = conn.execute(query).fetchone()
    return bool(row and row[0])
