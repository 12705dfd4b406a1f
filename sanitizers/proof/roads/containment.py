"""Originals inside longer texts: an address in a kept note, a name in a letter, a row in an audit table.

Tokens of the originals become a sieve; the texts of the target are taken apart where they are, and what gets through
the sieve is joined with the tokens, on 64-bit hashes with a seed of this proof alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import psycopg
from psycopg import sql

from sanitizers.engines.crew import Crew
from sanitizers.plan import DatabasePlan
from sanitizers.proof.haystack import ONCE, Haystack, Home, Texts, find_home
from sanitizers.proof.octets import opaque
from sanitizers.proof.places import Place, read_columns
from sanitizers.proof.producible import Producible
from sanitizers.proof.roads.answers import other_encoding
from sanitizers.proof.roads.recalled import FromJournal
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.roads.taken import ORIGINALS, FromSource
from sanitizers.proof.samples import Samples
from sanitizers.proof.sealed import sealed_hash
from sanitizers.proof.search import public, wanted
from sanitizers.proof.tokens import EMAIL, PAIR, TAIL, TAIL_DIGITS, TRIPLE
from sanitizers.proof.verdict import COINCIDENCE, FEW_WORDS

TEXTS = 10_000
"""Rows of a large table whose texts are looked at."""
SIGMAS = 6  # chance gives so many more than expected once in a thousand million times

# Of one text, the originals of which enough stands in it. A text that is the original itself is another road's.
_HITS = sql.SQL("""
CREATE TEMP TABLE inside ON COMMIT DROP AS
SELECT o.number, f.place, o.whole, o.kind
FROM pg_temp.token o JOIN pg_temp.among f ON f.hash = o.hash
WHERE f.text <> o.whole
GROUP BY o.number, f.place, f.text, o.whole, o.kind, o.need HAVING count(DISTINCT o.hash) >= o.need
""")
_COUNTS = """
SELECT h.number, h.place, h.kind, count(DISTINCT h.whole),
  (SELECT count(DISTINCT o.hash) FROM pg_temp.token o WHERE (o.number, o.kind) = (h.number, h.kind)),
  (SELECT sum(f.times) FROM pg_temp.among f WHERE (f.place, f.kind) = (h.place, h.kind))
FROM pg_temp.inside h GROUP BY 1, 2, 3 ORDER BY 2, 1, 3
"""
_EXPLAINED = """
DELETE FROM pg_temp.inside h WHERE h.place = ANY (%s) AND EXISTS (
  SELECT FROM pg_temp.inside q WHERE q.place = ANY (%s) AND (q.number, q.whole) = (h.number, h.whole))
"""
_PUBLIC = "DELETE FROM pg_temp.inside WHERE place = ANY (%s)"
_ORIGINALS = "SELECT number, count(DISTINCT whole) FROM pg_temp.token GROUP BY 1"
_TOKENS = "SELECT count(DISTINCT hash) FROM pg_temp.token"


@dataclass(frozen=True)
class _Seen:
    """What one look has to do with."""

    plan: DatabasePlan
    columns: tuple[Place, ...]
    places: tuple[Place, ...]
    repeat: Texts
    stack: Haystack
    samples: Samples
    """Of the rows of the texts."""
    originals: FromSource | FromJournal

    def texts(self, place: Place) -> sql.Composable:
        """SQL for those that are looked at."""
        values: sql.Composable = self.samples.of(place).values(keys=True)
        return ONCE.format(values=values) if self.repeat.repeat(place.key) else values

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
        """Take the tokens of the originals, look for them in every text of the target, and leave out what is chance."""
        before = site.source or (site.target if site.remembered else None)
        if before is None or site.plan is None:
            return self.unknown(site, ["originals inside longer texts: there is no source to take them from"])
        found = wanted(site.plan, before)
        texts = Texts(site.target)
        places = tuple(place for place in read_columns(site.target) if place.key in texts)
        originals = _originals(site, found.places)
        there = Samples(site.target, site.seed, full=site.full, rows=TEXTS)
        seen = _Seen(site.plan, found.places, places, texts, originals.stack, there, originals)
        _search(seen, site)
        quoted = originals.quote(
            [(n, place, seen.samples.of(place).values(keys=True)) for n, place in enumerate(places)]
        )
        remembered = site.remembered.problems if site.remembered else ()
        unread = dict.fromkeys((*found.problems, *remembered, *other_encoding(site)))
        return self._answer(site, seen, _counted(seen, quoted), tuple(unread))

    def _answer(self, site: Site, seen: _Seen, counts: Sequence[_Count], unread: tuple[str, ...]) -> Found:
        conn = seen.stack.home.conn
        sizes: dict[int, int] = dict(conn.execute(_ORIGINALS).fetchall())
        row = conn.execute(_TOKENS).fetchone()
        judged = [(c, _coincidence(seen.columns[c.number], c, sizes)) for c in counts]
        real = [c for c, words in judged if not (words or c.by_chance)]
        best: dict[tuple[int, int], int] = {}
        for c in real:
            best[c.place, c.number] = max(best.get((c.place, c.number), 0), c.found)
        taken_apart, addresses, rows = seen.originals.rows
        numbers = {
            "rows": seen.samples.rows,
            "rows-looked-at": seen.samples.looked_at,
            "rows-of-originals": rows,
            "rows-of-originals-looked-at": taken_apart,
            "rows-of-addresses-looked-at": addresses,
            "tokens": row[0] if row else 0,
            "originals": sum(sizes.values()),
            "places": len(seen.places),
            "octets": _octets(seen, site.target),
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
    octets = f" {numbers['octets']:,} values of octets are no text: of them what is ASCII." if numbers["octets"] else ""
    return f"{looked}; {numbers['found']:,} original values stand in one.{octets}"


def _octets(seen: _Seen, target: psycopg.Connection) -> int:
    """Values that are no text, of which there is no more to see than what is ASCII in them."""
    places = (seen.samples.of(place) for place in seen.places if place.kind == "octets")
    counted = (target.execute(opaque(place.relation, place.column)).fetchone() for place in places)
    return sum(row[0] for row in counted if row)


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


def _originals(site: Site, columns: Sequence[Place]) -> FromSource | FromJournal:
    """Those of the source, or what is remembered of them."""
    if site.source is not None:
        stack = Haystack(find_home(site.source, site.target), site.seed)
        samples = Samples(site.source, site.seed, full=site.full, rows=ORIGINALS)
        return FromSource(stack, columns, site.source, samples, site)
    if site.remembered is None:
        raise ValueError("without a source or a memory nobody knows what the originals are")
    return FromJournal(Haystack(Home(site.target, in_target=True), site.seed, sealed_hash), site, site.remembered)


def _search(seen: _Seen, site: Site) -> None:
    """Tokens into the home, then what of the target gets through their sieve."""
    steps = len(seen.columns) + len(seen.places)
    seen.originals.fill(steps)
    kinds = seen.stack.close()
    jobs = [(number, place, seen.texts(place)) for number, place in enumerate(seen.places)]

    def look(conn: psycopg.Connection, job: tuple[int, Place, sql.Composable]) -> None:
        number, place, texts = job
        site.track.say(str(place), len(seen.columns) + number, steps)
        with conn.transaction():
            seen.stack.add_texts(number, texts, conn, kinds & {"number"} if place.kind == "number" else kinds)

    hands = (site.target,) if seen.stack.home.in_target or not site.beside else site.beside
    Crew(hands, lambda: hands).work(jobs, look)


def _counted(seen: _Seen, quoted: Collection[int]) -> list[_Count]:
    """Join, and take away what a pool or a public column explains; of `quoted` columns any row may be found."""
    conn, secret = seen.stack.home.conn, public(seen.plan)
    conn.execute(_HITS)
    seen.originals.set_chance_aside(Producible(seen.plan), quoted)
    known = seen.which(secret, derived=False)
    conn.execute(_EXPLAINED, (seen.which(secret, derived=True), known))
    conn.execute(_PUBLIC, (known,))
    return [_Count(*map(int, row)) for row in conn.execute(_COUNTS)]
