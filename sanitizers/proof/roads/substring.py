"""Every original as it is written, anywhere inside any text: what takes hours, and is done when it is asked for.

The originals stay where they are. The texts of the target, which are masked, are read in blocks and sent to the source,
which looks for each original in each text, in a temporary table: parameters would be in the log of a server that logs
statements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import psycopg
from psycopg import sql

from sanitizers.plan import DatabasePlan
from sanitizers.proof.haystack import Texts, find_home
from sanitizers.proof.places import Place, read_columns
from sanitizers.proof.producible import Producible
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.search import public, wanted
from sanitizers.proof.sieve import send
from sanitizers.proof.verdict import COINCIDENCE, FEW_WORDS

SHORTEST = 8  # characters
NANOSECONDS = 90  # for a pair of an original and a text, measured
MOST_PAIRS = 40_000_000_000  # an hour
PAIRS_AT_ONCE = 50_000_000  # some seconds, after which the run can be stopped
MOST_TEXTS = 2_000  # in this process's memory at once

_MAKE = """
CREATE TEMP TABLE needle (id int GENERATED ALWAYS AS IDENTITY, number int, v text) ON COMMIT DROP;
CREATE TEMP TABLE hay (v text) ON COMMIT DROP
"""
# Numbers alone are another road's: within digests they agree by chance.
_NEEDLES = sql.SQL("""
INSERT INTO pg_temp.needle (number, v) SELECT DISTINCT {number}::int, e.v FROM ({values}) AS e
WHERE length(e.v) >= {shortest} AND e.v ~ '[^0-9[:punct:][:space:]]'{kept}
""")
_NOT_KEPT = sql.SQL(" AND e.v NOT IN (SELECT o.v FROM ({}) AS o)")
_TEXTS = sql.SQL("SELECT DISTINCT e.v FROM ({values}) AS e WHERE length(e.v) > {shortest}")
_COUNT = sql.SQL("SELECT count(*) FROM ({}) AS t")
_SIZES = "SELECT number, count(*) FROM pg_temp.needle GROUP BY 1"
_FOUND = """
SELECT DISTINCT n.number, n.id FROM pg_temp.hay t
JOIN pg_temp.needle n ON length(n.v) < length(t.v) AND strpos(t.v, n.v) > 0
"""
_VALUES = "SELECT id, v FROM pg_temp.needle WHERE id = ANY (%s)"


@dataclass(frozen=True)
class _Hay:
    """A place, and how many different texts it has."""

    place: Place
    texts: int


@dataclass(frozen=True)
class _Work:
    """What there is to do: where to look as far as the limit allows, and how many originals each column has."""

    hays: tuple[_Hay, ...]
    left_out: tuple[str, ...]
    sizes: dict[int, int]

    @property
    def needles(self) -> int:
        """Originals."""
        return sum(self.sizes.values())

    @property
    def pairs(self) -> int:
        """An original and a text each."""
        return self.needles * sum(hay.texts for hay in self.hays)

    def __str__(self) -> str:
        minutes = self.pairs * NANOSECONDS / 60e9
        return (
            f"{self.needles:,} originals in {self.pairs // max(self.needles, 1):,} texts, about {minutes:,.0f} minutes"
        )


Hits = dict[tuple[str, int], set[int]]
"""By place and number of a column, the originals."""


class Substring(Road):
    """Every original of eight characters or more, in every text; letter by letter."""

    name: ClassVar[str] = "substring"
    title: ClassVar[str] = "Originals anywhere inside texts"
    question: ClassVar[str] = "Does any text hold an original, whatever stands around it?"
    full_only: ClassVar[bool] = True

    def __init__(self, most_pairs: int = MOST_PAIRS) -> None:
        self._most_pairs = most_pairs

    def look(self, site: Site) -> Found:
        """Say how long it takes, and look: short columns first, as many as the limit allows."""
        if site.source is None or site.plan is None:
            return self.unknown(site, ["originals anywhere inside texts: there is no source to take them from"])
        if find_home(site.source, site.target).in_target:
            return self.unknown(site, ["originals anywhere inside texts: the source allows no temporary table"])
        found = wanted(site.plan, site.source)
        _take(found.places, site.source)
        work = self._work(site, site.source)
        hits: Hits = defaultdict(set)
        for number, hay in enumerate(work.hays):
            site.track.say(f"{hay.place}: {work}", number, len(work.hays))
            _search(hay.place, site, site.source, (hits, max(1, PAIRS_AT_ONCE // max(work.needles, 1))))
        _set_aside(hits, site.plan, site.source, work)
        return self._answer(site, found.places, (work, hits, (*work.left_out, *found.problems)))

    def _work(self, site: Site, source: psycopg.Connection) -> _Work:
        sizes: dict[int, int] = dict(source.execute(_SIZES).fetchall())
        texts, left, hays, left_out = Texts(site.target), self._most_pairs, [], []
        places = [p for p in read_columns(site.target) if p.key in texts and p.kind != "number"]
        for hay in sorted((_Hay(p, _count(p, site.target)) for p in places), key=lambda hay: hay.texts):
            left -= hay.texts * sum(sizes.values())
            if left >= 0:
                hays.append(hay)
            else:
                left_out.append(f"originals anywhere inside the {hay.texts:,} texts of {site.database}.{hay.place}")
        return _Work(tuple(hays), tuple(left_out), sizes)

    def _answer(self, site: Site, columns: Sequence[Place], seen: tuple[_Work, Hits, tuple[str, ...]]) -> Found:
        work, hits, unseen = seen
        real = {
            key: ids for key, ids in hits.items() if ids and not _words(columns[key[1]], len(ids), work.sizes[key[1]])
        }
        numbers = {
            "originals": work.needles,
            "places": len(work.hays),
            "pairs": work.pairs,
            "found": sum(map(len, real.values())),
            "by-coincidence": sum(map(len, hits.values())) - sum(map(len, real.values())),
        }
        problems = [
            f"texts of {site.database}.{place} contain {len(ids)} original value{'s' * (len(ids) > 1)} of"
            f" {site.database}.{columns[number]}"
            for (place, number), ids in sorted(real.items())
        ]
        if unseen and not problems:
            return self.unknown(site, unseen, numbers)
        sentence = (
            f"{work.needles:,} originals were looked for letter by letter in the texts of {len(work.hays):,} columns."
        )
        return replace(self.found(site, numbers, sentence, problems), unseen=unseen)


def _take(columns: Sequence[Place], source: psycopg.Connection) -> None:
    source.execute(_MAKE)
    for number, column in enumerate(columns):
        kept = column.kept_values()
        source.execute(
            _NEEDLES.format(
                number=sql.Literal(number),
                values=column.values(),
                shortest=sql.Literal(SHORTEST),
                kept=_NOT_KEPT.format(kept) if kept is not None else sql.SQL(""),
            )
        )


def _texts(place: Place) -> sql.Composed:
    return _TEXTS.format(values=place.values(keys=True), shortest=sql.Literal(SHORTEST))


def _count(place: Place, target: psycopg.Connection) -> int:
    row = target.execute(_COUNT.format(_texts(place))).fetchone()
    return int(row[0]) if row else 0


def _search(place: Place, site: Site, source: psycopg.Connection, into: tuple[Hits, int]) -> None:
    hits, at_once = into
    for texts in _blocks(place, site.target, min(at_once, MOST_TEXTS)):
        site.track.say(str(place))
        source.execute("TRUNCATE pg_temp.hay")
        send(source, "hay", ((text,) for text in texts))
        for number, id_ in source.execute(_FOUND):
            hits[str(place), number].add(id_)


def _blocks(place: Place, target: psycopg.Connection, size: int) -> Iterator[list[str]]:
    with target.cursor(name="texts") as cursor:
        cursor.execute(_texts(place))
        while batch := cursor.fetchmany(size):
            yield [v for (v,) in batch]


def _set_aside(hits: Hits, plan: DatabasePlan, source: psycopg.Connection, work: _Work) -> None:
    """Take away what a pool can produce, and what a public column explains."""
    producible = Producible(plan)
    ids = sorted(set().union(*hits.values()))
    chance = {
        id_
        for at in range(0, len(ids), MOST_TEXTS)
        for id_, v in source.execute(_VALUES, (ids[at : at + MOST_TEXTS],))
        if v in producible
    }
    known = _known(hits, public(plan))
    derived = {str(hay.place) for hay in work.hays if hay.place.derived}
    for (place, number), found in hits.items():
        found.difference_update(chance, known[number] if place in derived else ())
    for key in [key for key in hits if key[0] in public(plan)]:
        del hits[key]


def _known(hits: Hits, secret: Collection[str]) -> defaultdict[int, set[int]]:
    """By number of a column, what public columns say anyway."""
    known: defaultdict[int, set[int]] = defaultdict(set)
    for (place, number), found in hits.items():
        if place in secret:
            known[number] |= found
    return known


def _words(column: Place, found: int, of: int) -> bool:
    """Whether these are common words, too few to be a copy of the column."""
    few_words = column.common == "word" and found <= FEW_WORDS
    return bool(column.common) and (few_words or found * COINCIDENCE < of)
