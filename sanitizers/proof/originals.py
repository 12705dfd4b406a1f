"""What this process knows of the originals: hashes with a seed of the proof, no value."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field

from sanitizers.proof.bits import Bits, Different

MOST_KEPT = 4_000_000
"""Hashes that are kept in this process: 32 MB."""


@dataclass
class Originals:
    """What is known of the originals: how many there are, and their hashes while those are few."""

    bits: Bits
    dates: bool = False
    """Whether some look like a date."""
    kept: list[tuple[int, array[int]]] | None = field(default_factory=list)
    many: int = 0
    searched: defaultdict[int, Different] = field(default_factory=lambda: defaultdict(Different))
    too_short: defaultdict[int, Different] = field(default_factory=lambda: defaultdict(Different))

    def add(self, number: int, hashes: array[int]) -> None:
        """Hashes of a column."""
        counted = self.searched[number]
        if counted.few:  # most of them will have been seen
            hashes = array("Q", set(hashes).difference(counted.seen))
        counted.add(hashes)
        self.bits.put(hashes)
        self.many += len(hashes)
        if self.kept is not None:
            self.kept.append((number, hashes))
        if self.many > MOST_KEPT:
            self.kept = None

    def among(self, hashes: set[int]) -> dict[int, set[int]]:
        """Those of the hashes that are originals', by column; only while theirs are kept."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        for number, some in self.kept or ():
            found[number] |= hashes.intersection(some)
        return found
