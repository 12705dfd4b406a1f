"""The search for originals: hashes of what is to be found and of what there is meet in temporary tables.

The tables live in the source wherever it lets us make some: then no hash of an original leaves it. Where it does not
(a standby, a role without TEMP), and where source and target are one database, they live in the target. All servers
hash alike, with a seed that only the run knows. A hit is looked up where the tables are, because a value that a pool
can produce proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.proof.decided import NAMED, decide
from sanitizers.proof.hashed import FEWEST_DIGITS, SHORTEST
from sanitizers.proof.looked import ColumnSearched, Hit, Looked
from sanitizers.proof.places import Place, normal
from sanitizers.proof.sieve import Sieve, make_sieve, send, with_parameters
from sanitizers.proof.verdict import COINCIDENCE, FEW_WORDS

BLOCK = 1 << 17  # bytes
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
_HITS = sql.SQL("""
CREATE TEMP TABLE hit {end} AS
SELECT o.number AS original, f.number AS place, o.hash
FROM pg_temp.original o JOIN pg_temp.found f ON f.hash = o.hash
WHERE o.distinctive AND NOT EXISTS (SELECT FROM pg_temp.kept k WHERE k.hash = o.hash)
GROUP BY o.number, f.number, o.hash
""")
_HIT_VALUES = sql.SQL("""
SELECT DISTINCT v, hashtextextended(v, {seed}) FROM ({values}) AS each
WHERE hashtextextended(v, {seed}) IN (SELECT hash FROM pg_temp.hit WHERE {which} = {number})
""")
_LABELS = sql.SQL("INSERT INTO pg_temp.label SELECT hashtextextended({v}, {seed}) FROM unnest(%s::text[]) AS u(v)")
_BY_CHANCE = "INSERT INTO pg_temp.chance SELECT unnest(%s::bigint[])"
_COINCIDENCE = sql.SQL("""
CREATE TEMP TABLE coincidence {end} AS
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
_RESIDUE = sql.SQL("""
CREATE TEMP TABLE residue {end} AS
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
""")
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
_TABLES = sql.SQL("""
CREATE TEMP TABLE original (number int, hash bigint, distinctive boolean) {end};
CREATE TEMP TABLE kept (hash bigint) {end};
CREATE TEMP TABLE found (number int, hash bigint) {end};
CREATE TEMP TABLE spoken (number int, v text) {end};
CREATE TEMP TABLE named (number int, hash bigint, name text) {end};
CREATE TEMP TABLE place (number int, name text, derived boolean, public boolean, labels boolean, drawn boolean,
  kept boolean, called text) {end};
CREATE TEMP TABLE label (hash bigint) {end};
CREATE TEMP TABLE chance (hash bigint) {end}
""")
_MAY_MAKE_TABLES = """
SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'
  AND has_database_privilege(current_database(), 'TEMP')
"""


@dataclass(frozen=True)
class Home:
    """Where the temporary tables are."""

    conn: psycopg.Connection
    in_target: bool = False
    lasting: bool = False
    """Whether they outlive a transaction; otherwise the whole search is one."""

    @property
    def end(self) -> sql.SQL:
        """What becomes of a temporary table at the end of a transaction."""
        return sql.SQL("ON COMMIT PRESERVE ROWS" if self.lasting else "ON COMMIT DROP")


def find_home(source: psycopg.Connection, target: psycopg.Connection) -> Home:
    """The source where tables can be made there, otherwise the target."""
    row = source.execute(_MAY_MAKE_TABLES).fetchone()
    return Home(source) if row and row[0] else Home(target, in_target=True)


class Search:
    """One search."""

    def __init__(self, home: Home, seed: int) -> None:
        self._home = home
        self._conn = home.conn
        self._seed = sql.Literal(seed)
        self._columns: list[Place] = []
        self._sieve: Sieve | None = None
        self._all_here = True
        self._places: list[tuple[Looked, Place | None]] = []
        home.conn.execute(_TABLES.format(end=home.end))

    @property
    def places(self) -> int:
        """How many places were looked at, public columns not counted."""
        return sum(not looked.public for looked, _ in self._places)

    @property
    def places_by_road(self) -> Mapping[str, int]:
        """The same by road."""
        return Counter(looked.road for looked, _ in self._places if not looked.public)

    def add_originals(self, column: Place, source: psycopg.Connection) -> None:
        """Collect what is to be searched for, and what of it the policy keeps."""
        number, kept = sql.Literal(len(self._columns)), column.kept_values()
        unsaid = _UNSAID.format(sql.Literal(column.unsaid)) if column.unsaid else sql.SQL("")
        limits = {"shortest": sql.Literal(SHORTEST), "digits": sql.Literal(FEWEST_DIGITS)}
        originals = _ORIGINALS.format(number=number, seed=self._seed, values=column.values(), unsaid=unsaid, **limits)
        self._bring(originals, source, "original")
        if kept is not None:
            hashes = sql.SQL("SELECT hashtextextended(v, {}) FROM ({}) AS each").format(self._seed, kept)
            self._bring(hashes, source, "kept")
        self._columns.append(column)
        self._sieve = None

    def add_named(self, names: Sequence[str], source: psycopg.Connection) -> None:
        """Collect which originals of documents stand under names of columns, given as `decided.called` writes them."""
        known = {"seed": self._seed, "shortest": sql.Literal(SHORTEST)}
        for number, column in enumerate(self._columns):
            if column.is_document and names:
                statement = NAMED.format(number=sql.Literal(number), leaves=column.named(names), **known)
                self._bring(statement, source, "named")

    def expect(self, column: Place) -> None:
        """Count on the originals of a column that somebody else brings, after the columns of the target."""
        self._columns.append(column)
        self._all_here = False

    def add_column(self, looked: Looked, column: Place, target: psycopg.Connection) -> None:
        """Collect the hashes of a column of the target."""
        number = self._number(looked, column)
        values = column.values(keys=True)
        shortest = sql.Literal(FEWEST_DIGITS if column.kind == "number" else SHORTEST)
        known = {"number": number, "seed": self._seed, "shortest": shortest}
        if not self._all_here:
            self._bring(_HASHES.format(values=values, **known), target, "found")
            return
        self._sieve = self._sieve or make_sieve(self._conn, _DISTINCTIVE)
        lets = self._sieve.lets(sql.SQL("hashtextextended(v, {})").format(self._seed))
        sifted = _SIFTED.format(values=with_parameters(values, target), lets=lets, **known)
        self._sieve.bring(self._conn, sifted, target, "found")

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
        hits, residue = (statement.format(end=self._home.end) for statement in (_HITS, _RESIDUE))
        for statement in ("ANALYZE pg_temp.original", "ANALYZE pg_temp.found", hits, "ANALYZE pg_temp.hit"):
            self._conn.execute(statement)
        for which, number, values in list(self._hit_values()):
            self._set_chance_aside(which, number, values, producible)
        decide(self._conn, documents, self._home.end)
        self._conn.execute(self._coincidence())
        self._conn.execute(residue)
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
            end=self._home.end,
            common=sql.Literal([number for number, column in columns if column.common]),
            words=sql.Literal([number for number, column in columns if column.common == "word"]),
            few=sql.Literal(COINCIDENCE),
            few_words=sql.Literal(FEW_WORDS),
        )

    def _bring(self, query: sql.Composed, origin: psycopg.Connection, table: str) -> None:
        """Put the rows of a query into one of our tables, on whichever server they are."""
        into = sql.SQL("pg_temp.{}").format(sql.Identifier(table))
        if origin is self._conn:
            self._conn.execute(sql.SQL("INSERT INTO {} {}").format(into, query))
            return
        copy_out, copy_in = sql.SQL("COPY ({}) TO STDOUT").format(query), sql.SQL("COPY {} FROM STDIN").format(into)
        with origin.cursor().copy(copy_out) as out, self._conn.cursor().copy(copy_in) as target:
            for block in _blocks(out):
                target.write(block)

    def _number(self, looked: Looked, column: Place | None = None) -> sql.Literal:
        number = len(self._places)
        decisions = (looked.public, looked.labels, looked.drawn, looked.kept, looked.called)
        row = (number, looked.name, looked.derived, *decisions)
        self._conn.execute("INSERT INTO pg_temp.place VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", row)
        self._places.append((looked, column))
        return sql.Literal(number)

    def _hit_values(self) -> Iterator[tuple[str, int, sql.Composed]]:
        """Where the values of the hits can be read on our own server: as originals, or in the places of the target."""
        if not self._home.in_target:
            yield from (("original", number, column.values()) for number, column in enumerate(self._columns))
            return
        for number, (_, column) in enumerate(self._places):
            yield "place", number, column.values(keys=True) if column else _spoken(sql.Literal(number))

    def _set_chance_aside(
        self, which: str, number: int, values: sql.Composed, producible: Callable[[str], bool]
    ) -> None:
        """Look at the values that were found, here and in no log, and note those that a pool can produce."""
        some = sql.SQL("SELECT 1 FROM pg_temp.hit WHERE {} = {} LIMIT 1")
        known = {"which": sql.Identifier(which), "number": sql.Literal(number)}
        if not self._conn.execute(some.format(known["which"], known["number"])).fetchone():
            return
        with self._conn.cursor(name="hits") as cursor:
            cursor.execute(_HIT_VALUES.format(seed=self._seed, values=values, **known))
            while batch := cursor.fetchmany(BATCH):
                hashes = [hashed for value, hashed in batch if producible(value)]
                self._conn.execute(_BY_CHANCE, (hashes,))


def _spoken(number: sql.Literal) -> sql.Composed:
    return _SPOKEN.format(v=normal(sql.Identifier("v")), number=number)


def _blocks(out: psycopg.Copy) -> Iterator[bytes]:
    block = bytearray()
    for row in out:
        block += row
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)
