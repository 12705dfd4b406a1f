"""Roads that answer from the search for whole values: one search, and what it found on each of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from sanitizers.proof.looked import Hit, Searched
from sanitizers.proof.roads.answers import Answer, many, other_encoding
from sanitizers.proof.roads.road import Found, Road, Site

MOST_NAMED = 5
"""Columns of originals that are named for one place."""


class SearchedRoad(Road):
    """One kind of place that originals were searched for in."""

    place: ClassVar[str]
    """What one place is called: `column`."""
    places: ClassVar[str] = ""
    """Several of them, where that is not `place` with an s."""

    def look(self, site: Site) -> Found:
        """What the search says; without one it is UNKNOWN, but for where there is nothing to look at."""
        if isinstance(site.searched, str):
            return self._not_searched(site, site.searched)
        problems = tuple(by_place(site.database, [hit for hit in site.searched.hits if hit.road == self.name]))
        places = site.searched.places.get(self.name, 0)
        numbers = {"places": places, "found": self._found(site.searched), **self.more(site.searched)}
        looked = many(places, self.place, self.places)
        sentence = f"{looked} looked at; {many(numbers['found'], 'original value')} found."
        unseen = (*self.unseen(site), *(other_encoding(site) if places else ()))
        return Answer(numbers, sentence, (*problems, *self.unread(site.searched)), unseen).of(self, site)

    def _found(self, searched: Searched) -> int:
        return sum(hit.count for hit in searched.hits if hit.road == self.name)

    def _not_searched(self, site: Site, why: str) -> Found:
        places = self.count(site)
        unseen = self.unseen(site)
        if places == 0 and unseen:
            return self.unknown(site, unseen)
        if places == 0:
            return self.found(site, {"places": 0, "found": 0}, f"There is no {self.place} to look at.")
        missing = "source to take them from" if site.source is None else "masking policy that says which they are"
        return self.unknown(site, [f"original values: {why or f'there is no {missing}'}", *unseen])

    @abstractmethod
    def count(self, site: Site) -> int:
        """How many places there are."""

    def more(self, searched: Searched) -> Mapping[str, int]:  # noqa: ARG002  # for those that have more to count
        """Other numbers of this road."""
        return {}

    def unread(self, searched: Searched) -> tuple[str, ...]:  # noqa: ARG002  # same
        """A sentence for what could not be searched for, and must have been."""
        return ()

    def unseen(self, site: Site) -> tuple[str, ...]:  # noqa: ARG002  # same
        """Where nobody may look, half a sentence each."""
        return ()


def by_place(database: str, hits: Iterable[Hit]) -> Iterator[str]:
    """A sentence for each place: one value may be an original of many columns, those with the most are named."""
    places: dict[str, list[Hit]] = {}
    for hit in hits:
        places.setdefault(hit.place, []).append(hit)
    for place, found in places.items():
        first, *others = sorted(found, key=lambda hit: -hit.count)[:MOST_NAMED]
        named = [f"{many(first.count, 'original value')} of {database}.{first.column}"]
        named += [f"{hit.count:,} of {database}.{hit.column}" for hit in others]
        left = len(found) - len(named)
        yield f"{place} holds {', '.join(named)}" + (f" and some of {many(left, 'more column')}" if left else "")


def count_rows(site: Site, query: str) -> int:
    """The number that a query of ours gives for the target."""
    row = site.target.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
