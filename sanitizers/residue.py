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
from sanitizers.pools import Pools
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
_COUNTS = sql.SQL("""
SELECT number, count(*) FILTER (WHERE distinctive), count(*) FILTER (WHERE NOT distinctive)
FROM pg_temp.original GROUP BY number
""")
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
_HITS_BY_PLACE = sql.SQL("SELECT place, hash FROM pg_temp.hit WHERE original = {number}")


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

    def __init__(self, plan: DatabasePlan, pools: Pools) -> None:
        self._texts: set[str] = set()
        self._names: set[tuple[frozenset[str], frozenset[str], int | None]] = set()
        for collection in {id(c): c for c in _producible(plan, pools)}.values():
            self._add(collection)

    def __contains__(self, value: str) -> bool:
        return value in self._texts or any(_is_name(value, *names) for names in self._names)

    def _add(self, collection: Collection[str]) -> None:
        if isinstance(collection, FullNames):
            first, last = frozenset(map(_folded, collection.first)), frozenset(map(_folded, collection.last))
            self._names.add((first, last, collection.length))
        else:
            self._texts.update(map(_folded, collection))


def _producible(plan: DatabasePlan, pools: Pools) -> Iterator[Collection[str]]:
    for table in plan.tables:
        yield from (column.producible(pools) for column in table.columns)


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
        source.execute("CREATE TEMP TABLE original (number int, hash bigint, distinctive boolean) ON COMMIT DROP")
        source.execute("CREATE TEMP TABLE found (number int, hash bigint) ON COMMIT DROP")

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
        number, shortest = sql.Literal(len(self._places)), sql.Literal(SHORTEST)
        values = column.values(keys=True)
        hashes = _HASHES.format(number=number, seed=self._seed, shortest=shortest, values=values)
        with target.cursor().copy(hashes) as out, self._source.cursor().copy("COPY pg_temp.found FROM STDIN") as into:
            for block in _blocks(out):
                into.write(block)
        self._places.append(looked)

    def add_texts(self, looked: Looked, texts: Iterable[str]) -> None:
        """Bring the texts of a definition or of statistics of the target."""
        number = sql.Literal(len(self._places))
        statement = _TEXTS.format(number=number, v=normal(sql.Identifier("v")), seed=self._seed)
        self._source.execute(statement, (list(texts),))
        self._places.append(looked)

    def join(self) -> None:
        """Find the originals among what was brought."""
        self._source.execute("ANALYZE pg_temp.original")
        self._source.execute("ANALYZE pg_temp.found")
        self._source.execute(_HITS)

    def judge(self, producible: Producible) -> tuple[tuple[ColumnSearched, ...], tuple[Hit, ...]]:
        """Count per column, and every hit that neither a pool nor a public column explains."""
        counts = {number: (searched, short) for number, searched, short in self._source.execute(_COUNTS)}
        verdicts: list[ColumnSearched] = []
        hits: list[Hit] = []
        for number, column in enumerate(self._columns):
            chance = self._producible(number, producible)
            by_place = self._unexplained(number, chance)
            hits += [Hit(self._places[place].name, str(column), len(hashes)) for place, hashes in by_place.items()]
            searched, short = counts.get(number, (0, 0))
            found = len(set().union(*by_place.values()))
            verdicts.append(ColumnSearched(str(column), searched, short, len(chance), found))
        return tuple(verdicts), tuple(hits)

    def _producible(self, number: int, producible: Producible) -> set[int]:
        """Hashes of those hits that a pool can produce; the values are looked at here and forgotten."""
        if not self._hits(number):
            return set()
        query = _HIT_VALUES.format(seed=self._seed, values=self._columns[number].values(), number=sql.Literal(number))
        return {hashed for value, hashed in self._source.execute(query) if value in producible}

    def _unexplained(self, number: int, chance: Collection[int]) -> dict[int, set[int]]:
        """Place → hashes of the originals that it holds and should not."""
        hits = [(place, hashed) for place, hashed in self._hits(number) if hashed not in chance]
        public = {hashed for place, hashed in hits if self._places[place].public}
        by_place: dict[int, set[int]] = {}
        for number_of_place, hashed in sorted(hits):
            looked = self._places[number_of_place]
            if not looked.public and not (looked.derived and hashed in public):
                by_place.setdefault(number_of_place, set()).add(hashed)
        return by_place

    def _hits(self, number: int) -> list[tuple[int, int]]:
        return self._source.execute(_HITS_BY_PLACE.format(number=sql.Literal(number))).fetchall()


def _blocks(out: psycopg.Copy) -> Iterator[bytes]:
    block = bytearray()
    for row in out:
        block += row
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)
