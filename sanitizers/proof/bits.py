"""A sieve in this process: bits of the hashes that came, which a server asks before it sends any of its own.

What has no bit is no original; what has one may be. Each hash has two bits, of its two halves (Bloom 1970).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from psycopg import sql
from psycopg.adapt import PyFormat

LEAST, MOST = 1 << 12, 1 << 28  # bits: half a kilobyte to 32 MB
PER_HASH = 16
DIFFERENT = 1 << 17  # hashes of one column that are counted one by one

_BITS = tuple(1 << n for n in range(8))
_LETS = sql.SQL("get_bit(b.bits, {hash} & {mask}::bigint) = 1 AND get_bit(b.bits, {hash} >> 32 & {mask}::bigint) = 1")


class Bits:
    """The sieve of so many hashes, or of somewhat more."""

    def __init__(self, hashes: int) -> None:
        size = min(max(1 << (PER_HASH * hashes).bit_length() >> 1, LEAST), MOST)
        self._bytes = bytearray(size // 8)

    def put(self, hashes: array[int]) -> None:
        """Let these through."""
        found, last = self._bytes, 8 * len(self._bytes) - 1
        halves = array("I", hashes.tobytes())
        for half in halves:  # on any machine, one after the other
            at = half & last
            found[at >> 3] |= _BITS[at & 7]

    def __contains__(self, hash_: int) -> bool:
        last = 8 * len(self._bytes) - 1
        return all(self._bytes[at >> 3] >> (at & 7) & 1 for at in (hash_ & last, hash_ >> 32 & last))

    @property
    def parameters(self) -> Mapping[str, bytes]:
        """What a query with `lets` in it is sent with."""
        return {"bits": bytes(self._bytes)}

    @property
    def beside(self) -> sql.Composed:
        """What stands in FROM beside the rows: once, since each mention of a parameter would be a copy of it."""
        bits = sql.Placeholder("bits", format=PyFormat.BINARY)
        return sql.SQL("(SELECT {}::bytea AS bits OFFSET 0) AS b").format(bits)

    def lets(self, hash_: sql.Composable) -> sql.Composable:
        """SQL for whether a hash gets through."""
        whole = sql.SQL("({})").format(hash_)
        return _LETS.format(hash=whole, mask=sql.Literal(8 * len(self._bytes) - 1))


def sieve_of(hashes: Iterable[int]) -> Bits:
    """The sieve of just these."""
    found = array("Q", hashes)
    bits = Bits(len(found))
    bits.put(found)
    return bits


@dataclass
class Different:
    """How many different hashes there were: each counted, or of many those that end in so many zeros."""

    seen: set[int] = field(default_factory=set)
    mask: int = 0

    def add(self, hashes: Iterable[int]) -> None:
        """Count these."""
        self.seen.update([h for h in hashes if not h & self.mask] if self.mask else hashes)
        while len(self.seen) > DIFFERENT:
            self.mask = self.mask << 1 | 1
            self.seen = {h for h in self.seen if not h & self.mask}

    @property
    def count(self) -> int:
        """Exact while there are few."""
        return len(self.seen) * (self.mask + 1)


def hashes_in(sent: bytes | None) -> array[int]:
    """Hashes of eight bytes each, as `int8send` writes them."""
    found = array("Q", sent or b"")
    if sys.byteorder == "little":
        found.byteswap()
    return found


def unsigned(hash_: int) -> int:
    """A bigint's bits."""
    return hash_ & (1 << 64) - 1
