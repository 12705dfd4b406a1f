"""What a run in place remembers of its originals for the road `containment`, and how the road takes it from there.

Before the first row is masked, rows of each table are taken apart as the road does it, and their tokens are written
into the journal, sealed. The texts of afterwards are taken apart and sealed likewise. Addresses of all rows need no
tokens: each is an original as a whole, and those are all in the journal anyway.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.plan import DatabasePlan
from sanitizers.proof.haystack import Haystack, Home, Quoted, Texts
from sanitizers.proof.memory import Facts
from sanitizers.proof.places import Place
from sanitizers.proof.producible import Producible
from sanitizers.proof.roads.road import Site
from sanitizers.proof.roads.taken import ORIGINALS, Sampled
from sanitizers.proof.samples import Samples
from sanitizers.proof.sealed import sealed_hash
from sanitizers.proof.sieve import with_parameters
from sanitizers.proof.tokens import emails
from sanitizers.track import Track

BATCH = 10_000  # values in this process's memory at once
LONGEST_NAME = 128
"""Characters: of pools a first and a last name."""

_CHANCE = "CREATE TEMP TABLE chance_token (number int, whole bigint) ON COMMIT DROP"
_SHORT = sql.SQL("""
SELECT DISTINCT e.v, w.whole FROM ({values}) AS e
JOIN (SELECT DISTINCT whole FROM pg_temp.token WHERE number = {number}) AS w ON w.whole = hashtextextended(e.v, {seed})
WHERE length(e.v) <= {longest}
""")
# In the order of the digests: that of the table would tell whose they are.
_WRITE = sql.SQL("""
INSERT INTO branchwarden_journal.token
SELECT t.number, {whole}, t.kind, {hash}, t.need,
  EXISTS (SELECT FROM pg_temp.chance_token AS c WHERE (c.number, c.whole) = (t.number, t.whole))
FROM (SELECT DISTINCT number, whole, kind, hash, need FROM pg_temp.token) AS t ORDER BY 2, 4
""").format(whole=sealed_hash(sql.Identifier("t", "whole")), hash=sealed_hash(sql.Identifier("t", "hash")))
# Of what is kept on purpose, as much as can be an address that is an original: the other tokens are left out already.
_SPARED = sql.SQL("""
INSERT INTO branchwarden_journal.spared
SELECT {hash} FROM (SELECT DISTINCT hash FROM pg_temp.spared) AS s
WHERE EXISTS (SELECT FROM pg_temp.original AS o WHERE o.hash = s.hash) ORDER BY 1
""").format(hash=sealed_hash(sql.Identifier("s", "hash")))

_FILL = "INSERT INTO pg_temp.token SELECT number, whole, kind, hash, need FROM branchwarden_journal.token"
_EXPLAINED = """
DELETE FROM pg_temp.inside AS h USING branchwarden_journal.token AS t
WHERE t.chance AND (t.number, t.whole) = (h.number, h.whole)
"""
_SAID = "CREATE TEMP TABLE said (place int, hash bigint, text bigint) ON COMMIT DROP"
_SAY = sql.SQL("""
INSERT INTO pg_temp.said SELECT DISTINCT {place}::int, {hash}, {text} FROM ({emails}) AS k WHERE k.token <> k.v
""")
_QUOTED = """
SELECT o.number, s.place, s.hash, s.text FROM pg_temp.said AS s
JOIN branchwarden_journal.original AS o ON o.hash = s.hash AND o.distinctive
WHERE NOT EXISTS (SELECT FROM branchwarden_journal.spared AS k WHERE k.hash = s.hash)
"""
_ADDRESSES = sql.SQL("SELECT DISTINCT k.token, {hash} FROM ({emails}) AS k WHERE k.token <> k.v AND {hash} = ANY (%s)")


def remember_tokens(
    plan: DatabasePlan, columns: Sequence[Place], conn: psycopg.Connection, seed: int, track: Track
) -> tuple[int, int]:
    """Write the tokens of originals of drawn rows into the journal, in the transaction of the search that has them all.

    Returns:
        Rows that were taken apart, and about how many there are.
    """
    stack, samples = Haystack(Home(conn, in_target=True), seed), Samples(conn, seed, full=False, rows=ORIGINALS)
    own, producible = Texts(conn), Producible(plan)
    drawn = [samples.of(column) for column in columns]
    for number, column in enumerate(columns):
        track.say(str(column), number, len(columns))
        stack.add_originals(number, (drawn[number], column), conn, repeat=own.repeat(column.key))
    stack.spare()
    conn.execute(_CHANCE)
    conn.execute("ANALYZE pg_temp.token")  # without which the joins below take minutes
    for number, some in enumerate(drawn):
        _note_chance(conn, (number, some), seed, producible)
    for statement in (_WRITE, _SPARED):
        conn.execute(statement)
    return samples.looked_at, samples.rows


def _note_chance(conn: psycopg.Connection, column: tuple[int, Place], seed: int, producible: Producible) -> None:
    """Those originals that a pool can produce: afterwards nobody knows how they were written."""
    number, some = column
    longest = max([LONGEST_NAME, *map(len, producible.texts)])
    query = _SHORT.format(
        values=some.values(), number=sql.Literal(number), seed=sql.Literal(seed), longest=sql.Literal(longest)
    )
    with conn.cursor(name="short") as cursor:
        cursor.execute(query)
        while batch := cursor.fetchmany(BATCH):
            wholes = [whole for value, whole in batch if value in producible]
            with conn.cursor().copy("COPY pg_temp.chance_token FROM STDIN") as copy:  # a parameter may be logged
                for whole in wholes:
                    copy.write_row((number, whole))


@dataclass(frozen=True)
class FromJournal:
    """Originals as they are remembered: sealed, and so are the texts that they are looked for in."""

    stack: Haystack
    site: Site
    facts: Facts

    @property
    def rows(self) -> tuple[int, int, int]:
        """Whose originals were taken apart, whose addresses are looked for, and about how many there are."""
        looked_at, rows = self.facts.taken_apart
        return looked_at, rows, rows

    def fill(self, steps: int) -> None:
        """Put the tokens into the haystack."""
        self.site.track.say("what is remembered", 0, steps)
        self.stack.home.conn.execute(_FILL)

    def quote(self, texts: Sampled) -> Collection[int]:
        """Put addresses of all rows that stand in these texts into the haystack; of which columns there were any."""
        conn = self.stack.home.conn
        conn.execute(_SAID)
        readable = {number: values for number, place, values in texts if place.kind != "number"}
        for number, values in readable.items():
            hash_, text = (self._hash(name) for name in ("token", "v"))
            conn.execute(_SAY.format(place=sql.Literal(number), hash=hash_, text=text, emails=emails(values, conn)))
        conn.execute("ANALYZE pg_temp.said")
        found = [Quoted(*row) for row in conn.execute(_QUOTED)]
        chance = self._chance(found, readable)
        if quoted := [one for one in found if one.hash not in chance]:
            self.stack.add_quoted(quoted)
        return {one.number for one in quoted}

    def set_chance_aside(self, _producible: Producible, _quoted: Collection[int]) -> None:
        """Leave out what a pool explains: as it was noted while the originals could be read."""
        self.stack.home.conn.execute(_EXPLAINED)

    def _chance(self, found: Sequence[Quoted], texts: dict[int, sql.Composable]) -> set[int]:
        """Addresses among them that a pool can produce; they are read once more, where they stand."""
        conn, places = self.stack.home.conn, defaultdict[int, set[int]](set)
        producible = Producible(self.site.plan) if self.site.plan and found else ()
        for one in found:
            places[one.place].add(one.hash)
        chance: set[int] = set()
        for place, hashes in places.items():
            query = _ADDRESSES.format(
                hash=with_parameters(self._hash("token"), conn),
                emails=with_parameters(emails(texts[place], conn), conn),
            )
            chance |= {hash_ for token, hash_ in conn.execute(query, (list(hashes),)) if token in producible}
        return chance

    def _hash(self, name: str) -> sql.Composed:
        seed = sql.Literal(self.site.seed)
        return sealed_hash(sql.SQL("hashtextextended({}, {})").format(sql.Identifier("k", name), seed))
