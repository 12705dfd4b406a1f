"""SQL over the bytes of a digest. `digest` is a column reference each time, so that repeating it costs nothing.

One digest serves several strategies of a row, so each takes bytes of its own:
0 first name · 2 last name · 4 street · 6 city and region · 8 mark (8 bytes) · 16 domain · 17 number (7 bytes) ·
24 shift (4 bytes) · 28 postcode · 30 company and occupation.
"""

from __future__ import annotations

from psycopg import sql

FIRST_NAME, LAST_NAME, STREET, CITY, MARK, DOMAIN, NUMBER, SHIFT, POSTCODE, COMPANY = 0, 2, 4, 6, 8, 16, 17, 24, 28, 30
"""0-based offset of the first byte that each uses."""

MARK_BYTES = 8
NUMBER_BITS = 56


def hexadecimal(digest: sql.Composable, start: int, length: int) -> sql.Composable:
    """`length` bytes of the digest from the 0-based `start`, as hexadecimal text."""
    return sql.SQL("encode(substr({}, {}, {}), 'hex')").format(digest, sql.Literal(start + 1), sql.Literal(length))


def mark(digest: sql.Composable) -> sql.Composable:
    """16 hexadecimal digits that keep a fake unique."""
    return hexadecimal(digest, MARK, MARK_BYTES)


def number(digest: sql.Composable, at: int = NUMBER) -> sql.Composable:
    """56 bits of the digest as a bigint, never negative."""
    bytes_ = [sql.SQL("get_byte({}, {})").format(digest, sql.Literal(at + i)) for i in range(7)]
    return sql.SQL(
        "((({} << 16) | ({} << 8) | {})::bigint * 4294967296 + (({}::bigint << 24) | ({} << 16) | ({} << 8) | {}))"
    ).format(*bytes_)


def shift(digest: sql.Composable, most: int, at: int = SHIFT) -> sql.Composable:
    """An integer from -most to most, never 0."""
    bytes_ = [sql.SQL("get_byte({}, {})").format(digest, sql.Literal(at + i)) for i in range(4)]
    return sql.SQL("((1 - 2 * ({} & 1)) * (1 + (({} << 16) | ({} << 8) | {}) % {}))").format(*bytes_, sql.Literal(most))


def uuid4(digest: sql.Composable) -> sql.Composable:
    """A version 4 UUID of the first 16 bytes."""
    return sql.SQL(
        "encode(set_byte(set_byte(substr({d}, 1, 16), 6, (get_byte({d}, 6) & 15) | 64),"
        " 8, (get_byte({d}, 8) & 63) | 128), 'hex')::uuid"
    ).format(d=digest)


def documentation_address(digest: sql.Composable) -> sql.Composable:
    """An inet in 2001:db8::/32, which is for documentation, with 96 bits of the digest."""
    return sql.SQL(
        "('2001:db8:' || rtrim(regexp_replace(encode(substr({}, 1, 12), 'hex'), '(....)', E'\\\\1:', 'g'), ':'))::inet"
    ).format(digest)
