"""Columns that were dropped: the server leaves their values in the rows until each row is written anew.

No query shows such a value. But a row that is younger than the drop never had one, and one that is exactly as long as
its columns make it has none any more: so VACUUM FULL leaves it. A short value may lie where Postgres aligns an
eight-byte column behind it, so that lengths say nothing there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import psycopg
from psycopg import sql

from sanitizers.proof.roads.answers import many

DROPPED = """
SELECT c.oid::int8, n.nspname::text, c.relname::text, min(age(a.xmin)) FILTER (WHERE a.attisdropped),
  count(*) FILTER (WHERE a.attisdropped),
  max(a.attnum) FILTER (WHERE a.attalign = 'd' AND NOT a.attisdropped) > min(a.attnum) FILTER (WHERE a.attisdropped),
  array_agg(CASE WHEN NOT a.attisdropped AND a.attgenerated <> 'v' THEN a.attname::text END ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'branchwarden_journal')
GROUP BY c.oid, n.nspname, c.relname HAVING bool_or(a.attisdropped) ORDER BY 2, 3
"""
ROWS = sql.SQL("""
SELECT count(*) FROM ONLY {table} AS t
WHERE NOT (age(t.xmin) >= 0 AND age(t.xmin) < {age})
  AND ({aligned} OR pg_column_size(t.*) <> pg_column_size(ROW({row})))
""")
"""Those that may hold a value of a dropped column. ROW has NULL for each, which takes no room."""
NOTHING = sql.SQL("NULL::int")


class _Table(NamedTuple):
    oid: int
    schema: str
    name: str
    age: int
    """In transactions, since the last drop."""
    dropped: int
    aligned: bool
    """Whether an eight-byte column stands behind a dropped one."""
    columns: list[str | None]
    """All that ever were; None: takes no room in a row that is written today."""


def values_left(conn: psycopg.Connection, database: str) -> Iterator[str]:
    """Half a sentence for every table of which rows may hold values of dropped columns."""
    for table in map(_Table._make, conn.execute(DROPPED).fetchall()):
        name = sql.Identifier(table.schema, table.name)
        row = (NOTHING if column is None else sql.Identifier("t", column) for column in table.columns)
        query = ROWS.format(
            table=name, age=sql.Literal(table.age), aligned=sql.Literal(table.aligned), row=sql.SQL(", ").join(row)
        )
        count = (conn.execute(query).fetchone() or (0,))[0]
        if count:
            columns, rows = many(table.dropped, "dropped column"), many(count, "row")
            remedy = "an UPDATE of every row and VACUUM FULL take them away"
            yield f"what {columns} left in {rows} of {database}.{table.schema}.{table.name}: {remedy}"
