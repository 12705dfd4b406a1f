"""The catalog queries behind `blockers`; those with `:roots` go through `obstacles.select`."""

from __future__ import annotations

from sanitizers.engines.attachments import SEEN
from sanitizers.engines.obstacles import CHOSEN_TABLES

SERVER = """
SELECT pg_is_in_recovery(), has_database_privilege(d.oid, 'CREATE'),
  to_regnamespace('branchwarden_journal') IS NOT NULL AND to_regclass('branchwarden_journal.purpose') IS NULL,
  pg_get_userbyid(d.datdba)
FROM pg_database d WHERE d.datname = current_database()
"""

RELATION_OWNERS = (
    CHOSEN_TABLES  # noqa: S608  constants alone
    + """
SELECT r.owner,
  CASE r.relkind WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence ' ELSE 'table ' END || r.qualified
FROM user_relation r
WHERE r.oid IN (SELECT oid FROM chosen) OR (:roots IS NULL AND r.relkind IN ('m', 'S'))
ORDER BY r.oid
"""
)

DATABASE_OWNER = """
SELECT pg_get_userbyid(datdba), 'the catalogs of database ' || datname
FROM pg_database WHERE datname = current_database()
"""

HANDED_OVER = (
    SEEN  # noqa: S608  constants alone
    + """,
changed AS (
  SELECT oid FROM chosen
  UNION SELECT k.conrelid FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid IN (SELECT oid FROM chosen)
  UNION SELECT r.oid FROM user_relation r WHERE :roots IS NULL AND r.relkind IN ('m', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))
  UNION SELECT oid FROM analyzed WHERE :roots IS NOT NULL
),
owned AS (
  SELECT r.owner, r.oid::bigint AS place, format('%s %s', CASE r.relkind WHEN 'm' THEN 'MATERIALIZED VIEW'
    WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, r.qualified) AS thing
  FROM user_relation r WHERE r.oid IN (SELECT oid FROM changed)
  UNION ALL
  SELECT pg_get_userbyid(datdba), 0, format('DATABASE %I', datname) FROM pg_database
  WHERE datname = current_database() AND :roots IS NOT NULL
)
SELECT w.owner, array_agg(format('ALTER %s OWNER TO %I', w.thing, current_user) ORDER BY w.place)
FROM owned w JOIN pg_roles o ON o.rolname = w.owner AND o.rolsuper GROUP BY w.owner
"""
)
"""Of each superuser the statements that give what a run changes to its role; a sequence goes with its table."""

ADMINS = """
SELECT o.rolname, pg_has_role(o.oid, 'USAGE'), ARRAY(
  SELECT DISTINCT m.rolname::text FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
  WHERE a.roleid = o.oid AND a.admin_option AND NOT m.rolsuper ORDER BY 1)
FROM pg_roles o WHERE o.rolname = ANY (%s) ORDER BY 1
"""
"""Of each owner: may we do what it may, and who may let us."""

MISSING_RIGHTS = (
    CHOSEN_TABLES  # noqa: S608  constants alone
    + """,
privilege AS (
  SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'TRUNCATE']) AS p WHERE :roots IS NOT NULL
  UNION ALL SELECT 'INSERT' WHERE :roots IS NULL
)
SELECT format('%s lacks %s on table %s', t.actor, string_agg(p, ' and ' ORDER BY p), t.qualified),
  format('GRANT %s ON %s TO %I', string_agg(p, ', ' ORDER BY p), t.qualified, t.actor), t.owner
FROM chosen t CROSS JOIN privilege
WHERE NOT t.relispartition AND NOT has_table_privilege(t.actor, t.oid, p)
GROUP BY t.actor, t.qualified, t.owner
UNION ALL
SELECT DISTINCT format('%s may not enter schema %I', t.actor, n.nspname),
  format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, t.actor), pg_get_userbyid(n.nspowner)
FROM chosen t JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE NOT has_schema_privilege(t.actor, n.oid, 'USAGE')
UNION ALL
SELECT format('%s may not put foreign key %I of %s back', a.actor, k.conname, c.qualified),
  format('GRANT REFERENCES ON %s TO %I', p.qualified, a.actor), p.owner
FROM pg_constraint k JOIN user_table c ON c.oid = k.conrelid JOIN user_table p ON p.oid = k.confrelid
CROSS JOIN LATERAL (SELECT CASE WHEN pg_has_role(c.owner, 'USAGE') THEN current_user ELSE c.owner END AS actor) AS a
WHERE k.contype = 'f' AND k.conparentid = 0
  AND (c.oid IN (SELECT oid FROM chosen) OR p.oid IN (SELECT oid FROM chosen))
  AND NOT has_table_privilege(a.actor, p.oid, 'REFERENCES')
  AND EXISTS (SELECT FROM unnest(k.confkey) AS n WHERE NOT has_column_privilege(a.actor, p.oid, n, 'REFERENCES'))
"""
)

HIDDEN_ROWS = (
    CHOSEN_TABLES
    + """
SELECT t.qualified, t.owner FROM chosen t
WHERE t.actor = current_user AND row_security_active(t.oid) AND NOT t.relispartition
ORDER BY t.oid
"""
)

EVENT_TRIGGERS = """
SELECT e.evtname, p.pronamespace::regnamespace || '.' || quote_ident(p.proname), pg_get_userbyid(e.evtowner)
FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
WHERE e.evtenabled IN ('O', 'A') AND e.evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop')
  AND coalesce(current_setting('neon.event_triggers', true), 'on') NOT IN ('off', 'false', 'no', '0')
  AND (e.evttags IS NULL OR e.evttags && ARRAY[
    'CREATE SCHEMA', 'DROP SCHEMA', 'GRANT', 'COMMENT', 'CREATE TABLE', 'CREATE TABLE AS', 'DROP TABLE', 'ALTER TABLE',
    'CREATE INDEX', 'ALTER INDEX', 'DROP INDEX', 'CREATE STATISTICS', 'ALTER STATISTICS', 'DROP STATISTICS',
    'ALTER PUBLICATION', 'ALTER MATERIALIZED VIEW', 'REFRESH MATERIALIZED VIEW'])
ORDER BY 1
"""
"""Those that fire on the statements of a run: tables are never rewritten by ALTER, and nobody logs in later."""

FOREIGN_CHILDREN = (
    CHOSEN_TABLES
    + """
SELECT f.qualified, p.qualified, f.relispartition, CASE WHEN f.relispartition THEN p.owner ELSE f.owner END
FROM user_relation f JOIN pg_inherits i ON i.inhrelid = f.oid JOIN chosen p ON p.oid = i.inhparent
WHERE f.relkind = 'f' ORDER BY 1
"""
)
"""Rows would go to a partition; of any other child ANALYZE of the parent would ask the server."""

SLOTS = """
SELECT slot_name, active FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database() ORDER BY 1
"""

PREPARED = "SELECT gid, owner FROM pg_prepared_xacts WHERE database = current_database() ORDER BY 1"
