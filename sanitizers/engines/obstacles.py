"""What stands in the way of loading a complete schema: foreign keys, indexes, triggers. Read only.

Every definition comes as a whole statement from the server, which quotes names and deparses expressions better than
we could. They are read with an empty search_path, so that they name every object by its schema and can be run
under any other. What we do not know how to put back exactly is left in place: that costs time, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from sanitizers.deparse import DEPARSE

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
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relispopulated, c.relnamespace,
    pg_get_userbyid(c.relowner) AS owner, format('%I.%I', n.nspname, c.relname) AS qualified
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.oid IN (SELECT oid FROM user_namespace) AND c.relpersistence <> 't'
    AND c.oid NOT IN (SELECT objid FROM extension_member)
),
user_table AS (
  SELECT * FROM user_relation WHERE relkind IN ('r', 'p')
)"""
"""Common table expressions that every query here starts with."""

CHOSEN_TABLES = (
    USER_TABLES  # noqa: S608  constants alone
    + """,
chosen AS (
  SELECT t.*, CASE WHEN pg_has_role(t.owner, 'USAGE') THEN current_user ELSE t.owner END AS actor FROM user_table t
  WHERE :roots IS NULL OR coalesce(pg_partition_root(t.oid), t.oid) = ANY (:roots)
)"""
)
"""The tables of a run with their partitions: those below `:roots` (oid[]), or all. `actor` is whose rights count."""

FOREIGN_KEYS = (
    CHOSEN_TABLES  # noqa: S608  constants alone
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
  AND (k.conrelid IN (SELECT oid FROM chosen) OR k.confrelid IN (SELECT oid FROM chosen))
ORDER BY k.oid
"""
)

CHECKS = (
    CHOSEN_TABLES  # noqa: S608  constants alone
    + """,
calling AS (
  SELECT d.objid FROM pg_depend d JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
  WHERE d.classid = 'pg_constraint'::regclass AND p.pronamespace IN (SELECT oid FROM user_namespace)
    AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.objid = p.oid AND e.classid = 'pg_proc'::regclass AND e.deptype = 'e')
),
standing AS (
  SELECT k.conrelid, k.conname FROM pg_constraint k JOIN chosen t ON t.oid = k.conrelid
  WHERE k.contype IN ('c', 'n') AND (NOT k.convalidated OR (k.contype = 'c' AND k.oid IN (SELECT objid FROM calling)))
  UNION
  SELECT i.inhparent, s.conname FROM standing s JOIN pg_inherits i ON i.inhrelid = s.conrelid
  JOIN pg_constraint k ON k.conrelid = i.inhparent AND k.conname = s.conname AND k.contype IN ('c', 'n')
),
depth AS (
  SELECT oid, 0 AS depth FROM user_table
  UNION
  SELECT i.inhrelid, d.depth + 1 FROM depth d JOIN pg_inherits i ON i.inhparent = d.oid
)
SELECT t.owner,
  ARRAY[format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', t.qualified, k.conname)],
  array_remove(ARRAY[
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.qualified, k.conname, pg_get_constraintdef(k.oid)),
    'COMMENT ON CONSTRAINT ' || quote_ident(k.conname) || ' ON ' || t.qualified || ' IS '
      || quote_literal(obj_description(k.oid, 'pg_constraint'))
  ], NULL),
  format('check %I of %s', k.conname, t.qualified)
FROM standing s JOIN pg_constraint k ON k.conrelid = s.conrelid AND k.conname = s.conname
JOIN user_table t ON t.oid = k.conrelid
WHERE k.conislocal
ORDER BY (SELECT max(depth) FROM depth d WHERE d.oid = t.oid) DESC, k.oid
"""
)
"""Those that rows may break which are there already (NOT VALID), or that ask other tables through a function.

Deepest first, since a parent's joins that of its children; taken away the other way round.
"""

INDEXES = (
    CHOSEN_TABLES  # noqa: S608  constants alone
    + """,
user_index AS (
  SELECT i.indexrelid AS oid, i.indrelid, t.owner, t.actor, t.relnamespace, c.relkind, c.relispartition, c.reloptions,
    k.oid AS con, k.conname, i.indisvalid, i.indisclustered, i.indisreplident, c.reltablespace,
    coalesce(pg_partition_root(i.indexrelid), i.indexrelid)::oid AS root, h.inhparent AS parent,
    (SELECT count(*) FROM pg_partition_ancestors(i.indexrelid)) AS depth
  FROM pg_index i
  JOIN chosen t ON t.oid = i.indrelid
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
  SELECT root FROM user_index
  WHERE reltablespace <> 0 OR NOT has_schema_privilege(actor, relnamespace, 'CREATE')
)
SELECT x.owner,
  CASE WHEN x.oid <> x.root THEN ARRAY[]::text[]
    WHEN x.con IS NULL THEN ARRAY[format('DROP INDEX %s', x.oid::regclass)]
    ELSE ARRAY[format('ALTER TABLE %s DROP CONSTRAINT %I', x.indrelid::regclass, x.conname)] END,
  CASE WHEN NOT x.indisvalid AND x.relkind = 'i' THEN ARRAY[]::text[] ELSE array_remove(ARRAY[
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
  ) END,
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
"""What a failed concurrent build left behind is in no dump either: it goes and does not come back."""

TRIGGERS = (
    CHOSEN_TABLES
    + """
SELECT t.owner,
  ARRAY[format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', t.qualified, g.tgname)],
  ARRAY[format('ALTER TABLE ONLY %s ENABLE%s TRIGGER %I', t.qualified,
    CASE g.tgenabled WHEN 'R' THEN ' REPLICA' WHEN 'A' THEN ' ALWAYS' ELSE '' END, g.tgname)],
  format('trigger %I of %s', g.tgname, t.qualified)
FROM pg_trigger g JOIN chosen t ON t.oid = g.tgrelid
LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint AND k.contype <> 't'
WHERE g.tgenabled <> 'D' AND (NOT g.tgisinternal OR (g.tgparentid <> 0 AND k.oid IS NULL))
ORDER BY g.oid
"""
)
"""A partition's copy of its root's trigger counts as internal on some versions, and has a state of its own."""


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
    checks: tuple[Obstacle, ...] = ()
    """To be taken away in reverse order."""


def read_obstacles(conn: psycopg.Connection, roots: Sequence[int] | None = None) -> Obstacles:
    """Read what is to be removed from the database of `conn`; changes nothing, ends its transaction.

    `roots` are the oids of the tables that are to be filled, partitions come with their root; None stands for all.
    """
    with conn.transaction():
        conn.execute(DEPARSE)
        foreign_keys, triggers, checks = (read(conn, query, roots) for query in (FOREIGN_KEYS, TRIGGERS, CHECKS))
        rows = select(conn, INDEXES, roots)
    indexes = [Obstacle(row[3], row[0], tuple(row[1]), tuple(row[2])) for row in rows]
    attached = [Obstacle(row[3], row[5], (), (row[4],)) for row in reversed(rows) if row[4] and row[5]]
    return Obstacles(foreign_keys, (*indexes, *attached), triggers, checks)


def read(conn: psycopg.Connection, query: str, roots: Sequence[int] | None) -> tuple[Obstacle, ...]:
    """The obstacles that a query gives as owner, statements to remove, statements to restore, words for a person."""
    rows: Sequence[tuple[str, list[str], list[str], str]] = select(conn, query, roots)
    return tuple(Obstacle(about, owner, tuple(remove), tuple(restore)) for owner, remove, restore, about in rows)


def select(conn: psycopg.Connection, query: str, roots: Sequence[int] | None) -> list[tuple[Any, ...]]:
    """The rows of a query over CHOSEN_TABLES."""
    # As bytes: the statements are our own constants or the server's own definitions, never a user's text.
    text = query.replace("%", "%%").replace(":roots", "%(roots)s::oid[]")
    return conn.execute(text.encode(), {"roots": None if roots is None else list(roots)}).fetchall()
