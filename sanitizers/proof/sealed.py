"""Hashes under the masking key, as they are written down: to whoever has not the key they say nothing.

A hash of the search alone can be tried with guesses, because its seed is written down beside it.
"""

from __future__ import annotations

from psycopg import sql

from sanitizers.digests import digest_of

_LABEL = "branchwarden witness"
_FIRST = sql.SQL("('x' || encode(substr({}, 1, 8), 'hex'))::bit(64)::bigint")


def sealed(content: sql.Composable, what: str = "") -> sql.Composed:
    """SQL for 64 bits of the digest of some bytes; `what` they are of decides, too. The session needs its key."""
    return _FIRST.format(digest_of(f"{_LABEL} {what}".strip(), content))


def sealed_hash(hash_: sql.Composable) -> sql.Composed:
    """The same of a hash: alike wherever it was a hash of, so that an address in a text meets that of a column."""
    return sealed(sql.SQL("int8send({})").format(hash_))
