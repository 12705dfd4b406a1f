"""What stands in the way of loading a complete schema: foreign keys, indexes, triggers. Read only.

Every definition comes as a whole statement from the server, which quotes names and deparses expressions better than
we could. They are read with an empty search_path, so that they name every object by its schema and can be run
under any other. What we do not know how to put back exactly is left in place: that costs time, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

JOURNAL_SCHEMA = "branchwarden_journal"
"""Schema of the run itself, see `journal`; none of the user's."""

USER_TABLES = """
WITH RECURSIVE user_namespace AS (
  SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'branchwarden_journal')
),
extension_member AS (
  SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e'
),
user_relation AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relispopulated,
    pg_get_userbyid(c.relowner) AS owner, format('%I.%I', n.nspname, c.relname) AS qualified
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.oid IN (SELECT oid FROM user_namespace) AND c.relpersistence <> 't'
    AND c.oid NOT IN (SELECT objid FROM extension_member)
),
user_table AS (
  SELECT * FROM user_relation WHERE relkind IN ('r', 'p')
)"""
"""Common table expressions that every query here starts with."""

FOREIGN_KEYS = (
    USER_TABLES
    + """
SELECT t.owner,
  ARRAY[format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname)],
  array_remove(ARRAY[
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)),
    'COMMENT ON CONSTRAINT ' || quote_ident(k.conname) || ' ON ' || k.conrelid::regclass || ' IS '
      || quote_literal(obj_description(k.oid, 'pg_constraint'))
  ], NULL),
  format('foreign key %I of %s', k.conname, k.conrelid::regclass)
FROM pg_constraint k JOIN user_table t ON t.oid = k.conrelid
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY k.oid
"""
)

INDEXES = (
    USER_TABLES  # noqa: S608  constants alone
    + """,
user_index AS (
  SELECT i.indexrelid AS oid, i.indrelid, t.owner, c.relkind, c.relispartition, c.reloptions, k.oid AS con, k.conname,
    i.indisclustered, i.indisreplident, c.reltablespace,
    coalesce(pg_partition_root(i.indexrelid), i.indexrelid)::oid AS root, h.inhparent AS parent,
    (SELECT count(*) FROM pg_partition_ancestors(i.indexrelid)) AS depth
  FROM pg_index i
  JOIN user_table t ON t.oid = i.indrelid
  JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
  LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
),
needed AS (
  SELECT x.root FROM user_index x
  JOIN pg_depend d ON (d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid)
    OR (d.refclassid = 'pg_constraint'::regclass AND d.refobjid = x.con)
  WHERE d.deptype NOT IN ('i', 'P', 'S')
    AND NOT (d.classid = 'pg_constraint'::regclass AND EXISTS (
      SELECT FROM pg_constraint f WHERE f.oid = d.objid AND f.contype = 'f'))
  UNION
  SELECT x.root FROM user_index x
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = x.oid AND d.deptype IN ('e', 'x')
  UNION
  SELECT root FROM user_index WHERE reltablespace <> 0
)
SELECT x.owner,
  CASE WHEN x.oid <> x.root THEN ARRAY[]::text[]
    WHEN x.con IS NULL THEN ARRAY[format('DROP INDEX %s', x.oid::regclass)]
    ELSE ARRAY[format('ALTER TABLE %s DROP CONSTRAINT %I', x.indrelid::regclass, x.conname)] END,
  array_remove(ARRAY[
    CASE WHEN x.con IS NULL THEN pg_get_indexdef(x.oid)
      ELSE format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s',
        x.indrelid::regclass, x.conname, pg_get_constraintdef(x.con)) END,
    CASE WHEN x.con IS NOT NULL AND x.reloptions IS NOT NULL
      THEN format('ALTER INDEX %s SET (%s)', x.oid::regclass, array_to_string(x.reloptions, ', ')) END,
    'COMMENT ON INDEX ' || x.oid::regclass || ' IS ' || quote_literal(obj_description(x.oid, 'pg_class')),
    'COMMENT ON CONSTRAINT ' || quote_ident(x.conname) || ' ON ' || x.indrelid::regclass || ' IS '
      || quote_literal(obj_description(x.con, 'pg_constraint')),
    CASE WHEN x.indisclustered
      THEN format('ALTER TABLE ONLY %s CLUSTER ON %I', x.indrelid::regclass, c.relname) END,
    CASE WHEN x.indisreplident
      THEN format('ALTER TABLE ONLY %s REPLICA IDENTITY USING INDEX %I', x.indrelid::regclass, c.relname) END
  ], NULL) || ARRAY(
    SELECT format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', x.oid::regclass, a.attnum, a.attstattarget)
    FROM pg_attribute a WHERE a.attrelid = x.oid AND a.attstattarget >= 0 ORDER BY a.attnum
  ),
  format('index %s', x.oid::regclass),
  format('ALTER INDEX %s ATTACH PARTITION %s', x.parent::regclass, x.oid::regclass),
  p.owner
FROM user_index x
JOIN pg_class c ON c.oid = x.oid
LEFT JOIN user_index p ON p.oid = x.parent
WHERE x.root NOT IN (SELECT root FROM needed)
ORDER BY x.depth, x.oid
"""
)

TRIGGERS = (
    USER_TABLES
    + """
SELECT t.owner,
  ARRAY[format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', g.tgrelid::regclass, g.tgname)],
  ARRAY[format('ALTER TABLE ONLY %s ENABLE%s TRIGGER %I', g.tgrelid::regclass,
    CASE g.tgenabled WHEN 'R' THEN ' REPLICA' WHEN 'A' THEN ' ALWAYS' ELSE '' END, g.tgname)],
  format('trigger %I of %s', g.tgname, g.tgrelid::regclass)
FROM pg_trigger g JOIN user_table t ON t.oid = g.tgrelid
WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
ORDER BY g.oid
"""
)


@dataclass(frozen=True)
class Obstacle:
    """One thing that is taken away before the load and put back after it, by the owner of its table."""

    about: str
    owner: str
    remove: tuple[str, ...]
    restore: tuple[str, ...]


@dataclass(frozen=True)
class Obstacles:
    """Everything that is taken away, each group in the order in which it is put back."""

    foreign_keys: tuple[Obstacle, ...]
    indexes: tuple[Obstacle, ...]
    triggers: tuple[Obstacle, ...]


def read_obstacles(conn: psycopg.Connection) -> Obstacles:
    """Read what is to be removed from the database of `conn`; changes nothing, ends its transaction."""
    with conn.transaction():
        conn.execute("SET LOCAL search_path = ''")
        foreign_keys = _read(conn, FOREIGN_KEYS)
        triggers = _read(conn, TRIGGERS)
        rows = conn.execute(_query(INDEXES)).fetchall()
    indexes = [Obstacle(row[3], row[0], tuple(row[1]), tuple(row[2])) for row in rows]
    attached = [Obstacle(row[3], row[5], (), (row[4],)) for row in reversed(rows) if row[4] and row[5]]
    return Obstacles(foreign_keys, (*indexes, *attached), triggers)


def _read(conn: psycopg.Connection, query: str) -> tuple[Obstacle, ...]:
    rows: Sequence[tuple[str, list[str], list[str], str]] = conn.execute(_query(query)).fetchall()
    return tuple(Obstacle(about, owner, tuple(remove), tuple(restore)) for owner, remove, restore, about in rows)


def _query(text: str) -> bytes:
    # As bytes: the statements are our own constants or the server's own definitions, never a user's text.
    return text.encode()
