"""The catalog queries behind `schema.read_schema`. They touch pg_catalog alone and expect only it on the search path.

Partitions fold into their root: whatever belongs to a partition is reported under the root's oid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

Row = dict[str, Any]

# A user table: ordinary or partitioned, not temporary, not of the system and not owned by an extension.
_USER_TABLES = """
user_table AS (
    SELECT c.oid, coalesce(pg_partition_root(c.oid), c.oid)::oid AS root, c.relnamespace, c.relname, c.relkind,
           c.relowner, c.reltuples, c.relpartbound, c.relispartition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'branchwarden_journal')
      AND n.nspname !~ '^pg_(temp|toast_temp)_'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)"""


def _query(body: str, *, recursive: bool = False) -> str:
    """Put the user tables before a query that speaks of `user_table`."""
    return " ".join(("WITH RECURSIVE" if recursive else "WITH", _USER_TABLES, body))


TABLES = _query("""
SELECT r.oid, n.nspname::text AS schema, r.relname::text AS name, pg_get_userbyid(r.relowner)::text AS owner,
       r.relkind = 'p' AS partitioned,
       sum(CASE WHEN t.relkind <> 'r' THEN 0 WHEN t.reltuples >= 0 THEN t.reltuples
         ELSE pg_relation_size(t.oid) / 100 END)::bigint AS row_estimate, -- never analyzed: 100 bytes a row is a guess
       sum(CASE WHEN t.relkind = 'r' THEN pg_total_relation_size(t.oid) ELSE 0 END)::bigint AS total_bytes
FROM user_table r JOIN user_table t ON t.root = r.oid JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE NOT r.relispartition
GROUP BY r.oid, n.nspname, r.relname, r.relowner, r.relkind
""")

# Domains are followed down to the type that they rest on; a length may sit on any level, the outermost one counts.
COLUMNS = _query(
    """, level AS (
    SELECT a.attrelid, a.attnum, a.atttypid AS type, a.atttypmod AS modifier, 0 AS depth
    FROM pg_attribute a JOIN user_table t ON t.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND NOT t.relispartition
    UNION ALL
    SELECT l.attrelid, l.attnum, y.typbasetype, CASE WHEN l.modifier >= 0 THEN l.modifier ELSE y.typtypmod END,
           l.depth + 1
    FROM level l JOIN pg_type y ON y.oid = l.type WHERE y.typtype = 'd'
), partition_key AS ( -- of any level, by name: a partition may have its columns in another order
    SELECT t.root, a.attname
    FROM pg_partitioned_table p JOIN user_table t ON t.oid = p.partrelid JOIN pg_attribute a ON a.attrelid = t.oid
    WHERE a.attnum > 0
      AND (a.attnum = ANY (p.partattrs::int2[]) OR p.partexprs::text ~ (':varattno ' || a.attnum || ' '))
), base AS (
    SELECT DISTINCT ON (attrelid, attnum) * FROM level ORDER BY attrelid, attnum, depth DESC
)
SELECT a.attrelid AS oid, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       format_type(b.type, b.modifier) AS base_type,
       a.attnotnull AND NOT EXISTS ( -- NOT VALID, since PostgreSQL 18: NULL may be there, and the run takes it away
         SELECT FROM pg_constraint k
         WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND a.attnum = ANY (k.conkey) AND NOT k.convalidated)
       OR EXISTS (SELECT FROM level l JOIN pg_type d ON d.oid = l.type
                  WHERE l.attrelid = a.attrelid AND l.attnum = a.attnum AND d.typnotnull) AS not_null,
       a.attgenerated <> '' AS generated, a.attidentity <> '' AS identity,
       CASE WHEN a.attgenerated <> '' THEN pg_get_expr(g.adbin, g.adrelid) ELSE '' END AS generated_as,
       CASE WHEN b.type IN ('varchar'::regtype, 'bpchar'::regtype) AND b.modifier > 4
            THEN b.modifier - 4 END AS max_length,
       y.typtype = 'e' AS enum, y.typinput = 'array_in'::regproc AS array,
       (a.attrelid, a.attname) IN (SELECT root, attname FROM partition_key) AS partition_key,
       EXISTS (SELECT FROM pg_collation o WHERE o.oid = a.attcollation AND NOT o.collisdeterministic)
       OR EXISTS (
         SELECT FROM pg_index i CROSS JOIN unnest(i.indkey::int2[], i.indcollation::oid[]) AS k (attnum, coll)
         JOIN pg_collation o ON o.oid = k.coll
         WHERE i.indrelid = a.attrelid AND i.indisunique AND k.attnum = a.attnum AND NOT o.collisdeterministic
       ) AS loose,
       b.type AS type_id -- of what the column rests on; not a fact of the column, see TYPES
FROM base b JOIN pg_attribute a ON a.attrelid = b.attrelid AND a.attnum = b.attnum JOIN pg_type y ON y.oid = b.type
LEFT JOIN pg_attrdef g ON g.adrelid = a.attrelid AND g.adnum = a.attnum
ORDER BY a.attrelid, a.attnum
""",
    recursive=True,
)

# The columns of an expression index are taken from the expression itself: a WHERE clause or INCLUDE does not count.
# `complete`: no two rows of the table are equal in it, not only of one partition or of those that a WHERE clause
# describes; a deferrable one holds, too, in what was committed. `solid`: its columns are NULL in no row that is there,
# which a domain does not promise. An index that a concurrent build left behind is in no dump and binds nobody.
KEYS = _query("""
SELECT t.root AS oid, i.indexprs IS NOT NULL AS expression, i.indisprimary AS main,
       coalesce(pg_get_expr(i.indexprs, i.indrelid), '') AS computed,
       i.indexrelid::regclass::text AS name,
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS null_equal, -- since PostgreSQL 15
       coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS condition,
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum > 0
               AND i.indpred::text ~ (':varattno ' || a.attnum || ' ') ORDER BY a.attnum) AS about,
       i.indisvalid AND i.indisready AND i.indpred IS NULL AND t.oid = t.root AS complete,
       NOT EXISTS (SELECT FROM pg_attribute a
                   LEFT JOIN pg_constraint k
                     ON k.conrelid = a.attrelid AND k.contype = 'n' AND a.attnum = ANY (k.conkey)
                   WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                     AND NOT (a.attnotnull AND coalesce(k.convalidated, true))) AS solid,
       ARRAY(SELECT DISTINCT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum > 0
               AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                    OR i.indexprs::text ~ (':varattno ' || a.attnum || ' '))) AS columns
FROM pg_index i JOIN user_table t ON t.oid = i.indrelid
WHERE i.indisunique AND (i.indisvalid OR t.relkind = 'p')
""")

# Every type that a column's values are made of: below domains, in arrays, in composite types, in ranges. An array is
# what is read as one: int2vector and oidvector, which count among them, are written otherwise.
TYPES = _query(
    """, made_of (oid) AS (
    SELECT a.atttypid FROM pg_attribute a JOIN user_table t ON t.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT part.oid
    FROM made_of m JOIN pg_type y ON y.oid = m.oid
    LEFT JOIN pg_range g ON y.oid IN (g.rngtypid, g.rngmultitypid)
    LEFT JOIN pg_attribute a ON y.typtype = 'c' AND a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    CROSS JOIN LATERAL (VALUES (y.typbasetype), (CASE WHEN y.typinput = 'array_in'::regproc THEN y.typelem END),
      (g.rngsubtype), (g.rngtypid), (a.atttypid)) AS part (oid)
    WHERE part.oid <> 0
)
SELECT y.oid, y.typtype::text AS kind, n.nspname::text AS schema, y.typname::text AS name,
       format_type(y.oid, NULL) AS text, y.typinput = 'array_in'::regproc AS array,
       y.typnotnull AS not_null, y.typbasetype AS base, format_type(nullif(y.typbasetype, 0), y.typtypmod) AS base_text,
       CASE WHEN y.typinput = 'array_in'::regproc THEN y.typelem
            WHEN y.typtype = 'm' THEN g.rngtypid ELSE 0 END AS element,
       coalesce(g.rngsubtype, 0) AS subtype,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = y.oid ORDER BY e.enumsortorder) AS labels,
       ARRAY(SELECT jsonb_build_array(a.attname, a.atttypid::bigint, format_type(a.atttypid, a.atttypmod))
             FROM pg_attribute a WHERE y.typtype = 'c' AND a.attrelid = y.typrelid AND a.attnum > 0
               AND NOT a.attisdropped ORDER BY a.attnum) AS attributes
FROM made_of m JOIN pg_type y ON y.oid = m.oid JOIN pg_namespace n ON n.oid = y.typnamespace
LEFT JOIN pg_range g ON y.oid IN (g.rngtypid, g.rngmultitypid)
""",
    recursive=True,
)

# Exclusion constraints and keys WITHOUT OVERLAPS: columns that must be equal, and those that are compared otherwise.
EXCLUSIONS = _query("""
SELECT t.root AS oid, k.conname::text AS name,
       ARRAY(SELECT DISTINCT a.attname::text FROM unnest(i.indkey::int2[], k.conexclop) AS e (attribute, operator)
             JOIN pg_operator o ON o.oid = e.operator AND o.oprname = '='
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = e.attribute AND a.attnum > 0) AS equal,
       ARRAY(SELECT DISTINCT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND (i.indexprs::text ~ (':varattno ' || a.attnum || ' ')
               OR EXISTS (SELECT FROM unnest(i.indkey::int2[], k.conexclop) AS e (attribute, operator)
                          JOIN pg_operator o ON o.oid = e.operator AND o.oprname <> '='
                          WHERE e.attribute = a.attnum))) AS others
FROM pg_constraint k JOIN user_table t ON t.oid = k.conrelid JOIN pg_index i ON i.indexrelid = k.conindid
WHERE k.conexclop IS NOT NULL
""")

# Tables of which a row may find no partition to go to: some level has a list or ranges and nothing for the rest.
CLOSED = _query("""
SELECT DISTINCT t.root AS oid FROM pg_partitioned_table p JOIN user_table t ON t.oid = p.partrelid
WHERE p.partstrat IN ('l', 'r') AND p.partdefid = 0
""")

LINKS = _query("""
SELECT t.root AS oid, k.oid::bigint AS key, a.attname::text AS name, k.confmatchtype = 'f' AS full,
  coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) AS period, -- since PostgreSQL 18
  ARRAY[n.nspname::text, f.relname::text, fa.attname::text] AS target
FROM pg_constraint k JOIN user_table t ON t.oid = k.conrelid
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS pair(here, there, position)
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.here
JOIN pg_class f ON f.oid = coalesce(pg_partition_root(k.confrelid), k.confrelid)
JOIN pg_namespace n ON n.oid = f.relnamespace
JOIN pg_attribute ta ON ta.attrelid = k.confrelid AND ta.attnum = pair.there
JOIN pg_attribute fa ON fa.attrelid = f.oid AND fa.attname = ta.attname
WHERE k.contype = 'f'
ORDER BY k.oid, pair.position
""")

# NOT NULL constraints are left out: PostgreSQL 18 names them by itself and the columns already tell. So are the copies
# that Postgres makes of a foreign key for partitions: it names them anew when a dump is restored.
DEFINITIONS = _query("""
SELECT t.root AS oid, concat_ws(' ', 'constraint', t.relname, k.conname, pg_get_constraintdef(k.oid)) AS definition
FROM pg_constraint k JOIN user_table t ON t.oid = k.conrelid
WHERE k.contype <> 'n' AND NOT (k.contype = 'f' AND k.conparentid <> 0)
UNION ALL
SELECT t.root, concat_ws(' ', 'index', t.relname, pg_get_indexdef(i.indexrelid))
FROM pg_index i JOIN user_table t ON t.oid = i.indrelid
WHERE i.indisvalid OR t.relkind = 'p' -- what a concurrent build left behind is in no dump
UNION ALL
SELECT t.root, concat_ws(' ', 'default', t.relname, a.attname, pg_get_expr(d.adbin, d.adrelid))
FROM pg_attrdef d JOIN user_table t ON t.oid = d.adrelid
JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
UNION ALL
SELECT t.root, concat_ws(' ', 'partition', n.nspname, t.relname, pg_get_expr(t.relpartbound, t.oid))
FROM user_table t JOIN pg_namespace n ON n.oid = t.relnamespace WHERE t.relispartition
UNION ALL
SELECT t.root, concat_ws(' ', 'partitioned', t.relname, pg_get_partkeydef(t.oid))
FROM user_table t WHERE t.relkind = 'p'
UNION ALL
SELECT t.root, concat_ws(' ', 'inherits', i.inhparent::regclass::text)
FROM pg_inherits i JOIN user_table t ON t.oid = i.inhrelid WHERE NOT t.relispartition
""")


@dataclass(frozen=True)
class Rows:
    """The catalog's rows, all but tables and types grouped by the oid of the (root) table."""

    tables: Sequence[Row]
    types: Mapping[int, Row]
    """By their own oid."""
    columns: Mapping[int, list[Row]]
    keys: Mapping[int, list[Row]]
    links: Mapping[int, list[Row]]
    definitions: Mapping[int, list[Row]]
    exclusions: Mapping[int, list[Row]]
    closed: Mapping[int, list[Row]]


def read(cur: psycopg.Cursor[Row]) -> Rows:
    """Run the queries; `cur` gives rows as dictionaries."""
    tables = cur.execute(TABLES).fetchall()
    types = {row["oid"]: row for row in cur.execute(TYPES).fetchall()}
    queries = (COLUMNS, KEYS, LINKS, DEFINITIONS, EXCLUSIONS, CLOSED)
    return Rows(tables, types, *(_grouped(cur.execute(query)) for query in queries))


def _grouped(rows: psycopg.Cursor[Row]) -> Mapping[int, list[Row]]:
    groups: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["oid"]].append(row)
    return groups
