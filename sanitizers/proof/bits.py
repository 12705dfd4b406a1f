"""A sieve in this process: bits of the hashes that came, which a server asks before it sends any of its own.

What has no bit is no original; what has one may be. Each hash has one bit, of its lower half; of many hashes each
has two, of both halves (Bloom 1970).
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
WIDEST = 1 << 25  # bits of a sieve that is made of bytes
PACKED = 1 << 20  # bytes of it that become bits at once, by numbers of so many digits
MOST_ONCE = 1 << 16  # hashes: of more each has two bits
HALVES = 1 << 32
DIFFERENT = 1 << 16  # hashes of one column that are counted one by one

_BIT = sql.SQL("get_bit(b.bits, {hash} & {mask}::bigint) = 1")
_SECOND = sql.SQL(" AND get_bit(b.bits, {hash} >> 32 & {mask}::bigint) = 1")


class Bits:
    """The sieve of so many hashes, or of somewhat more."""

    def __init__(self, hashes: int) -> None:
        self._twice = hashes > MOST_ONCE
        self._size = min(max(1 << (PER_HASH * hashes).bit_length() >> 1, LEAST), MOST)
        # A byte for each bit is set twice as fast.
        self._wide = bytearray(self._size) if self._size <= WIDEST else None
        self._bits = bytearray(self._size // 8)

    def put(self, hashes: array[int]) -> None:
        """Let these through."""
        last, halves = self._size - 1, array("I", hashes.tobytes()) if self._twice else lower(hashes)
        if self._wide is not None:
            wide = self._wide
            for half in halves:
                wide[half & last] = 1
            return
        bits, each = self._bits, tuple(1 << n for n in range(8))
        for half in halves:
            at = half & last
            bits[at >> 3] |= each[at & 7]

    def close(self) -> None:
        """No more hashes come."""
        if self._wide is not None:
            for at in range(0, self._size, PACKED):
                self._bits[at // 8 : (at + PACKED) // 8] = _packed(self._wide[at : at + PACKED])
            self._wide = None

    def __contains__(self, hash_: int) -> bool:
        last = self._size - 1
        places = (hash_ & last, hash_ >> 32 & last) if self._twice else (hash_ & last,)
        return all(self._bits[at >> 3] >> (at & 7) & 1 for at in places)

    @property
    def parameters(self) -> Mapping[str, bytes]:
        """What a query with `lets` in it is sent with."""
        return {"bits": bytes(self._bits)}

    @property
    def beside(self) -> sql.Composed:
        """What stands in FROM beside the rows: once, since each mention of a parameter would be a copy of it."""
        bits = sql.Placeholder("bits", format=PyFormat.BINARY)
        return sql.SQL("(SELECT {}::bytea AS bits OFFSET 0) AS b").format(bits)

    def lets(self, hash_: sql.Composable) -> sql.Composable:
        """SQL for whether a hash gets through."""
        whole = sql.SQL("({})").format(hash_)
        known = {"hash": whole, "mask": sql.Literal(self._size - 1)}
        return _BIT.format(**known) + _SECOND.format(**known) if self._twice else _BIT.format(**known)


def sieve_of(hashes: Iterable[int]) -> Bits:
    """The sieve of just these."""
    found = array("Q", hashes)
    bits = Bits(len(found))
    bits.put(found)
    bits.close()
    return bits


def _packed(wide: bytearray) -> bytes:
    """Bytes of 0 and 1 as bits, the lowest first."""
    number = int.from_bytes(wide, "little")
    for shift in (7, 14, 28):
        number |= number >> shift
    return number.to_bytes(len(wide), "little")[::8]


@dataclass
class Different:
    """How many different hashes there were: each counted, or of many those whose lower half is below a limit."""

    most: int = DIFFERENT
    limit: int = HALVES
    seen: set[int] = field(default_factory=set)

    @property
    def few(self) -> bool:
        """Whether each was counted."""
        return self.limit == HALVES

    def add(self, hashes: array[int]) -> None:
        """Count these."""
        limit = self.limit
        self.seen.update(hashes if self.few else [half for half in lower(hashes) if half < limit])
        while len(self.seen) > self.most:
            self.limit //= 2
            self.seen = {half for h in self.seen if (half := h % HALVES) < self.limit}

    @property
    def count(self) -> int:
        """Exact where there are few."""
        return len(self.seen) * (HALVES // self.limit)


def hashes_in(sent: bytes | None) -> array[int]:
    """Hashes of eight bytes each, as `int8send` writes them."""
    found = array("Q", sent or b"")
    if sys.byteorder == "little":
        found.byteswap()
    return found


def lower(hashes: array[int]) -> array[int]:
    """Their lower halves, which are faster to go through."""
    return array("I", hashes.tobytes())[0 if sys.byteorder == "little" else 1 :: 2]


def unsigned(hash_: int) -> int:
    """A bigint's bits."""
    return hash_ & (1 << 64) - 1
