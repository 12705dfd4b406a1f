"""What else hangs on the tables that are rewritten in place: everything here can stay as an object, but not as it is.

Rules and publications would see the masked rows, forced row security would hide rows from their own owner, statistics
and materialized views still hold the originals. Each query answers as those of `obstacles` do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg

from sanitizers.engines.obstacles import CHOSEN_TABLES, Obstacle, read, read_obstacles
from sanitizers.engines.spread import spread

RULES = (
    CHOSEN_TABLES
    + """
SELECT t.owner,
  ARRAY[format('ALTER TABLE ONLY %s DISABLE RULE %I', t.qualified, r.rulename)],
  ARRAY[format('ALTER TABLE ONLY %s ENABLE%s RULE %I', t.qualified,
    CASE r.ev_enabled WHEN 'R' THEN ' REPLICA' WHEN 'A' THEN ' ALWAYS' ELSE '' END, r.rulename)],
  format('rule %I of %s', r.rulename, t.qualified)
FROM pg_rewrite r JOIN chosen t ON t.oid = r.ev_class
WHERE r.ev_enabled <> 'D'
ORDER BY r.oid
"""
)

PUBLICATIONS = (
    CHOSEN_TABLES
    + """
SELECT pg_get_userbyid(p.pubowner),
  ARRAY[format('ALTER PUBLICATION %I SET (publish = '''')', p.pubname)],
  ARRAY[format('ALTER PUBLICATION %I SET (publish = %L)', p.pubname, concat_ws(', ',
    CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
    CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END))],
  format('publication %I', p.pubname)
FROM pg_publication p
WHERE (p.pubinsert OR p.pubupdate OR p.pubdelete OR p.pubtruncate) AND pg_has_role(p.pubowner, 'USAGE')
  AND EXISTS (SELECT FROM chosen)
ORDER BY p.oid
"""
)
"""Those of other owners keep going: nobody hears them, a database with a logical slot is refused."""

FORCED = (
    CHOSEN_TABLES
    + """
SELECT t.owner,
  ARRAY[format('ALTER TABLE ONLY %s NO FORCE ROW LEVEL SECURITY', t.qualified)],
  ARRAY[format('ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY', t.qualified)],
  format('forced row security of %s', t.qualified)
FROM chosen t JOIN pg_class c ON c.oid = t.oid
WHERE c.relforcerowsecurity
ORDER BY c.oid
"""
)

SEEN = (
    CHOSEN_TABLES  # noqa: S608  constants alone
    + """,
calling AS (
  SELECT DISTINCT r.ev_class AS view
  FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
  JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
  WHERE r.rulename = '_RETURN' AND p.pronamespace IN (SELECT oid FROM user_namespace)
),
needs AS (
  SELECT DISTINCT r.ev_class AS view, d.refobjid AS needed
  FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
  WHERE r.rulename = '_RETURN' AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
),
ancestor AS (
  SELECT oid FROM chosen
  UNION
  SELECT i.inhparent FROM ancestor a JOIN pg_inherits i ON i.inhrelid = a.oid
),
showing AS (
  SELECT oid AS view, 0 AS height FROM ancestor
  UNION
  SELECT view, 0 FROM calling WHERE EXISTS (SELECT FROM chosen)
  UNION
  SELECT n.view, s.height + 1 FROM needs n JOIN showing s ON s.view = n.needed
),
matview AS (
  SELECT r.*, (SELECT max(height) FROM showing s WHERE s.view = r.oid) AS height
  FROM user_relation r WHERE r.relkind = 'm' AND r.oid IN (SELECT view FROM showing)
),
analyzed AS (
  SELECT r.* FROM user_relation r WHERE r.oid IN (SELECT oid FROM ancestor)
  UNION ALL
  SELECT r.* FROM user_relation r WHERE r.oid IN (SELECT oid FROM matview)
)"""
)
"""`analyzed`: whatever has statistics about rewritten rows; the parents of an inherited table among them."""

MATVIEWS = (
    SEEN
    + """
SELECT m.owner,
  ARRAY[format('REFRESH MATERIALIZED VIEW %s WITH NO DATA', m.qualified)],
  ARRAY[format('REFRESH MATERIALIZED VIEW %s', m.qualified)],
  format('materialized view %s', m.qualified)
FROM matview m
WHERE m.relispopulated
ORDER BY m.height, m.oid
"""
)
"""Those that show rewritten rows, or may: nobody knows what a function reads. The lowest first."""

ANALYZE = (
    SEEN  # noqa: S608  constants alone
    + """
SELECT a.owner, ARRAY[]::text[], ARRAY[format('ANALYZE %s', a.qualified)], a.qualified
FROM analyzed a
WHERE (a.relkind <> 'm' OR a.relispopulated) AND (NOT a.relispartition
  OR a.owner <> (SELECT pg_get_userbyid(r.relowner) FROM pg_class r WHERE r.oid = pg_partition_root(a.oid)))
ORDER BY a.oid
"""
)

TARGETS = (
    SEEN
    + """
SELECT a.owner,
  ARRAY[format('ALTER %s ALTER COLUMN %I SET STATISTICS 1', x.kind, c.attname)],
  ARRAY[format('ALTER %s ALTER COLUMN %I SET STATISTICS 0', x.kind, c.attname)],
  format('statistics target of %s.%I', a.qualified, c.attname)
FROM analyzed a JOIN pg_attribute c ON c.attrelid = a.oid
CROSS JOIN LATERAL (
  SELECT CASE WHEN a.relkind = 'm' THEN 'MATERIALIZED VIEW ' ELSE 'TABLE ONLY ' END || a.qualified AS kind) AS x
WHERE c.attnum > 0 AND NOT c.attisdropped AND c.attstattarget = 0
ORDER BY a.oid, c.attnum
"""
)
"""ANALYZE passes a column with target 0 by, and would leave the originals that it once wrote down."""

STATISTICS = (
    SEEN  # noqa: S608  constants alone
    + """
SELECT a.owner,
  ARRAY[format('DROP STATISTICS %s', x.qualified)],
  array_remove(ARRAY[
    pg_get_statisticsobjdef(s.oid),
    format('ALTER STATISTICS %s OWNER TO %I', x.qualified, a.owner),
    CASE WHEN s.stxstattarget >= 0
      THEN format('ALTER STATISTICS %s SET STATISTICS %s', x.qualified, s.stxstattarget) END,
    'COMMENT ON STATISTICS ' || x.qualified || ' IS ' || quote_literal(obj_description(s.oid, 'pg_statistic_ext'))
  ], NULL),
  format('statistics %s', x.qualified)
FROM pg_statistic_ext s JOIN analyzed a ON a.oid = s.stxrelid JOIN pg_namespace n ON n.oid = s.stxnamespace
CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, s.stxname) AS qualified) AS x
WHERE s.stxowner = (SELECT relowner FROM pg_class WHERE oid = a.oid)
  AND has_schema_privilege(CASE WHEN pg_has_role(a.owner, 'USAGE') THEN current_user ELSE a.owner END, n.oid, 'CREATE')
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_statistic_ext'::regclass AND d.objid = s.oid AND d.deptype IN ('e', 'x'))
ORDER BY s.oid
"""
)
"""Nothing but DROP empties what extended statistics hold when there are no rows left to analyze."""

REMOVED = (
    "publication", "trigger", "rule", "reference", "validation", "matview", "build", "whole", "key", "check",
    "statistics", "forced", "target", "analyze",
)  # fmt: skip
"""The kinds of obstacles in the order in which they are taken away; some have nothing to take away but come back."""
REBUILT = ("build", "whole", "key")
CONSTRAINED = ("check", "reference", "validation", "statistics", "forced")
RESTORED_LAST = ("target", "rule", "trigger", "publication")
"""The order in which they come back; "matview" and "analyze" stand before the last."""

_QUERIES = {
    "statistics": STATISTICS,
    "forced": FORCED,
    "matview": MATVIEWS,
    "analyze": ANALYZE,
    "target": TARGETS,
    "rule": RULES,
    "publication": PUBLICATIONS,
}


def read_attachments(conn: psycopg.Connection, roots: Sequence[int]) -> Mapping[str, tuple[Obstacle, ...]]:
    """All that is taken away before the tables with these oids are rewritten, by kind; ends the transaction."""
    return {**spread(conn, read_obstacles(conn, roots)), **read_attached(conn, roots)}


def read_attached(conn: psycopg.Connection, roots: Sequence[int]) -> Mapping[str, tuple[Obstacle, ...]]:
    """The part of it that only this module knows of."""
    with conn.transaction():
        conn.execute("SET LOCAL search_path = ''")
        return {kind: read(conn, query, roots) for kind, query in _QUERIES.items()}
