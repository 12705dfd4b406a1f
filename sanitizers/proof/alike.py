"""Whether two databases are built alike: columns, types, constraints, indexes, triggers, policies, sequences, views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.deparse import DEPARSE, as_restored
from sanitizers.engines.obstacles import USER_TABLES
from sanitizers.engines.rebuild import SEQUENCES

VIEW, POSITION = "definition of view", "position of sequence"
OBJECTS = (
    USER_TABLES  # noqa: S608  constants alone
    + """
SELECT 'constraint', concat_ws(' of ', k.conname, t.qualified),
  concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated, obj_description(k.oid, 'pg_constraint'))
FROM pg_constraint k JOIN user_table t ON t.oid = k.conrelid
WHERE k.contype IN ('c', 'p', 'u', 'x') OR (k.contype = 'f' AND k.conparentid = 0)
UNION ALL
SELECT 'index', i.indexrelid::regclass::text, concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready,
  i.indisclustered, i.indisreplident, c.reloptions, obj_description(c.oid, 'pg_class'), h.inhparent::regclass)
FROM pg_index i JOIN user_relation t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
LEFT JOIN pg_inherits h ON h.inhrelid = c.oid
WHERE i.indisvalid OR c.relkind = 'I'
UNION ALL
SELECT 'trigger', concat_ws(' of ', g.tgname, t.qualified), concat_ws(' ', pg_get_triggerdef(g.oid), g.tgenabled)
FROM pg_trigger g JOIN user_relation t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
UNION ALL
SELECT 'policy', concat_ws(' of ', p.polname, t.qualified),
  concat_ws(' ', p.polcmd, p.polpermissive,
    (SELECT string_agg(coalesce(r.rolname, 'public'), ' ' ORDER BY 1) FROM unnest(p.polroles) AS o (oid)
     LEFT JOIN pg_roles r ON r.oid = o.oid),
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN user_table t ON t.oid = p.polrelid
UNION ALL
SELECT 'table', t.qualified, concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity, c.relreplident)
FROM user_table t JOIN pg_class c ON c.oid = t.oid
UNION ALL
SELECT 'materialized view', qualified, concat_ws(' ', relispopulated) FROM user_relation WHERE relkind = 'm'
UNION ALL
SELECT 'definition of view', t.qualified, pg_get_viewdef(t.oid) FROM user_relation t WHERE t.relkind IN ('m', 'v')
UNION ALL
SELECT 'sequence', t.qualified,
  concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcycle)
FROM pg_sequence s JOIN user_relation t ON t.oid = s.seqrelid
UNION ALL
SELECT 'column', concat_ws(' of ', quote_ident(a.attname), t.qualified),
  concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
    nullif(a.attcollation, y.typcollation)::regcollation, pg_get_expr(d.adbin, d.adrelid))
FROM user_table t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
UNION ALL
SELECT 'enum', format_type(enumtypid, NULL), string_agg(quote_literal(enumlabel), ' ' ORDER BY enumsortorder)
FROM pg_enum JOIN pg_type y ON y.oid = enumtypid JOIN user_namespace n ON n.oid = y.typnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = y.oid AND deptype = 'e')
GROUP BY enumtypid
UNION ALL
SELECT 'domain', format_type(y.oid, NULL), concat_ws(' ', format_type(y.typbasetype, y.typtypmod), y.typnotnull,
  y.typdefault, (SELECT string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid), k.convalidated), ', '
                   ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = y.oid AND k.contype = 'c'))
FROM pg_type y JOIN user_namespace n ON n.oid = y.typnamespace
WHERE y.typtype = 'd'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = y.oid AND deptype = 'e')
"""
)

INVALID = (
    USER_TABLES
    + """
SELECT i.qualified FROM pg_index x JOIN user_relation i ON i.oid = x.indexrelid
WHERE i.relkind = 'i' AND NOT (x.indisvalid AND x.indisready) ORDER BY 1
"""
)
"""An index whose concurrent build failed: no dump has it, so that it is none of the differences."""


def differences(source: psycopg.Connection, target: psycopg.Connection, *, later: bool = False) -> Iterator[str]:
    """A sentence for every object that is missing, extra or otherwise defined; definitions are never quoted.

    `later` leaves positions of sequences out: whoever uses a copy moves them, and in a source that was replayed from
    its log they are up to 32 values ahead of where they were.
    """
    here, there = read_objects(source), read_objects(target)
    if source.info.server_version // 10000 != target.info.server_version // 10000:
        # Another major version writes the same view in other words.
        here, there = ({key: text for key, text in o.items() if key[0] != VIEW} for o in (here, there))
    if later:
        here, there = ({key: text for key, text in o.items() if key[0] != POSITION} for o in (here, there))
    return compared(here, there, target)


def compared(
    here: Mapping[tuple[str, str], object], there: Mapping[tuple[str, str], object], target: psycopg.Connection
) -> Iterator[str]:
    """The same for objects that were read before; `target` is asked which indexes are invalid."""
    for kind, name in sorted(here.keys() | there.keys()):
        table = ("table", name.rpartition(" of ")[2])
        if kind == "column" and (table in here) != (table in there):
            continue  # the whole table is missing
        if (kind, name) not in there:
            yield f"{kind} {name} is missing in the target"
        elif (kind, name) not in here:
            yield f"{kind} {name} is not in the source"
        elif here[kind, name] != there[kind, name]:
            back = f": {here[kind, name]} sets it back" if kind == POSITION else ""
            yield f"{kind} {name} differs from the source's{back}"
    yield from (f"index {row[0]} is invalid" for row in target.execute(INVALID))


def read_objects(conn: psycopg.Connection) -> dict[tuple[str, str], object]:
    """The definition of every object, by kind and name."""
    with conn.transaction(force_rollback=True):
        conn.execute(DEPARSE)
        written = conn.execute(OBJECTS)
        objects: dict[tuple[str, str], object] = {(kind, name): as_restored(text) for kind, name, text in written}
        for schema, name, _ in conn.execute(SEQUENCES).fetchall():
            position = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
            row = conn.execute(position).fetchone()
            objects[POSITION, f"{schema}.{name}"] = _restoring(sql.Identifier(schema, name), row or ())
    return objects


def _restoring(sequence: sql.Identifier, position: Sequence[Any]) -> str:
    """The position as the statement that sets it."""
    arguments = sql.SQL(", ").join(map(sql.Literal, (sequence.as_string(), *position)))
    return sql.SQL("SELECT setval({})").format(arguments).as_string()
