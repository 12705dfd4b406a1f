"""The search for originals: hashes of what the target holds travel to the source and are joined there.

No original leaves the source for the target. Both servers hash alike, with a seed chosen for the run; a hit is looked
up on the source, because a value that a pool can produce proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.places import Place, normal
from sanitizers.plan import DatabasePlan
from sanitizers.strategies.full_name import FullNames

SHORTEST = 5  # characters; shorter values are found everywhere by chance
FEWEST_DIGITS = 7  # the same for values without letters
BLOCK = 1 << 17  # bytes

_ORIGINALS = sql.SQL("""
INSERT INTO pg_temp.original (number, hash, distinctive)
SELECT {number}, hashtextextended(v, {seed}), CASE WHEN v ~ '[^0-9[:punct:][:space:]]' THEN length(v) >= {shortest}
  ELSE length(v) - length(translate(v, '0123456789', '')) >= {digits} END
FROM (SELECT DISTINCT v FROM ({values}) AS each WHERE v <> '') AS d
""")
_HASHES = sql.SQL("""
COPY (SELECT DISTINCT {number}, hashtextextended(v, {seed}) FROM ({values}) AS each WHERE length(v) >= {shortest})
TO STDOUT
""")
_TEXTS = sql.SQL(
    "INSERT INTO pg_temp.found SELECT {number}, hashtextextended({v}, {seed}) FROM unnest(%s::text[]) AS u(v)"
)
_HITS = sql.SQL("""
CREATE TEMP TABLE hit ON COMMIT DROP AS
SELECT o.number AS original, f.number AS place, o.hash
FROM pg_temp.original o JOIN pg_temp.found f ON f.hash = o.hash WHERE o.distinctive
GROUP BY o.number, f.number, o.hash
""")
_HIT_VALUES = sql.SQL("""
SELECT DISTINCT v, hashtextextended(v, {seed}) FROM ({values}) AS each
WHERE hashtextextended(v, {seed}) IN (SELECT hash FROM pg_temp.hit WHERE original = {number})
""")
_BY_CHANCE = "INSERT INTO pg_temp.chance SELECT %s, unnest(%s::bigint[])"
_RESIDUE = sql.SQL("""
CREATE TEMP TABLE residue ON COMMIT DROP AS
SELECT h.original, h.place, h.hash FROM pg_temp.hit h JOIN pg_temp.place p ON p.number = h.place
WHERE NOT p.public
  AND NOT EXISTS (SELECT FROM pg_temp.chance c WHERE c.original = h.original AND c.hash = h.hash)
  AND NOT (p.derived AND EXISTS (
    SELECT FROM pg_temp.hit o JOIN pg_temp.place q ON q.number = o.place
    WHERE q.public AND o.original = h.original AND o.hash = h.hash))
""")
_COUNTS = """
SELECT number, count(*) FILTER (WHERE distinctive), count(*) FILTER (WHERE NOT distinctive),
  (SELECT count(*) FROM pg_temp.chance c WHERE c.original = number),
  (SELECT count(DISTINCT r.hash) FROM pg_temp.residue r WHERE r.original = number)
FROM pg_temp.original GROUP BY number
"""
_RESIDUE_BY_PLACE = """
SELECT p.name, r.original, count(*) FROM pg_temp.residue r JOIN pg_temp.place p ON p.number = r.place
GROUP BY p.number, p.name, r.original ORDER BY p.number, r.original
"""
_TABLES = """
CREATE TEMP TABLE original (number int, hash bigint, distinctive boolean) ON COMMIT DROP;
CREATE TEMP TABLE found (number int, hash bigint) ON COMMIT DROP;
CREATE TEMP TABLE place (number int, name text, derived boolean, public boolean) ON COMMIT DROP;
CREATE TEMP TABLE chance (original int, hash bigint) ON COMMIT DROP
"""
BATCH = 10_000  # values of the source in this process's memory at once


@dataclass(frozen=True)
class ColumnSearched:
    """The originals of one masked column: how many different ones were searched for, and how many could not be."""

    column: str
    searched: int = 0
    too_short: int = 0
    by_chance: int = 0
    """Found, but any pool of the plan can produce them, so that they prove nothing."""
    found: int = 0


@dataclass(frozen=True)
class Hit:
    """Originals of a column found in a place, counted."""

    place: str
    column: str
    count: int


class Producible:
    """Every text that the plan's pools and constants can put somewhere, compared as `places.normal` writes values."""

    def __init__(self, plan: DatabasePlan) -> None:
        self._texts: set[str] = set()
        self._names: set[tuple[frozenset[str], frozenset[str], int | None]] = set()
        for collection in {id(c): c for c in _producible(plan)}.values():
            self._add(collection)

    def __contains__(self, value: str) -> bool:
        return value in self._texts or any(_is_name(value, *names) for names in self._names)

    def _add(self, collection: Collection[str]) -> None:
        if isinstance(collection, FullNames):
            first, last = frozenset(map(_folded, collection.first)), frozenset(map(_folded, collection.last))
            self._names.add((first, last, collection.length))
        else:
            self._texts.update(map(_folded, collection))


def _producible(plan: DatabasePlan) -> Iterator[Collection[str]]:
    for table in plan.tables:
        yield from (column.producible(table.locales.all) for column in table.columns)


def _is_name(value: str, first: frozenset[str], last: frozenset[str], length: int | None) -> bool:
    """Whether a first and a last name of the pools make it, cut at `length`."""
    if length is not None and len(value) >= length:
        return any(f"{one} "[:length] == value[: len(one) + 1] for one in first)
    cuts = (i for i, character in enumerate(value) if character == " ")
    return any(value[:i] in first and value[i + 1 :] in last for i in cuts)


def _folded(text: str) -> str:
    """As `places.normal` does it in SQL: only ASCII letters change."""
    return "".join(c.lower() if c.isascii() else c for c in text.strip(" \t\n\r"))


@dataclass(frozen=True)
class Looked:
    """A place that was looked at."""

    name: str
    derived: bool = False
    """Computed from columns or written in a definition: values that a public column holds prove nothing there."""
    public: bool = False
    """A column that the policy calls public: no hit counts there."""


class Search:
    """One search, in one transaction of the source."""

    def __init__(self, source: psycopg.Connection, seed: int) -> None:
        self._source = source
        self._seed = sql.Literal(seed)
        self._columns: list[Place] = []
        self._places: list[Looked] = []
        source.execute(_TABLES)

    @property
    def places(self) -> int:
        """How many places were looked at, public columns not counted."""
        return sum(not place.public for place in self._places)

    def add_originals(self, column: Place) -> None:
        """Collect what is to be searched for; `column` is one of the source."""
        self._source.execute(
            _ORIGINALS.format(
                number=sql.Literal(len(self._columns)),
                seed=self._seed,
                shortest=sql.Literal(SHORTEST),
                digits=sql.Literal(FEWEST_DIGITS),
                values=column.values(),
            )
        )
        self._columns.append(column)

    def add_column(self, looked: Looked, column: Place, target: psycopg.Connection) -> None:
        """Bring the hashes of a column of the target."""
        number = self._number(looked)
        values = column.values(keys=True)
        shortest = sql.Literal(FEWEST_DIGITS if column.kind == "number" else SHORTEST)
        hashes = _HASHES.format(number=number, seed=self._seed, shortest=shortest, values=values)
        with target.cursor().copy(hashes) as out, self._source.cursor().copy("COPY pg_temp.found FROM STDIN") as into:
            for block in _blocks(out):
                into.write(block)

    def add_texts(self, looked: Looked, texts: Iterable[str]) -> None:
        """Bring the texts of a definition or of statistics of the target."""
        statement = _TEXTS.format(number=self._number(looked), v=normal(sql.Identifier("v")), seed=self._seed)
        self._source.execute(statement, (list(texts),))

    def judge(self, producible: Producible) -> tuple[tuple[ColumnSearched, ...], tuple[Hit, ...]]:
        """Join; count per column, and every hit that neither a pool nor a public column explains."""
        for statement in ("ANALYZE pg_temp.original", "ANALYZE pg_temp.found", _HITS, "ANALYZE pg_temp.hit"):
            self._source.execute(statement)
        for number, column in enumerate(self._columns):
            self._set_chance_aside(number, column, producible)
        self._source.execute(_RESIDUE)
        counts = {number: numbers for number, *numbers in self._source.execute(_COUNTS)}
        names = [str(column) for column in self._columns]
        searched = (ColumnSearched(name, *counts.get(number, ())) for number, name in enumerate(names))
        hits = (Hit(place, names[number], count) for place, number, count in self._source.execute(_RESIDUE_BY_PLACE))
        return tuple(searched), tuple(hits)

    def _number(self, looked: Looked) -> sql.Literal:
        number = len(self._places)
        self._source.execute(
            "INSERT INTO pg_temp.place VALUES (%s, %s, %s, %s)", (number, looked.name, looked.derived, looked.public)
        )
        self._places.append(looked)
        return sql.Literal(number)

    def _set_chance_aside(self, number: int, column: Place, producible: Producible) -> None:
        """Look at the values that were found, here and in no log, and note those that a pool can produce."""
        if not self._source.execute("SELECT 1 FROM pg_temp.hit WHERE original = %s LIMIT 1", (number,)).fetchone():
            return
        query = _HIT_VALUES.format(seed=self._seed, values=column.values(), number=sql.Literal(number))
        with self._source.cursor(name="hits") as cursor:
            cursor.execute(query)
            while batch := cursor.fetchmany(BATCH):
                hashes = [hashed for value, hashed in batch if value in producible]
                self._source.execute(_BY_CHANCE, (number, hashes))


def _blocks(out: psycopg.Copy) -> Iterator[bytes]:
    block = bytearray()
    for row in out:
        block += row
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)
