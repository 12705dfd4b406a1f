"""Rows of which Python makes some values, out of one table into another of the same transaction.

One connection cannot send rows and take rows at once, and no other one sees a table that is locked, or not there yet.
So the rows come by a cursor, some at a time, and go on as COPY. In memory are those, nothing is written but what the
target gets.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from sanitizers.fields.rows import escape
from sanitizers.protection import Protection
from sanitizers.streamed import Stream

AT_ONCE = 500
"""Rows."""
_CURSOR = sql.Identifier("branchwarden_rows")


def copy_streamed(conn: psycopg.Connection, stream: Stream, target: sql.Identifier, protection: Protection) -> int:
    """Rows that came into the target, which has the columns of the plan; `conn` is in a transaction."""
    through = protection.transformer(stream)
    names = sql.SQL(", ").join(sql.Identifier(plan.column.name) for plan in stream.table.columns)
    copy_in = sql.SQL("COPY {} ({}) FROM STDIN").format(target, names)
    # All rows are wanted, not the first ones soon.
    conn.execute("SELECT set_config('cursor_tuple_fraction', '1', true)")
    conn.execute(sql.SQL("DECLARE {} NO SCROLL CURSOR FOR {}").format(_CURSOR, stream.select))
    rows = 0
    while lines := _fetched(conn):
        cursor = conn.cursor()
        with cursor.copy(copy_in) as into:
            into.write(through.feed(b"".join(lines)))
        rows += cursor.rowcount
    through.finish()
    conn.execute(sql.SQL("CLOSE {}").format(_CURSOR))
    return rows


def _fetched(conn: psycopg.Connection) -> list[bytes]:
    """The next rows as COPY would write them."""
    result = conn.execute(sql.SQL("FETCH {} FROM {}").format(sql.Literal(AT_ONCE), _CURSOR)).pgresult
    if result is None:
        return []
    columns = range(result.nfields)
    return [b"\t".join([escape(result.get_value(row, n)) for n in columns]) + b"\n" for row in range(result.ntuples)]
