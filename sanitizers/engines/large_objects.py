"""Large objects: no masking policy names what is in them, so a database that is masked in place keeps none."""

from __future__ import annotations

import psycopg

from sanitizers.engines.rebuild import Sessions
from sanitizers.engines.vacuum import vacuum_catalog
from sanitizers.track import Say

OWNERS = "SELECT pg_get_userbyid(lomowner)::text, count(*) FROM pg_largeobject_metadata GROUP BY 1 ORDER BY 1"
UNLINK = """
SELECT lo_unlink(oid) FROM (
  SELECT oid FROM pg_largeobject_metadata WHERE pg_get_userbyid(lomowner) = %s ORDER BY oid LIMIT 500
) AS batch
"""
"""So many at a time, since each takes a lock."""
LEFT = "SELECT pg_relation_size('pg_catalog.pg_largeobject') > 0"
"""An unlinked object is dead rows until VACUUM, also those that a run unlinked which was cut off then."""


def read_owners(conn: psycopg.Connection) -> dict[str, int]:
    """How many large objects each role has."""
    return dict(conn.execute(OWNERS).fetchall())


def unlink_all(sessions: Sessions, say: Say) -> None:
    """Remove every large object, each as its owner; safe to repeat.

    Raises:
        CopyFailedError: what was in them may still be on disk.
    """
    owners = read_owners(sessions.own)
    sessions.own.commit()
    for owner, count in owners.items():
        conn, done = sessions.of(owner), 0
        while done < count:
            say(f"large objects of {owner}", done, count)
            done += max(conn.execute(UNLINK, (owner,)).rowcount, 1)
            conn.commit()
    row = sessions.own.execute(LEFT).fetchone()
    if row and row[0]:
        vacuum_catalog(sessions.own, "pg_largeobject")
