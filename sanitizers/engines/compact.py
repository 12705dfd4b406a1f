"""Tables that no row is masked in, and catalogs, written anew: until then their files hold deleted rows.

VACUUM FULL leaves both out, of a table, its TOAST and its indexes, and keeps everything else as it is. No sign says for
certain that a table never lost a row: Postgres forgets its counts in a crash, a branch or a snapshot begins without
them, and a row that VACUUM took away leaves its bytes in the free space of its page. So all are written anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from sanitizers.engines.attachments import SEEN
from sanitizers.engines.crew import Crew
from sanitizers.engines.journal import Filled, Journal, mark_done
from sanitizers.engines.obstacles import select
from sanitizers.engines.rebuild import Count, Sessions
from sanitizers.engines.rewritten import Name
from sanitizers.engines.vacuum import vacuum_catalog, vacuum_table
from sanitizers.engines.written import proving
from sanitizers.explain import without_values
from sanitizers.track import Track

KEPT = (
    SEEN  # noqa: S608  constants alone
    + """
SELECT r.nspname::text, r.relname::text FROM user_relation r JOIN pg_class c ON c.oid = r.oid
WHERE r.relkind IN ('r', 'm') AND r.relispopulated
  AND r.oid NOT IN (SELECT oid FROM chosen) AND r.oid NOT IN (SELECT oid FROM matview)
  AND (pg_relation_size(r.oid) > 0 OR EXISTS (
    SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am a ON a.oid = x.relam
    WHERE i.indrelid IN (c.oid, c.reltoastrelid)
      AND (a.amname <> 'btree' OR pg_relation_size(x.oid) > current_setting('block_size')::int)))
ORDER BY pg_total_relation_size(r.oid) DESC, r.oid
"""
)
"""What has files and is not rewritten by masking; materialized views that show masked rows are filled anew anyway.

A table without a page, whose indexes have no more than their first page, never had a row in these files: of a B-tree
that page holds none, and it never shrinks to it again.
"""


DEFINING = (
    *("pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_description", "pg_enum", "pg_foreign_server"),
    *("pg_foreign_table", "pg_index", "pg_policy", "pg_proc", "pg_publication_rel", "pg_rewrite", "pg_seclabel"),
    *("pg_statistic_ext", "pg_trigger", "pg_type", "pg_user_mapping"),
)
"""Catalogs in which people's words stand: comments, bodies of functions, defaults, options."""


def compact_definitions(conn: psycopg.Connection) -> None:
    """Rid the catalogs of what definitions and comments were before they were changed; `conn` is the database owner's.

    Raises:
        CopyFailedError: a transaction may still read it, so that it stays; names the catalog.
    """
    for catalog in DEFINING:
        vacuum_catalog(conn, catalog)


def compact_kept(journal: Journal, crew: Crew[Sessions], roots: Sequence[int], track: Track) -> None:
    """Write every table but the masked ones (`roots`) anew, the largest first; each gets a `done` row.

    Once a proof was begun, people have mended what it found, in whatever table: then all are.

    Raises:
        CopyFailedError: a transaction may still read deleted rows, so that they stay; names the table.
    """
    track.step("compact")
    own = crew.hands[0].own
    mended = proving(own)
    done = set() if mended else journal.done().keys()
    jobs: list[Name] = [name for name in select(own, KEPT, [] if mended else roots) if name not in done]
    own.commit()
    count = Count(track, len(jobs))

    def work(sessions: Sessions, name: Name) -> None:
        count.say(".".join(name))
        without_values(track.about, lambda: _compact(sessions.own, name, again=mended))

    crew.work(jobs, work)


def _compact(conn: psycopg.Connection, name: Name, *, again: bool) -> None:
    # Its database's owner may vacuum a table, whosever it is.
    vacuum_table(conn, name)
    if not again:
        with conn.transaction():
            conn.execute("SET LOCAL synchronous_commit = off")  # what is lost in a crash is only done once more
            mark_done(conn, Filled(*name, rows=0))
