"""Unlogged tables that the journal calls filled, and that a crash of the server has emptied since."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from sanitizers.engines.journal import Filled, Journal
from sanitizers.engines.obstacles import USER_TABLES
from sanitizers.engines.rebuild import Sessions
from sanitizers.errors import UnfinishedRunError

UNLOGGED = (
    USER_TABLES
    + """
SELECT t.nspname, t.relname, t.owner, t.relkind = 'p' FROM user_table t JOIN pg_class c ON c.oid = t.oid
WHERE NOT t.relispartition AND (c.relpersistence = 'u' OR EXISTS (
  SELECT FROM pg_partition_tree(t.oid) p JOIN pg_class l ON l.oid = p.relid WHERE l.relpersistence = 'u'))
ORDER BY t.qualified
"""
)
"""Unlogged tables, and partitioned ones with such a partition."""


def find_emptied(sessions: Sessions, journal: Journal) -> Mapping[Filled, int]:
    """What is called filled and holds fewer rows than were put there, with the rows that it does hold."""
    done, found = journal.done(), dict[Filled, int]()
    for schema, name, owner, partitioned in sessions.own.execute(UNLOGGED).fetchall():
        filled = done.get((schema, name))
        if filled is not None and (rows := _count(sessions, owner, (schema, name), whole=partitioned)) < filled.rows:
            found[filled] = rows
    sessions.own.commit()
    return found


def refuse_emptied(sessions: Sessions, journal: Journal) -> None:
    """For a run that has no source to take the rows from once more. Raises UnfinishedRunError."""
    for filled, rows in find_emptied(sessions, journal).items():
        raise UnfinishedRunError(
            f"{filled.schema}.{filled.table} holds {rows} of {filled.rows} rows: it is unlogged, and a crash of the"
            " server has emptied it since it was masked: discard this database and begin with a fresh copy"
        )


def _count(sessions: Sessions, owner: str, name: tuple[str, str], *, whole: bool) -> int:
    conn = sessions.of(owner)
    query = sql.SQL("SELECT count(*) FROM {}{}").format(sql.SQL("" if whole else "ONLY "), sql.Identifier(*name))
    row = conn.execute(query).fetchone()
    conn.commit()
    return int(row[0]) if row else 0
