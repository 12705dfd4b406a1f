"""A sieve: which hashes cannot be those of an original, told without a table of originals and without sending a hash.

One bit for each remainder that some original's hash has (a Bloom filter with one probe: Bloom 1970). Whatever has no
bit is no original; what has one may be, and is joined exactly. So of a table's hashes a few in a hundred travel instead
of all, and the search needs memory for the bits alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.adapt import PyFormat

LEAST, MOST = 1 << 12, 1 << 28  # bits: half a kilobyte to 32 MB
PER_HASH = 16  # bits for each: six hashes of strangers in a hundred get through

# Bit p of the value is bit p # 56 of a bytea made of eight bytes each: int8send writes the highest byte first.
_BITS = sql.SQL("""
SELECT string_agg(int8send(coalesce(w.bits, 0)), ''::bytea ORDER BY p.word)
FROM generate_series(0, {last}::bigint) AS p (word) LEFT JOIN (
  SELECT (hash & {mask}::bigint) >> 6, bit_or(1::bigint << (hash & 63)::int) FROM {table} GROUP BY 1
) AS w (word, bits) USING (word)
""")
_LETS = sql.SQL("(get_bit({bits}, (({hash}) & {mask}::bigint) # 56) = 1)")


@dataclass(frozen=True)
class Sieve:
    """The bits of some hashes."""

    bits: bytes = field(repr=False)

    @property
    def mask(self) -> sql.Literal:
        """What of a hash is looked at."""
        return sql.Literal(8 * len(self.bits) - 1)

    def lets(self, hash_: sql.Composable) -> sql.Composable:
        """SQL for whether a hash gets through, in a query that `bring` sends."""
        return _LETS.format(bits=sql.Placeholder("sieve", format=PyFormat.BINARY), hash=hash_, mask=self.mask)

    def bring(self, conn: psycopg.Connection, query: sql.Composed, table: str) -> None:
        """Put the rows of a query that `lets` is in into a temporary table of the same session."""
        into = sql.SQL("INSERT INTO pg_temp.{} {}").format(sql.Identifier(table), query)
        conn.execute(into, {"sieve": self.bits})


def make_sieve(conn: psycopg.Connection, table: sql.Composable) -> Sieve:
    """The sieve of a table's column `hash`."""
    row = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(table)).fetchone()
    size = bits_for(row[0] if row else 0)
    query = _BITS.format(last=sql.Literal(size // 64 - 1), mask=sql.Literal(size - 1), table=table)
    row = conn.cursor(binary=True).execute(query).fetchone()
    if row is None:
        raise ValueError("an aggregate gives one row")
    return Sieve(row[0])


def bits_for(hashes: int) -> int:
    """How many bits so many hashes need: a power of two."""
    return min(max(1 << (PER_HASH * hashes).bit_length(), LEAST), MOST)


def with_parameters(query: sql.Composable, conn: psycopg.Connection) -> sql.SQL:
    """The query with each % doubled, as it must be in one that is sent with parameters."""
    written = query.as_string(conn).replace("%", "%%")
    return sql.SQL(written)


def bring(conn: psycopg.Connection, query: sql.Composed, origin: psycopg.Connection, table: str) -> None:
    """Put the rows of a query on `origin` into a temporary table of `conn`, which may be the same."""
    into = sql.SQL("pg_temp.{}").format(sql.Identifier(table))
    if origin is conn:
        conn.execute(sql.SQL("INSERT INTO {} {}").format(into, query))
        return
    copy_out, copy_in = sql.SQL("COPY ({}) TO STDOUT").format(query), sql.SQL("COPY {} FROM STDIN").format(into)
    with origin.cursor().copy(copy_out) as out, conn.cursor().copy(copy_in) as target:
        for block in out:
            target.write(block)


def send(conn: psycopg.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Put rows into a temporary table. They may hold values, and a server that logs statements logs parameters."""
    into = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier("pg_temp", table))
    with conn.cursor().copy(into) as copy:
        for row in rows:
            copy.write_row(row)
