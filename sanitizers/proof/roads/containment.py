"""Originals inside longer texts: an address in a kept note, a name in a letter, a row in an audit table.

Tokens of the originals become a sieve; the texts of the target are taken apart where they are, and what gets through
the sieve is joined with the tokens, on 64-bit hashes with a seed of this proof alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import psycopg
from psycopg import sql

from sanitizers.engines.crew import Crew
from sanitizers.plan import DatabasePlan
from sanitizers.proof.bits import unsigned
from sanitizers.proof.haystack import ONCE, Haystack, Quoted, Texts
from sanitizers.proof.originals import Originals
from sanitizers.proof.places import Place, read_columns
from sanitizers.proof.producible import Producible
from sanitizers.proof.residue import find_home
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.samples import Samples
from sanitizers.proof.search import public, wanted
from sanitizers.proof.sieve import with_parameters
from sanitizers.proof.tokens import EMAIL, PAIR, TAIL, TAIL_DIGITS, TRIPLE, quoted_emails
from sanitizers.proof.verdict import COINCIDENCE, FEW_WORDS

TEXTS, ORIGINALS = 10_000, 5_000
"""Rows of a large table whose texts are looked at, and rows of one whose originals are looked for."""
SIGMAS = 6  # chance gives so many more than expected once in a thousand million times

# Of one text, the originals of which enough stands in it. A text that is the original itself is another road's.
_HITS = sql.SQL("""
CREATE TEMP TABLE hit ON COMMIT DROP AS
SELECT o.number, f.place, o.whole, o.kind
FROM pg_temp.token o JOIN pg_temp.among f ON f.hash = o.hash
WHERE f.text <> o.whole
GROUP BY o.number, f.place, f.text, o.whole, o.kind, o.need HAVING count(DISTINCT o.hash) >= o.need
""")
_COUNTS = """
SELECT h.number, h.place, h.kind, count(DISTINCT h.whole),
  (SELECT count(DISTINCT o.hash) FROM pg_temp.token o WHERE (o.number, o.kind) = (h.number, h.kind)),
  (SELECT sum(f.times) FROM pg_temp.among f WHERE (f.place, f.kind) = (h.place, h.kind))
FROM pg_temp.hit h GROUP BY 1, 2, 3 ORDER BY 2, 1, 3
"""
_WHOLES = "SELECT DISTINCT whole FROM pg_temp.hit WHERE number = %s"
_CHANCE = "DELETE FROM pg_temp.hit WHERE number = %s AND whole = ANY (%s)"
_EXPLAINED = """
DELETE FROM pg_temp.hit h WHERE h.place = ANY (%s) AND EXISTS (
  SELECT FROM pg_temp.hit q WHERE q.place = ANY (%s) AND (q.number, q.whole) = (h.number, h.whole))
"""
_PUBLIC = "DELETE FROM pg_temp.hit WHERE place = ANY (%s)"
_ORIGINALS = "SELECT number, count(DISTINCT whole) FROM pg_temp.token GROUP BY 1"
_TOKENS = "SELECT count(DISTINCT hash) FROM pg_temp.token"
_VALUES = sql.SQL("""
SELECT DISTINCT e.v, hashtextextended(e.v, {seed}) FROM ({values}) AS e WHERE hashtextextended(e.v, {seed}) = ANY (%s)
""")
BATCH = 50_000  # values in this process's memory at once


@dataclass(frozen=True)
class _Seen:
    """What one look has to do with."""

    plan: DatabasePlan
    columns: tuple[Place, ...]
    places: tuple[Place, ...]
    texts: Texts
    stack: Haystack
    samples: tuple[Samples, Samples]
    """Of the originals' rows, and of those of the texts."""

    def which(self, public_: Collection[str], *, derived: bool) -> list[int]:
        """Numbers of the places that are derived, or public."""
        return [n for n, p in enumerate(self.places) if (p.derived if derived else str(p) in public_)]


@dataclass(frozen=True)
class _Count:
    """Originals of a column in a place, by one kind of token."""

    number: int
    place: int
    kind: int
    found: int
    of: int
    """Different tokens of this kind that the column's originals have."""
    among: int
    """Tokens of this kind in the place."""

    @property
    def by_chance(self) -> bool:
        """Whether numbers of so many digits, drawn at random, would agree as often."""
        if self.kind in {EMAIL, PAIR, TRIPLE}:
            return False
        expected = self.of * self.among / 10 ** (TAIL_DIGITS if self.kind == TAIL else self.kind)
        return bool(self.found <= expected + SIGMAS * math.sqrt(expected))


class Containment(Road):
    """E-mail addresses, numbers and runs of words of the originals within the texts of the target."""

    name: ClassVar[str] = "containment"
    title: ClassVar[str] = "Originals inside longer texts"
    question: ClassVar[str] = (
        "Does a note, a letter, a log or a document still quote somebody's address, number or name?"
    )

    def look(self, site: Site) -> Found:
        """Take the tokens of the source, look for them in every text of the target, and leave out what is chance."""
        if site.source is None or site.plan is None:
            return self.unknown(site, ["originals inside longer texts: there is no source to take them from"])
        found = wanted(site.plan, site.source)
        texts = Texts(site.target)
        places = tuple(place for place in read_columns(site.target) if place.key in texts)
        stack = Haystack(find_home(site.source, site.target), site.seed)
        here = Samples(site.source, site.seed, full=site.full, rows=ORIGINALS)
        there = Samples(site.target, site.seed, full=site.full, rows=TEXTS)
        seen = _Seen(site.plan, found.places, places, texts, stack, (here, there))
        _search(seen, site, site.source)
        quoted = _quoted(seen, site)
        counts = _counted(seen, site.source, site.seed, {one.number for one in quoted})
        return self._answer(site, seen, counts, found.problems)

    def _answer(self, site: Site, seen: _Seen, counts: Sequence[_Count], unread: tuple[str, ...]) -> Found:
        conn = seen.stack.home.conn
        sizes: dict[int, int] = dict(conn.execute(_ORIGINALS).fetchall())
        row = conn.execute(_TOKENS).fetchone()
        judged = [(c, _coincidence(seen.columns[c.number], c, sizes)) for c in counts]
        real = [c for c, words in judged if not (words or c.by_chance)]
        best: dict[tuple[int, int], int] = {}
        for c in real:
            best[c.place, c.number] = max(best.get((c.place, c.number), 0), c.found)
        sources, targets = seen.samples
        numbers = {
            "rows": targets.rows,
            "rows-looked-at": targets.looked_at,
            "rows-of-originals": sources.rows,
            "rows-of-originals-looked-at": sources.looked_at,
            "rows-of-addresses-looked-at": sources.rows if _known(site) else sources.looked_at,
            "tokens": row[0] if row else 0,
            "originals": sum(sizes.values()),
            "places": len(seen.places),
            "found": sum(best.values()),
            "by-chance": sum(c.found for c in counts if c.by_chance),
            "by-coincidence": sum(c.found for c, words in judged if words),
        }
        problems = tuple(_problem(seen, place, number, n) for (place, number), n in sorted(best.items()))
        sentence = _sentence(numbers)
        if unread and not problems:
            return self.unknown(site, unread, numbers)
        sampled = bool(_part(numbers))
        return replace(self.found(site, numbers, sentence, problems, sampled=sampled), unseen=unread)


def _sentence(numbers: dict[str, int]) -> str:
    searched = f"{numbers['tokens']:,} addresses, numbers and runs of words of {numbers['originals']:,} original values"
    looked = f"{searched} were looked for within the texts of {numbers['places']:,} columns{_part(numbers)}"
    return f"{looked}; {numbers['found']:,} original values stand in one."


def _part(numbers: dict[str, int]) -> str:
    """What was not looked at, where only some rows were."""
    if (numbers["rows"], numbers["rows-of-originals"]) == (
        numbers["rows-looked-at"],
        numbers["rows-of-originals-looked-at"],
    ):
        return ""
    return (
        f", of large tables in rows drawn at random: originals of {numbers['rows-of-originals-looked-at']:,} of about"
        f" {numbers['rows-of-originals']:,} rows, e-mail addresses of {numbers['rows-of-addresses-looked-at']:,}, texts"
        f" of {numbers['rows-looked-at']:,} of about {numbers['rows']:,}"
    )


def _problem(seen: _Seen, place: int, number: int, count: int) -> str:
    values = "original value" if count == 1 else "original values"
    where, whose = (f"{seen.plan.database}.{p}" for p in (seen.places[place], seen.columns[number]))
    return f"texts of {where} contain {count} {values} of {whose}"


def _coincidence(column: Place, count: _Count, sizes: dict[int, int]) -> bool:
    """Whether these are common words, too few to be a copy of the column; as for whole values."""
    if not column.common or count.kind not in {PAIR, TRIPLE}:
        return False
    few_words = column.common == "word" and count.found <= FEW_WORDS
    return few_words or count.found * COINCIDENCE < sizes.get(count.number, 0)


def _search(seen: _Seen, site: Site, source: psycopg.Connection) -> None:
    """Tokens into the home, then what of the target gets through their sieve."""
    own, steps = Texts(source), len(seen.columns) + len(seen.places)
    for number, column in enumerate(seen.columns):
        site.track.say(str(column), number, steps)
        some = seen.samples[0].of(column)
        seen.stack.add_originals(number, (some, column), source, repeat=own.repeat(column.key))
    kinds = seen.stack.close()
    jobs = [(number, place, _texts(seen, place)) for number, place in enumerate(seen.places)]

    def look(conn: psycopg.Connection, job: tuple[int, Place, sql.Composable]) -> None:
        number, place, texts = job
        site.track.say(str(place), len(seen.columns) + number, steps)
        with conn.transaction():
            seen.stack.add_texts(number, texts, conn, kinds & {"number"} if place.kind == "number" else kinds)

    hands = (site.target,) if seen.stack.home.in_target or not site.beside else site.beside
    Crew(hands, lambda: hands).work(jobs, look)


def _texts(seen: _Seen, place: Place) -> sql.Composable:
    values: sql.Composable = seen.samples[1].of(place).values(keys=True)
    return ONCE.format(values=values) if seen.texts.repeat(place.key) else values


def _known(site: Site) -> Originals | None:
    """What the search for whole values knows of the originals of all rows."""
    return None if isinstance(site.searched, str) else site.searched.originals


def _quoted(seen: _Seen, site: Site) -> list[Quoted]:
    """Addresses of all rows of the source, by their hashes, in texts where that road has been."""
    originals = _known(site)
    if originals is None:
        return []
    found: list[tuple[int, int, int]] = []
    for number, place in enumerate(seen.places):
        query = quoted_emails(seen.samples[1].of(place).values(keys=True), site.target, sql.Literal(site.seed))
        rows = site.target.execute(query) if place.kind != "number" else ()
        found += [(number, hash_, text) for hash_, text in rows if unsigned(hash_) in originals.bits]
    if not found:
        return []
    real = originals.among({unsigned(hash_) for _, hash_, _ in found})
    quoted = [
        Quoted(number, place, hash_, text)
        for place, hash_, text in found
        for number, hashes in real.items()
        if unsigned(hash_) in hashes
    ]
    seen.stack.add_quoted(quoted)
    return quoted


def _counted(seen: _Seen, source: psycopg.Connection, seed: int, quoted: Collection[int]) -> list[_Count]:
    """Join, and take away what a pool or a public column explains; of `quoted` columns any row may be found."""
    conn, secret = seen.stack.home.conn, public(seen.plan)
    conn.execute(_HITS)
    producible = Producible(seen.plan)
    for number, column in enumerate(seen.columns):
        for batch in _batches([row[0] for row in conn.execute(_WHOLES, (number,))]):
            some = column if number in quoted else seen.samples[0].of(column)
            values = with_parameters(some.values(), source)
            query = _VALUES.format(seed=sql.Literal(seed), values=values)
            chance = [hash_ for v, hash_ in source.execute(query, (batch,)) if v in producible]
            conn.execute(_CHANCE, (number, chance))
    known = seen.which(secret, derived=False)
    conn.execute(_EXPLAINED, (seen.which(secret, derived=True), known))
    conn.execute(_PUBLIC, (known,))
    return [_Count(*map(int, row)) for row in conn.execute(_COUNTS)]


def _batches(hashes: list[int]) -> Iterator[list[int]]:
    return (hashes[at : at + BATCH] for at in range(0, len(hashes), BATCH))
