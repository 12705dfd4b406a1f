"""Where the road `containment` takes originals from: the source as long as there is one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.proof.bits import unsigned
from sanitizers.proof.haystack import Haystack, Quoted, Texts
from sanitizers.proof.originals import Originals
from sanitizers.proof.places import Place
from sanitizers.proof.producible import Producible
from sanitizers.proof.roads.road import Site
from sanitizers.proof.samples import Samples
from sanitizers.proof.sieve import with_parameters
from sanitizers.proof.tokens import quoted_emails

ORIGINALS = 5_000
"""Rows of a large table whose originals are looked for."""
BATCH = 50_000  # values in this process's memory at once

_WHOLES = "SELECT DISTINCT whole FROM pg_temp.inside WHERE number = %s"
_CHANCE = "DELETE FROM pg_temp.inside WHERE number = %s AND whole = ANY (%s)"
_VALUES = sql.SQL("""
SELECT DISTINCT e.v, hashtextextended(e.v, {seed}) FROM ({values}) AS e WHERE hashtextextended(e.v, {seed}) = ANY (%s)
""")

Sampled = Sequence[tuple[int, Place, sql.Composable]]
"""Places of the target with their numbers, and SQL for those of their texts that are looked at."""


@dataclass(frozen=True)
class FromSource:
    """Originals of a source, taken apart when they are looked for."""

    stack: Haystack
    columns: Sequence[Place]
    source: psycopg.Connection
    samples: Samples
    site: Site

    @property
    def rows(self) -> tuple[int, int, int]:
        """Whose originals were taken apart, whose addresses are looked for, and about how many there are."""
        looked_at, rows = self.samples.looked_at, self.samples.rows
        return looked_at, rows if self._known else looked_at, rows

    def fill(self, steps: int) -> None:
        """Put the tokens into the haystack."""
        own = Texts(self.source)
        for number, column in enumerate(self.columns):
            self.site.track.say(str(column), number, steps)
            some = self.samples.of(column)
            self.stack.add_originals(number, (some, column), self.source, repeat=own.repeat(column.key))

    def quote(self, texts: Sampled) -> Collection[int]:
        """Put addresses of all rows that stand in these texts into the haystack; of which columns there were any.

        Where the search for whole values is not in this process, there are none.
        """
        originals = self._known
        if originals is None:
            return set()
        found: list[tuple[int, int, int]] = []
        for number, place, values in texts:
            query = quoted_emails(values, self.site.target, sql.Literal(self.site.seed))
            rows = self.site.target.execute(query) if place.kind != "number" else ()
            found += [(number, hash_, text) for hash_, text in rows if unsigned(hash_) in originals.bits]
        if not found:
            return set()
        real = originals.among({unsigned(hash_) for _, hash_, _ in found})
        quoted = [
            Quoted(number, place, hash_, text)
            for place, hash_, text in found
            for number, hashes in real.items()
            if unsigned(hash_) in hashes
        ]
        self.stack.add_quoted(quoted)
        return {one.number for one in quoted}

    def set_chance_aside(self, producible: Producible, quoted: Collection[int]) -> None:
        """Leave out what a pool explains; of `quoted` columns any row may have been found."""
        conn = self.stack.home.conn
        for number, column in enumerate(self.columns):
            for batch in _batches([row[0] for row in conn.execute(_WHOLES, (number,))]):
                some = column if number in quoted else self.samples.of(column)
                values = with_parameters(some.values(), self.source)
                query = _VALUES.format(seed=sql.Literal(self.site.seed), values=values)
                chance = [hash_ for v, hash_ in self.source.execute(query, (batch,)) if v in producible]
                conn.execute(_CHANCE, (number, chance))

    @property
    def _known(self) -> Originals | None:
        """What the search for whole values knows of the originals of all rows."""
        return None if isinstance(self.site.searched, str) else self.site.searched.originals


def _batches(hashes: list[int]) -> Iterator[list[int]]:
    return (hashes[at : at + BATCH] for at in range(0, len(hashes), BATCH))
