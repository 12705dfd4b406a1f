"""What the hashes that were found prove: pools, public columns and common words explain some. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sanitizers.proof.looked import ColumnSearched, Hit, Looked
from sanitizers.proof.places import Place

COINCIDENCE = 10  # of a column of names or words, fewer than one in so many found in one place are no copy of it
FEW_WORDS = 2  # so many words are none in any case

Pair = tuple[int, int]
"""Numbers of a column and of a place."""


@dataclass(frozen=True)
class Columns:
    """The masked columns, with different originals of each that were searched for and that were too short."""

    places: Sequence[Place]
    searched: Mapping[int, int]
    too_short: Mapping[int, int]


@dataclass(frozen=True)
class Verdict:
    """All of one search."""

    columns: Columns
    looked: Sequence[Looked]
    hits: Mapping[Pair, Collection[int]]
    """Hashes of a column's originals in a place."""
    chance: Collection[int]
    """Those that a pool can produce."""
    labels: Collection[int]
    """Those of labels of enums."""
    shares: Mapping[int, int] = field(default_factory=dict)
    """By place, of how many hashes one is there, where there were too many."""
    named: Mapping[int, Collection[tuple[int, str]]] = field(default_factory=dict)
    """Of documents, by number: hashes of leaves, and the names of kept columns that they stand under."""

    def residue(self) -> Iterator[Hit]:
        """Where originals are, in the order of the places."""
        for number, at in sorted(self._residue, key=lambda pair: (pair[1], pair[0])):
            if found := self._residue[number, at]:
                place = self.looked[at]
                count = len(found) * self.shares.get(at, 1)
                yield Hit(place.name, str(self.columns.places[number]), count, place.road)

    def searched(self) -> Iterator[ColumnSearched]:
        """Every column."""
        for number, place in enumerate(self.columns.places):
            hits = set().union(*(found for (n, _), found in self.hits.items() if n == number))
            yield ColumnSearched(
                str(place),
                self.columns.searched.get(number, 0),
                self.columns.too_short.get(number, 0),
                len(hits.intersection(self.chance)),
                self._many(self._coincidence, number),
                self._many(self._residue, number),
                len(self._decided.get(number, ())),
            )

    @cached_property
    def _proving(self) -> Mapping[Pair, set[int]]:
        return {pair: set(found).difference(self.chance) for pair, found in self.hits.items()}

    @cached_property
    def _coincidence(self) -> Mapping[Pair, set[int]]:
        return {pair: set(self._by_coincidence(pair, found)) for pair, found in self._proving.items()}

    def _by_coincidence(self, pair: Pair, found: set[int]) -> Collection[int]:
        number, at = pair
        common = self.columns.places[number].common
        few_words = common == "word" and len(found) <= FEW_WORDS
        count = len(found) * self.shares.get(at, 1)
        if common and (few_words or count * COINCIDENCE < self.columns.searched.get(number, 0)):
            return found
        return found.intersection(self.labels) if self.looked[at].labels else ()

    @cached_property
    def _residue(self) -> Mapping[Pair, set[int]]:
        return {
            (number, at): found - self._coincidence[number, at] - self._known(number, at)
            for (number, at), found in self._proving.items()
            if not _silent(self.looked[at])
        }

    @cached_property
    def _decided(self) -> Mapping[int, set[int]]:
        """What documents repeat of kept columns: of texts, where the document calls it as the column is called."""
        found: dict[int, set[int]] = {}
        for (number, at), hashes in self.hits.items():
            place = self.looked[at]
            if not place.kept or not self.columns.places[number].is_document:
                continue
            names = self.named.get(number, ())
            same = hashes if place.called is None else {h for h in hashes if (h, place.called) in names}
            found.setdefault(number, set()).update(same)
        return found

    def _known(self, number: int, at: int) -> set[int]:
        """What a public column says anyway, of which the place may be computed; and what a document repeats."""
        place = self.looked[at]
        known = set(self._decided.get(number, ())) if place.kept or place.derived else set()
        if place.derived:
            known.update(*(f for (n, p), f in self.hits.items() if n == number and _silent(self.looked[p])))
        return known

    def _many(self, found: Mapping[Pair, set[int]], number: int) -> int:
        """Different ones of a column; at least so many, where a place has a sample alone."""
        here = {at: hashes for (n, at), hashes in found.items() if n == number}
        most = max((len(hashes) * self.shares.get(at, 1) for at, hashes in here.items()), default=0)
        return max(most, len(set().union(*here.values())))


def _silent(place: Looked) -> bool:
    """Whether no hit counts there."""
    return place.public or place.drawn
