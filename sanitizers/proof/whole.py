"""The search for whole values between two servers, without anything being made in either.

The hashes of all originals come from the source and become a sieve in this process. The target is asked with it, table
by table, and sends the few hashes that get through. Which of those are originals is told by the hashes of the originals
again: of a few million they are kept, of more the source is asked once more. All servers hash alike, with a seed that
only the run knows.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import psycopg
from psycopg import sql

from sanitizers.proof.bits import DIFFERENT, HALVES, Bits, Different, hashes_in, sieve_of, unsigned
from sanitizers.proof.hashed import SHORTEST, Values, rows, together
from sanitizers.proof.originals import Originals
from sanitizers.proof.parts import LEAST
from sanitizers.proof.places import Place, normal
from sanitizers.proof.readers import Group, Question, Readers, Row, Take
from sanitizers.proof.sieve import with_parameters

MOST_FOUND = 400_000
"""Hashes of the target that are kept in this process. When there are more, those that are no originals are left out;
when there still are, half of those of the place with the most, which is then counted by a sample."""
MOST_COUNTED = 1 << 19
"""The same of those that are counted one by one, of all columns together."""
LARGE = 8192  # blocks: 64 MB

_SOME = sql.SQL("string_agg(int8send({hash}), ''::bytea) FILTER (WHERE {filter})")
_COUNT = sql.SQL("count(*) FILTER (WHERE {v} <> '')")
_SELECT = sql.SQL("SELECT {results} FROM {rows}{beside}{end}")
_IN_GROUPS = sql.SQL(" GROUP BY {} & 255")
_DIFFERENT = """
SELECT n.nspname, c.relname, a.attname,
  (CASE WHEN s.n_distinct > 0 THEN s.n_distinct ELSE coalesce(-s.n_distinct, 1) * greatest(c.reltuples, 0) END)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_stats s ON (s.schemaname, s.tablename, s.attname) = (n.nspname, c.relname, a.attname)
  AND s.inherited = (c.relkind = 'p')
WHERE c.relkind IN ('r', 'p', 'm')
"""
_TEXTS = sql.SQL("SELECT hashtextextended({v}, {seed}) FROM unnest(%s::text[]) WITH ORDINALITY AS u (v, n) ORDER BY n")
_NAMES = sql.SQL("""
SELECT DISTINCT e.name, {hash} FROM ({leaves}) AS e (v, name), {bits}
WHERE {lets} AND length(e.v) >= {shortest} AND strpos(e.v, '@') = 0
""")
_VALUES = sql.SQL("SELECT DISTINCT e.v, {hash} FROM ({values}) AS e (v), {bits} WHERE {lets}")

Found = dict[int, set[int]]
"""Hashes by the number of a column or a place."""


class Whole:
    """One search: `take` the originals, `look` into the target, then `hits`, and `values` of those that need it."""

    def __init__(self, source: Readers, target: Readers, seed: int) -> None:
        self._source, self._target, self._seed = source, target, sql.Literal(seed)
        self.columns: dict[int, Place] = {}
        self._found: defaultdict[int, list[array[int]]] = defaultdict(list)
        self._limits: defaultdict[int, int] = defaultdict(lambda: HALVES)
        self.originals = Originals(Bits(0))

    def take(self, columns: Sequence[Place]) -> None:
        """Take the originals of columns of the source."""
        self.columns = dict(enumerate(columns))
        self.originals = _expected(self._source.conns[0], self.columns)
        short: set[int] = set()

        def of(v: Values) -> list[sql.Composed]:
            return [_COUNT.format(v=v.v), _SOME.format(hash=v.hash(self._seed), filter=v.distinctive), v.dates]

        def take(group: Group, row: Row) -> None:
            for at, number in enumerate(group.numbers):
                count, sent, dates = row[3 * at : 3 * at + 3]
                hashes = hashes_in(sent)
                self.originals.dates |= bool(dates)
                self.originals.add(number, hashes)
                if count != len(hashes):
                    short.add(number)

        self._read((self._source, self.columns), of, take)
        self.originals.bits.close()
        self._count_short({number: self.columns[number] for number in sorted(short)})

    def look(self, places: Sequence[Place]) -> None:
        """Look into places of the target."""
        bits = self.originals.bits

        def of(v: Values) -> list[sql.Composed]:
            hash_ = v.hash(self._seed)
            return [_SOME.format(hash=hash_, filter=bits.lets(hash_))]

        def take(group: Group, row: Row) -> None:
            for sent, number in zip(row, group.numbers, strict=True):
                if sent:
                    limit, hashes = self._limits[number], set(hashes_in(sent))
                    self._found[number].append(array("Q", [h for h in hashes if h % HALVES < limit]))
            if self._many > MOST_FOUND:
                self._reduce()

        able = {number: p for number, p in enumerate(places) if p.form != "dated" or self.originals.dates}
        self._read((self._target, able), of, take, bits, small=False)

    def look_at(self, number: int, hashes: Iterable[int]) -> None:
        """Look at hashes of texts, as if they were those of a place with that number."""
        some = array("Q", [h for h in hashes if h in self.originals.bits])
        if some:
            self._found[number].append(some)

    def of_texts(self, texts: Iterable[str]) -> list[int]:
        """The hashes of texts."""
        query = _TEXTS.format(v=normal(sql.Identifier("u", "v")), seed=self._seed)
        return [unsigned(row[0]) for row in self._target.conns[0].execute(query, (list(texts),))]

    def hits(self) -> tuple[Found, Found]:
        """Hashes of originals that were found, by place, and by column."""
        by_column = self._reduce()
        return {place: set().union(*some) for place, some in self._found.items()}, by_column

    def values(self, place: Place, hashes: set[int], *, kept: bool = False) -> Iterator[tuple[str, int]]:
        """Values of a column of the source with those hashes, for this process's eyes; or of what the policy keeps."""
        found: list[tuple[str, int]] = []
        bits = sieve_of(hashes)
        hash_ = sql.SQL("hashtextextended(e.v, {})").format(self._seed)

        def ask(conn: psycopg.Connection, places: Sequence[Place]) -> sql.Composed:
            values = (places[0].kept_values() if kept else None) or places[0].values()
            all_ = with_parameters(values, conn)
            return _VALUES.format(hash=hash_, values=all_, bits=bits.beside, lets=bits.lets(hash_))

        def take(_: Group, row: Row) -> None:
            found.append((row[0], unsigned(row[1])))

        self._source.read({0: place}, Question(ask, take, bits.parameters))
        return ((v, h) for v, h in found if h in hashes)

    def names(self, place: Place, hashes: set[int], names: Sequence[str]) -> set[tuple[int, str]]:
        """Which leaves of a document of the source with those hashes stand under one of the names."""
        found: set[tuple[int, str]] = set()
        bits = sieve_of(hashes)
        hash_ = sql.SQL("hashtextextended(e.v, {})").format(self._seed)

        def ask(conn: psycopg.Connection, places: Sequence[Place]) -> sql.Composed:
            leaves, shortest = with_parameters(places[0].named(names), conn), sql.Literal(SHORTEST)
            lets = bits.lets(hash_)
            return _NAMES.format(hash=hash_, leaves=leaves, bits=bits.beside, lets=lets, shortest=shortest)

        def take(_: Group, row: Row) -> None:
            found.add((unsigned(row[1]), row[0]))

        self._source.read({0: place}, Question(ask, take, bits.parameters))
        return {(h, name) for h, name in found if h in hashes}

    def _count_short(self, columns: dict[int, Place]) -> None:
        (nothing,) = self.of_texts([""])

        def of(v: Values) -> list[sql.Composed]:
            return [_SOME.format(hash=v.hash(self._seed), filter=sql.SQL("NOT {}").format(v.distinctive))]

        def take(group: Group, row: Row) -> None:
            for sent, number in zip(row, group.numbers, strict=True):
                hashes = array("Q", [h for h in hashes_in(sent) if h != nothing])
                self.originals.too_short[number].add(hashes)

        self._read((self._source, columns), of, take)

    @property
    def shares(self) -> Mapping[int, int]:
        """By place, of how many hashes one was kept."""
        return {place: HALVES // limit for place, limit in self._limits.items()}

    @property
    def _many(self) -> int:
        return sum(len(some) for found in self._found.values() for some in found)

    def _reduce(self) -> Found:
        """Leave out what is no original; the others by column."""
        found: Found = {number: set().union(*some) for number, some in self._found.items()}
        by_column = self._among(set().union(*found.values()))
        real = set().union(*by_column.values())
        for number, hashes in found.items():
            self._found[number] = [array("Q", hashes & real)]
        while self._many > MOST_FOUND:
            largest = max(self._found, key=lambda number: len(self._found[number][0]))
            limit = self._limits[largest] = self._limits[largest] // 2
            self._found[largest] = [array("Q", [h for h in self._found[largest][0] if h % HALVES < limit])]
        return by_column

    def _among(self, hashes: set[int]) -> Found:
        """Those of the hashes that are originals', by column."""
        if self.originals.kept is not None:
            return self.originals.among(hashes)
        found: defaultdict[int, set[int]] = defaultdict(set)
        bits = sieve_of(hashes)

        def of(v: Values) -> list[sql.Composed]:
            hash_ = v.hash(self._seed)
            return [_SOME.format(hash=hash_, filter=sql.SQL("{} AND {}").format(bits.lets(hash_), v.distinctive))]

        def take(group: Group, row: Row) -> None:
            for sent, number in zip(row, group.numbers, strict=True):
                found[number] |= hashes.intersection(hashes_in(sent))

        self._read((self._source, self.columns), of, take, bits)
        return found

    def _read(
        self,
        side: tuple[Readers, dict[int, Place]],
        of: Callable[[Values], list[sql.Composed]],
        take: Take,
        bits: Bits | None = None,
        *,
        small: bool = True,
    ) -> None:
        readers, columns = side

        def ask(conn: psycopg.Connection, places: Sequence[Place]) -> sql.Composed:
            from_, values = rows(places, readers.known, small=small)
            end: sql.Composable = sql.SQL("")
            if not together(places[0]) and places[0].part is None:  # one answer may be too large
                end = _IN_GROUPS.format(values[0].hash(self._seed))
            beside = sql.SQL(", {}").format(bits.beside) if bits else sql.SQL("")
            results = sql.SQL(", ").join(result for v in values for result in of(v))
            return _SELECT.format(results=results, rows=with_parameters(from_, conn), beside=beside, end=end)

        blocks = LEAST if small else LARGE
        readers.read(columns, Question(ask, take, bits.parameters if bits else {}, blocks))


def _expected(conn: psycopg.Connection, columns: Mapping[int, Place]) -> Originals:
    """Fit for about as many as there are; where that is wrong by much, the sieve lets too much through, no less."""
    known = {(schema, table, column): n for schema, table, column, n in conn.execute(_DIFFERENT)}
    most = min(DIFFERENT, max(MOST_COUNTED // max(len(columns), 1), 1024))
    originals = Originals(Bits(sum(known.get(column.key, 0) for column in columns.values())))
    for number, column in columns.items():
        limit = HALVES
        while known.get(column.key, 0) * limit > most * HALVES:
            limit //= 2
        originals.searched[number] = Different(most, limit)
    return originals
