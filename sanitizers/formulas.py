"""SQL over the bytes of a digest. `digest` is a column reference each time, so that repeating it costs nothing.

One digest serves several strategies of a row, so each takes bits of its own:
0 first name · 2 last name · 4 street · 6 city and region · 8 mark (8 bytes) · 16 domain · 17 number (7 bytes) ·
24 shift (4 bytes) · 28 postcode · 30 company.
A pool has at most 4,096 values, which leaves the upper half of its first byte: those of 0, 2 and 4 are the occupation,
of 6, 28 and 30 the front of a national number. Of byte 24 a shift takes the last bit, the browser the three before it.
Numbers in official form (of persons, accounts, vehicles, cards, devices) take 7 bytes each from 9, 11, 12, 13 and 15.
Those overlap, but no digit of one shows in the other: each takes the remainder of another number by another power of
ten. Addresses of machines are drawn from 8, so that they share digits with the row's marks (and one of IPv6 with its
domain and number): random ones, which tell of nobody. Free text draws from the first 22.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

FIRST_NAME, LAST_NAME, STREET, CITY, MARK, DOMAIN, NUMBER, SHIFT, POSTCODE, COMPANY = 0, 2, 4, 6, 8, 16, 17, 24, 28, 30
"""0-based offset of the first byte that each uses."""
JOB, FRONT = (FIRST_NAME, LAST_NAME, STREET), (CITY, POSTCODE, COMPANY)
"""The bytes whose upper halves each uses."""
NATIONAL_ID, ACCOUNT, VEHICLE, CARD, DEVICE, MACHINE = 9, 11, 12, 13, 15, 8
"""The same, of those that overlap."""
TEXT_BYTES = 22

MARK_BYTES = 8
KINDS_OF_CHARACTERS = ((ord("0"), 10), (ord("A"), 26), (ord("a"), 26))
_REWRITTEN = sql.SQL("""
coalesce((SELECT string_agg(CASE {kinds} ELSE p.c END, '' ORDER BY p.i)
FROM (SELECT i, substr({text}, i, 1) AS c, ascii(substr({text}, i, 1)) AS a, get_byte({digest}, (i - 1) % 32) AS b
  FROM generate_series(1, length({text})) AS i) AS p), {text})""")
# Code points are known in UTF-8 alone; the 64 from U+0080 are control characters and signs.
_BEYOND_ASCII = sql.SQL(
    "WHEN p.a >= 192 AND (SELECT getdatabaseencoding() = 'UTF8') THEN chr(p.a - p.a % 64 + (p.a + p.b) % 64)"
)
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


def spare(digest: sql.Composable, at: tuple[int, int, int]) -> sql.Composable:
    """12 bits, as a number: the upper halves of three bytes."""
    bytes_ = [sql.SQL("get_byte({}, {}) >> 4").format(digest, sql.Literal(place)) for place in at]
    return sql.SQL("((({}) << 8) | (({}) << 4) | ({}))").format(*bytes_)


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


def documentation_address(digest: sql.Composable, at: int = MACHINE) -> sql.Composable:
    """An inet in 2001:db8::/32, which is for documentation, with 96 bits of the digest."""
    return sql.SQL("('2001:db8:' || rtrim(regexp_replace({}, '(....)', E'\\\\1:', 'g'), ':'))::inet").format(
        hexadecimal(digest, at, 12)
    )


def chosen(values: Sequence[str], digest: sql.Composable, at: int) -> sql.Composable:
    """One of a few texts by one byte of the digest; for many there are pools."""
    return sql.SQL("({}::text[])[1 + get_byte({}, {}) % {}]").format(
        sql.Literal(list(values)), digest, sql.Literal(at), sql.Literal(len(values))
    )


def digits(figure: sql.Composable, count: int) -> sql.Composable:
    """A number below 10 ** count as that many digits."""
    return sql.SQL("lpad(({})::text, {}, '0')").format(figure, sql.Literal(count))


def documentation_address_v4(digest: sql.Composable) -> sql.Composable:
    """An inet in 192.0.2.0/24, 198.51.100.0/24 or 203.0.113.0/24, which are for documentation."""
    nets = chosen(("192.0.2.", "198.51.100.", "203.0.113."), digest, MACHINE)
    host = sql.SQL("1 + get_byte({}, {}) % 254").format(digest, sql.Literal(MACHINE + 1))
    return sql.SQL("({} || ({})::text)::inet").format(nets, host)


_LUHN = sql.SQL("({zeros} || {digits} || ((10 - ({sum}) % 10) % 10)::text)")


def luhn(zeros: int, figure: sql.Composable, count: int) -> sql.Composable:
    """Zeros, the last `count` digits of a number (a reference), and the check digit that those have."""
    places = [sql.SQL("({} / {} % 10)").format(figure, sql.Literal(10**place)) for place in range(count)]
    parts = [sql.SQL("(2 * {d} + {d} / 5)").format(d=d) if n % 2 == 0 else d for n, d in enumerate(places)]
    return _LUHN.format(zeros=sql.Literal("0" * zeros), digits=digits(figure, count), sum=sql.SQL(" + ").join(parts))


def rewritten(text: sql.Composable, digest: sql.Composable, least: int, *, wide: bool = False) -> sql.Composable:
    """Every ASCII digit and letter moved on within its kind, the n-th by the n-th byte of the digest; no other.

    Args:
        text: a reference, used more than once.
        digest: 32 bytes, from the first on again for what is longer; a reference.
        least: how far a character moves at least; with 1 none stays what it is.
        wide: whether letters beyond ASCII move as well, within the 64 code points that they are among.
    """
    kinds = [_kind(first, size, least) for first, size in KINDS_OF_CHARACTERS]
    if wide:
        kinds.append(_BEYOND_ASCII)
    return _REWRITTEN.format(kinds=sql.SQL(" ").join(kinds), text=text, digest=digest)


def _kind(first: int, size: int, least: int) -> sql.Composable:
    moved = sql.SQL("p.a - {} + p.b % {}").format(sql.Literal(first - least), sql.Literal(size - least))
    return sql.SQL("WHEN p.a BETWEEN {} AND {} THEN chr({} + ({}) % {})").format(
        sql.Literal(first), sql.Literal(first + size - 1), sql.Literal(first), moved, sql.Literal(size)
    )
