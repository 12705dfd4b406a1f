"""Tokens of originals, and those tokens of the target's texts that may be one, in temporary tables of one server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.proof.places import Place
from sanitizers.proof.sieve import Sieve, bring, make_sieve, with_parameters
from sanitizers.proof.tokens import (
    EMAIL,
    MOST_TRIPLES,
    PAIR,
    SHORTEST_PHRASE,
    TRIPLE,
    Kind,
    runs,
    single_tokens,
    tokens,
)

MAKE = """
CREATE TEMP TABLE token (number int, whole bigint, kind int, hash bigint, need int) ON COMMIT DROP;
CREATE TEMP TABLE among (place int, kind int, hash bigint, text bigint, times bigint) ON COMMIT DROP;
CREATE TEMP TABLE spared (hash bigint) ON COMMIT DROP
"""
_TEXTS = """
SELECT n.nspname, c.relname, a.attname, coalesce(s.n_distinct, -1) > 0
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_stats s ON (s.schemaname, s.tablename, s.attname) = (n.nspname, c.relname, a.attname)
  AND s.inherited = (c.relkind = 'p')
WHERE y.typcategory NOT IN ('B', 'D', 'G', 'I', 'R', 'T', 'V') AND y.oid <> 'uuid'::regtype
"""
_SINGLE = sql.SQL("""
SELECT {number}::int, hashtextextended(k.v, {seed}), k.kind, hashtextextended(k.token, {seed}), 1
FROM ({tokens}) AS k
""")
_RUNS = sql.SQL("""
SELECT {number}::int, g.whole, g.kind, unnest(g.hashes[1:{most}]),
  CASE WHEN g.n <= 3 THEN g.n ELSE greatest(3, (g.n + 1) / 2) END
FROM (
  SELECT whole, kind, hashes, least(cardinality(hashes), {most}) AS n FROM (
    SELECT hashtextextended(k.v, {seed}) AS whole, k.kind,
      array_agg(DISTINCT hashtextextended(k.token, {seed})) AS hashes
    FROM ({tokens}) AS k
    WHERE length(k.token) >= {shortest} AND k.token ~ '[^0-9[:punct:][:space:]]'
    GROUP BY 1, 2
  ) AS run
) AS g
""")
_KEPT = sql.SQL("SELECT hashtextextended(k.token, {seed}) FROM ({tokens}) AS k")
_SPARE = "DELETE FROM pg_temp.token t USING (SELECT DISTINCT hash FROM pg_temp.spared) AS s WHERE s.hash = t.hash"
ONCE = sql.SQL("SELECT DISTINCT e.v FROM ({values}) AS e")
_AMONG = sql.SQL("""
SELECT {place}::int, h.kind, CASE WHEN {lets} THEN h.hash END, CASE WHEN {lets} THEN {text} END, count(*)
FROM (SELECT k.kind, k.v, {hash} AS hash FROM ({tokens}) AS k OFFSET 0) AS h
GROUP BY 1, 2, 3, 4
""")
BATCH = 10_000  # rows in this process's memory
Seal = Callable[[sql.Composable], sql.Composable]
"""SQL for what hashes are compared as; of originals that are compared by what was written down of them, sealed."""
_MAY_MAKE_TABLES = """
SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'
  AND has_database_privilege(current_database(), 'TEMP')
"""
_KINDS = "SELECT DISTINCT kind FROM pg_temp.token"
_KIND_OF: Mapping[int, Kind] = {EMAIL: "email", PAIR: "pair", TRIPLE: "triple"}


@dataclass(frozen=True)
class Home:
    """Where the temporary tables are."""

    conn: psycopg.Connection
    in_target: bool = False


def find_home(source: psycopg.Connection, target: psycopg.Connection) -> Home:
    """The source where tables can be made there, otherwise the target."""
    row = source.execute(_MAY_MAKE_TABLES).fetchone()
    return Home(source) if row and row[0] else Home(target, in_target=True)


@dataclass(frozen=True)
class Quoted:
    """An original in a text: both hashes as the servers write them."""

    number: int
    """Of the original's column."""
    place: int
    hash: int
    text: int


class Texts:
    """Columns in which a text or a number can stand, by schema, table and name."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._few = {(schema, table, column): few for schema, table, column, few in conn.execute(_TEXTS)}

    def __contains__(self, key: tuple[str, str, str]) -> bool:
        return key in self._few

    def repeat(self, key: tuple[str, str, str]) -> bool:
        """Whether the planner knows of few different values: then each is worth being taken apart once."""
        return bool(self._few.get(key))


class Haystack:
    """Both tables. Originals first, then `close`, then the texts."""

    def __init__(self, home: Home, seed: int, seal: Seal = lambda hash_: hash_) -> None:
        self.home = home
        self._seed = sql.Literal(seed)
        self._seal = seal
        self._sieve: Sieve | None = None
        self._writing = threading.Lock()
        home.conn.execute(MAKE)

    def add_originals(
        self, number: int, column: tuple[Place, Place], source: psycopg.Connection, *, repeat: bool
    ) -> None:
        """Take the tokens of a column's originals, and of what the policy keeps on purpose.

        Args:
            number: of the column.
            column: of which rows the originals are taken, and of all.
            source: where they are.
            repeat: whether there are few different ones.
        """
        some, all_ = column
        values = ONCE.format(values=some.values()) if repeat else some.values()
        for query, take in ((_SINGLE, single_tokens), (_RUNS, runs)):
            written = query.format(
                number=sql.Literal(number),
                seed=self._seed,
                tokens=take(values, source),
                most=sql.Literal(MOST_TRIPLES),
                shortest=sql.Literal(SHORTEST_PHRASE),
            )
            bring(self.home.conn, written, source, "token")
            kept = all_.kept_values()
            if kept is not None:
                spared = _KEPT.format(seed=self._seed, tokens=take(kept, source))
                bring(self.home.conn, spared, source, "spared")

    def add_quoted(self, found: Collection[Quoted]) -> None:
        """Take addresses that are originals, of whatever row, and that were read in texts."""
        with self.home.conn.cursor() as cursor:
            for table, rows in (
                ("token", [(q.number, q.hash, EMAIL, q.hash, 1) for q in found]),
                ("among", [(q.place, EMAIL, q.hash, q.text, 1) for q in found]),
            ):
                with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier("pg_temp", table))) as copy:
                    for row in rows:
                        copy.write_row(row)
        self.spare()

    def spare(self) -> None:
        """Leave out tokens of what the policy keeps on purpose."""
        self.home.conn.execute(_SPARE)

    def close(self) -> frozenset[Kind]:
        """Make the sieve; which kinds of tokens there are."""
        conn = self.home.conn
        self.spare()
        conn.execute("ANALYZE pg_temp.token")
        self._sieve = make_sieve(conn, sql.SQL("pg_temp.token"))
        return frozenset(_KIND_OF.get(kind, "number") for (kind,) in conn.execute(_KINDS))

    def add_texts(
        self, number: int, texts: sql.Composable, target: psycopg.Connection, kinds: Collection[Kind]
    ) -> None:
        """Take what gets through the sieve of texts `v` of the target, and count the rest."""
        if self._sieve is None:
            raise ValueError("the sieve is made of all originals, so that they come first")
        taken = tokens(texts, target, kinds)
        if taken is None:
            return
        query = _AMONG.format(
            place=sql.Literal(number),
            hash=self._seal(sql.SQL("hashtextextended(k.token, {})").format(self._seed)),
            text=self._seal(sql.SQL("hashtextextended(h.v, {})").format(self._seed)),
            tokens=with_parameters(taken, target),
            lets=self._sieve.lets(sql.SQL("h.hash")),
        )
        if target is self.home.conn:
            self._sieve.bring(target, query, "among")
        else:
            self._take(target.cursor().stream(query, {"sieve": self._sieve.bits}))

    def _take(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write rows of another server, of several sessions in turn."""
        left = iter(rows)
        while batch := list(islice(left, BATCH)):
            into = sql.SQL("COPY pg_temp.among FROM STDIN")
            with self._writing, self.home.conn.cursor().copy(into) as copy:
                for row in batch:
                    copy.write_row(row)
