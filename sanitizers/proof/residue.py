"""The search for originals in a database that is masked where it is: hashes from before and after meet in it.

Before it is masked, hashes of what is to be found come into temporary tables of the session; afterwards those of what
there is, through a sieve. A run that goes on after another has the first of them from the journal. A hit is looked up
where it stands, because a value that a pool can produce proves nothing. Next to a source `sifted` searches; what counts
as found is the same there (`verdict`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import psycopg
from psycopg import sql

from sanitizers.proof.decided import NAMED, decide
from sanitizers.proof.hashed import FEWEST_DIGITS, SHORTEST
from sanitizers.proof.looked import ColumnSearched, Hit, Looked
from sanitizers.proof.places import Place, normal
from sanitizers.proof.sieve import Sieve, make_sieve, send, with_parameters
from sanitizers.proof.verdict import COINCIDENCE, FEW_WORDS

BATCH = 10_000  # values in this process's memory at once

_ORIGINALS = sql.SQL("""
SELECT {number}, hashtextextended(v, {seed}), CASE WHEN v ~ '[^0-9[:punct:][:space:]]' THEN length(v) >= {shortest}
  ELSE length(v) - length(translate(v, '0123456789', '')) >= {digits} END {unsaid}
FROM (SELECT DISTINCT v FROM ({values}) AS each WHERE v <> '') AS d
""")
_UNSAID = sql.SQL("AND v !~ {}")
_HASHES = sql.SQL(
    "SELECT DISTINCT {number}, hashtextextended(v, {seed}) FROM ({values}) AS each WHERE length(v) >= {shortest}"
)
_SIFTED = sql.SQL("""
SELECT DISTINCT {number}, hashtextextended(v, {seed}) FROM ({values}) AS each
WHERE length(v) >= {shortest} AND {lets}
""")
_DISTINCTIVE = sql.SQL("(SELECT hash FROM pg_temp.original WHERE distinctive) AS o")
_SPOKEN = sql.SQL("SELECT {v} AS v FROM pg_temp.spoken WHERE number = {number}")
_TEXTS = sql.SQL("INSERT INTO pg_temp.found SELECT {number}, hashtextextended(v, {seed}) FROM ({spoken}) AS each")
_HITS = """
CREATE TEMP TABLE hit AS
SELECT o.number AS original, f.number AS place, o.hash
FROM pg_temp.original o JOIN pg_temp.found f ON f.hash = o.hash
WHERE o.distinctive AND NOT EXISTS (SELECT FROM pg_temp.kept k WHERE k.hash = o.hash)
GROUP BY o.number, f.number, o.hash
"""
_HIT_VALUES = sql.SQL("""
SELECT DISTINCT v, hashtextextended(v, {seed}) FROM ({values}) AS each
WHERE hashtextextended(v, {seed}) IN (SELECT hash FROM pg_temp.hit WHERE place = {number})
""")
_LABELS = sql.SQL("INSERT INTO pg_temp.label SELECT hashtextextended({v}, {seed}) FROM unnest(%s::text[]) AS u(v)")
_BY_CHANCE = "INSERT INTO pg_temp.chance SELECT unnest(%s::bigint[])"
_COINCIDENCE = sql.SQL("""
CREATE TEMP TABLE coincidence AS
WITH proving AS (
  SELECT * FROM pg_temp.hit h WHERE NOT EXISTS (SELECT FROM pg_temp.chance c WHERE c.hash = h.hash)
),
few AS (
  SELECT h.original, h.place FROM proving h
  WHERE h.original = ANY ({common}::int[])
  GROUP BY h.original, h.place
  HAVING count(*) * {few} < (SELECT count(*) FROM pg_temp.original o WHERE o.number = h.original AND o.distinctive)
    OR (h.original = ANY ({words}::int[]) AND count(*) <= {few_words})
)
SELECT h.* FROM proving h JOIN few f USING (original, place)
UNION
SELECT h.* FROM proving h JOIN pg_temp.place p ON p.number = h.place
WHERE p.labels AND h.hash IN (SELECT hash FROM pg_temp.label)
""")
_RESIDUE = """
CREATE TEMP TABLE residue AS
SELECT h.original, h.place, h.hash FROM pg_temp.hit h JOIN pg_temp.place p ON p.number = h.place
WHERE NOT p.public AND NOT p.drawn
  AND NOT ((p.kept OR p.derived) AND EXISTS (
    SELECT FROM pg_temp.decided d WHERE (d.original, d.hash) = (h.original, h.hash)))
  AND NOT EXISTS (SELECT FROM pg_temp.chance c WHERE c.hash = h.hash)
  AND NOT EXISTS (
    SELECT FROM pg_temp.coincidence c WHERE (c.original, c.place, c.hash) = (h.original, h.place, h.hash))
  AND NOT (p.derived AND EXISTS (
    SELECT FROM pg_temp.hit o JOIN pg_temp.place q ON q.number = o.place
    WHERE (q.public OR q.drawn) AND o.original = h.original AND o.hash = h.hash))
"""
_COUNTS = """
SELECT number, count(*) FILTER (WHERE distinctive), count(*) FILTER (WHERE NOT distinctive),
  count(*) FILTER (WHERE hash IN (SELECT hash FROM pg_temp.chance)),
  (SELECT count(DISTINCT c.hash) FROM pg_temp.coincidence c WHERE c.original = number),
  (SELECT count(DISTINCT r.hash) FROM pg_temp.residue r WHERE r.original = number),
  (SELECT count(DISTINCT d.hash) FROM pg_temp.decided d WHERE d.original = number)
FROM pg_temp.original GROUP BY number
"""
_RESIDUE_BY_PLACE = """
SELECT r.place, r.original, count(*) FROM pg_temp.residue r GROUP BY r.place, r.original ORDER BY r.place, r.original
"""
_TABLES = """
CREATE TEMP TABLE original (number int, hash bigint, distinctive boolean);
CREATE TEMP TABLE kept (hash bigint);
CREATE TEMP TABLE found (number int, hash bigint);
CREATE TEMP TABLE spoken (number int, v text);
CREATE TEMP TABLE named (number int, hash bigint, name text);
CREATE TEMP TABLE place (number int, name text, derived boolean, public boolean, labels boolean, drawn boolean,
  kept boolean, called text);
CREATE TEMP TABLE label (hash bigint);
CREATE TEMP TABLE chance (hash bigint)
"""


class Search:
    """One search."""

    def __init__(self, conn: psycopg.Connection, seed: int) -> None:
        self._conn = conn
        self._seed = sql.Literal(seed)
        self._columns: list[Place] = []
        self._sieve: Sieve | None = None
        self._all_here = True
        self._places: list[tuple[Looked, Place | None]] = []
        conn.execute(_TABLES)

    @property
    def places_by_road(self) -> Mapping[str, int]:
        """How many places were looked at on each road, public columns not counted."""
        return Counter(looked.road for looked, _ in self._places if not looked.public)

    def add_originals(self, column: Place) -> None:
        """Collect what is to be searched for, and what of it the policy keeps."""
        number, kept = sql.Literal(len(self._columns)), column.kept_values()
        unsaid = _UNSAID.format(sql.Literal(column.unsaid)) if column.unsaid else sql.SQL("")
        limits = {"shortest": sql.Literal(SHORTEST), "digits": sql.Literal(FEWEST_DIGITS)}
        originals = _ORIGINALS.format(number=number, seed=self._seed, values=column.values(), unsaid=unsaid, **limits)
        self._bring(originals, "original")
        if kept is not None:
            hashes = sql.SQL("SELECT hashtextextended(v, {}) FROM ({}) AS each").format(self._seed, kept)
            self._bring(hashes, "kept")
        self._columns.append(column)
        self._sieve = None

    def add_named(self, names: Sequence[str]) -> None:
        """Collect which originals of documents stand under names of columns, given as `decided.called` writes them."""
        known = {"seed": self._seed, "shortest": sql.Literal(SHORTEST)}
        for number, column in enumerate(self._columns):
            if column.is_document and names:
                statement = NAMED.format(number=sql.Literal(number), leaves=column.named(names), **known)
                self._bring(statement, "named")

    def expect(self, column: Place) -> None:
        """Count on the originals of a column that somebody else brings, after the columns of the target."""
        self._columns.append(column)
        self._all_here = False

    def add_column(self, looked: Looked, column: Place) -> None:
        """Collect the hashes of a column, once masked."""
        number = self._number(looked, column)
        values = column.values(keys=True)
        shortest = sql.Literal(FEWEST_DIGITS if column.kind == "number" else SHORTEST)
        known = {"number": number, "seed": self._seed, "shortest": shortest}
        if not self._all_here:
            self._bring(_HASHES.format(values=values, **known), "found")
            return
        self._sieve = self._sieve or make_sieve(self._conn, _DISTINCTIVE)
        lets = self._sieve.lets(sql.SQL("hashtextextended(v, {})").format(self._seed))
        sifted = _SIFTED.format(values=with_parameters(values, self._conn), lets=lets, **known)
        self._sieve.bring(self._conn, sifted, "found")

    def add_texts(self, looked: Looked, texts: Iterable[str]) -> None:
        """Collect the texts of a definition or of statistics of the target."""
        at, number = len(self._places), self._number(looked)
        send(self._conn, "spoken", ((at, text) for text in texts))
        self._conn.execute(_TEXTS.format(number=number, spoken=_spoken(number), seed=self._seed))

    def add_labels(self, labels: Iterable[str]) -> None:
        """What is no copy of a row where the labels of enums are."""
        statement = _LABELS.format(v=normal(sql.Identifier("v")), seed=self._seed)
        self._conn.execute(statement, (list(labels),))

    def judge(self, producible: Callable[[str], bool]) -> tuple[tuple[ColumnSearched, ...], tuple[Hit, ...]]:
        """Join; count per column, and every hit that neither a pool nor a public column explains."""
        documents = [number for number, column in enumerate(self._columns) if column.is_document]
        for statement in ("ANALYZE pg_temp.original", "ANALYZE pg_temp.found", _HITS, "ANALYZE pg_temp.hit"):
            self._conn.execute(statement)
        for number, (_, column) in enumerate(self._places):
            values = column.values(keys=True) if column else _spoken(sql.Literal(number))
            self._set_chance_aside(number, values, producible)
        decide(self._conn, documents)
        self._conn.execute(self._coincidence())
        self._conn.execute(_RESIDUE)
        counts = {number: numbers for number, *numbers in self._conn.execute(_COUNTS)}
        names = [str(column) for column in self._columns]
        searched = (ColumnSearched(name, *counts.get(number, ())) for number, name in enumerate(names))
        looked = [looked for looked, _ in self._places]
        rows = self._conn.execute(_RESIDUE_BY_PLACE)
        found = (Hit(looked[at].name, names[number], count, looked[at].road) for at, number, count in rows)
        return tuple(searched), tuple(found)

    def _coincidence(self) -> sql.Composed:
        columns = list(enumerate(self._columns))
        return _COINCIDENCE.format(
            common=sql.Literal([number for number, column in columns if column.common]),
            words=sql.Literal([number for number, column in columns if column.common == "word"]),
            few=sql.Literal(COINCIDENCE),
            few_words=sql.Literal(FEW_WORDS),
        )

    def _bring(self, query: sql.Composed, table: str) -> None:
        """Put the rows of a query into one of our tables."""
        self._conn.execute(sql.SQL("INSERT INTO pg_temp.{} {}").format(sql.Identifier(table), query))

    def _number(self, looked: Looked, column: Place | None = None) -> sql.Literal:
        number = len(self._places)
        decisions = (looked.public, looked.labels, looked.drawn, looked.kept, looked.called)
        row = (number, looked.name, looked.derived, *decisions)
        self._conn.execute("INSERT INTO pg_temp.place VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", row)
        self._places.append((looked, column))
        return sql.Literal(number)

    def _set_chance_aside(self, number: int, values: sql.Composed, producible: Callable[[str], bool]) -> None:
        """Look at the values that were found, here and in no log, and note those that a pool can produce."""
        if not self._conn.execute("SELECT 1 FROM pg_temp.hit WHERE place = %s LIMIT 1", (number,)).fetchone():
            return
        with self._conn.cursor(name="hits") as cursor:
            cursor.execute(_HIT_VALUES.format(seed=self._seed, values=values, number=sql.Literal(number)))
            while batch := cursor.fetchmany(BATCH):
                hashes = [hashed for value, hashed in batch if producible(value)]
                self._conn.execute(_BY_CHANCE, (hashes,))


def _spoken(number: sql.Literal) -> sql.Composed:
    return _SPOKEN.format(v=normal(sql.Identifier("v")), number=number)
