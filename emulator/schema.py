"""The schema of a database, as SQL and as Neon's JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from emulator import copies
from emulator.postgres import Server

# Newer pg_dump guards its scripts with a random word per run, which would make every two schemas differ.
_GUARD = re.compile(r"^\\(un)?restrict .*\n\n?", re.MULTILINE)

_COLUMNS = """
SELECT n.nspname AS schema, c.relname AS name, a.attname AS column,
       format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable, a.attgenerated <> '' AS generated
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
ORDER BY n.nspname, c.relname, a.attnum
"""

_CONSTRAINTS = """
SELECT n.nspname AS schema, c.relname AS name, k.conname AS constraint,
       CASE k.contype WHEN 'p' THEN 'primary_key' WHEN 'u' THEN 'unique' ELSE 'foreign_key' END AS type,
       (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(k.conkey) WITH ORDINALITY u (num, o)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num) AS columns,
       fn.nspname AS foreign_schema, fc.relname AS foreign_table,
       (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(k.confkey) WITH ORDINALITY u (num, o)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num) AS foreign_columns
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class fc ON fc.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = fc.relnamespace
WHERE k.contype IN ('p', 'u', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
ORDER BY n.nspname, c.relname, k.conname
"""


def as_sql(server: Server, database: str) -> str:
    """Give the schema as SQL: the same text as long as the schema is the same."""
    return _GUARD.sub("", copies.schema_sql(server, database))


def as_json(server: Server, database: str) -> dict[str, Any]:
    """Give the tables with their columns and keys."""
    tables: dict[tuple[str, str], dict[str, Any]] = {}
    with psycopg.connect(server.dsn(dbname=database), row_factory=dict_row) as conn:
        for row in conn.execute(_COLUMNS):
            empty = {"schema": row["schema"], "name": row["name"], "columns": [], "constraints": []}
            table = tables.setdefault((row["schema"], row["name"]), empty)
            if row["column"] is not None:
                names = {"name": row["column"]}
                table["columns"].append(names | {k: row[k] for k in ("type", "nullable", "generated")})
        for row in conn.execute(_CONSTRAINTS):
            tables[row["schema"], row["name"]]["constraints"].append(_constraint(row))
    return {"tables": list(tables.values())}


def _constraint(row: dict[str, Any]) -> dict[str, Any]:
    shown = {"type": row["type"], "columns": row["columns"], "name": row["constraint"]}
    if row["type"] != "foreign_key":
        return shown
    to = {"schema": row["foreign_schema"], "table": row["foreign_table"], "columns": row["foreign_columns"]}
    return shown | {"referenced_table": to}


FORMATS: dict[str, Callable[[Server, str], object]] = {"sql": as_sql, "json": as_json}
