"""Does staging still behave like production? NULLs, different values, lengths and shapes of columns on both sides.

Nothing here fails a run. No value is in it: lengths, counts, and shapes (letters as `a` and `A`, digits as `9`) that
many rows share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import psycopg
from psycopg import sql

from sanitizers.plan import ColumnPlan, DatabasePlan
from sanitizers.proof.places import Place, read_columns
from sanitizers.proof.roads.road import Site

MOST_ROWS = 4_000
"""Of a table with more, pages are drawn with about so many rows on either side; `full` reads all."""
SHARED_BY = 20
"""Rows that share a shape at least, so that none tells of a person."""
MOST_SHAPES = 5
LONGEST_SHAPE = 40

FAR_NULLS = 0.05
"""Difference of the shares."""
FAR_DISTINCT = 2.0
FAR_LENGTH = 0.5
"""Of the median, where it is more than a few characters."""
FEW_CHARACTERS = 4
FEW_VALUES = 20
EMPTYING = frozenset({"null", "constant"})
"""Strategies that are to change all of this."""

ROWS = """
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class c
WHERE c.oid = to_regclass(%s) AND c.relkind <> 'p'
  OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(%s)) WHERE isleaf)
"""
SAMPLE = sql.SQL(" TABLESAMPLE SYSTEM ({}) REPEATABLE ({})")
PROFILES = sql.SQL("""
SELECT u.n, count(*), count(u.v), count(DISTINCT hashtextextended(u.v, 0)), min(length(u.v)),
  percentile_disc(0.5) WITHIN GROUP (ORDER BY length(u.v)), max(length(u.v))
FROM {relation} AS t{sample} CROSS JOIN LATERAL (VALUES {values}) AS u (n, v) GROUP BY u.n ORDER BY u.n
""")
SHAPES = sql.SQL("""
SELECT n, shape, rows FROM (
  SELECT u.n, CASE WHEN octet_length(u.v) = length(u.v) THEN {plain} ELSE {other} END AS shape,
    count(*) AS rows, row_number() OVER (PARTITION BY u.n ORDER BY count(*) DESC) AS place
  FROM {relation} AS t{sample} CROSS JOIN LATERAL (VALUES {values}) AS u (n, v) WHERE u.v IS NOT NULL
  GROUP BY 1, 2 HAVING count(*) >= {shared}
) AS s WHERE place <= {most} ORDER BY n, rows DESC, shape COLLATE "C"
""")
_PLAIN = sql.SQL("translate(left(u.v, {longest}), {letters}, {classes})")
_OTHER = sql.SQL("regexp_replace({plain}, '[^ -~]', 'a', 'g')")
_LOWER, _UPPER, _DIGITS = "etaoinshrdlcumwfgypbvkjxqz", "ETAOINSHRDLCUMWFGYPBVKJXQZ", "0123456789"
"""The frequent ones first, which `translate` finds sooner."""


@dataclass(frozen=True)
class Shape:
    """How values look, and how many rows look so."""

    text: str
    rows: int


@dataclass(frozen=True)
class Profile:
    """A column in numbers, of the rows that were looked at. Lengths are in characters of the value as text."""

    rows: int
    values: int
    """That are not NULL."""
    distinct: int
    shortest: int | None
    median: int | None
    longest: int | None
    shapes: tuple[Shape, ...] = ()
    """The most frequent ones first; none that fewer than 20 rows share."""

    @property
    def null_share(self) -> float:
        """From 0 to 1."""
        return 1 - self.values / self.rows if self.rows else 0.0

    @property
    def distinct_share(self) -> float:
        """Different values of all that there are, from 0 to 1."""
        return self.distinct / self.values if self.values else 0.0


@dataclass(frozen=True)
class ColumnFidelity:
    """A column of the target next to the source's."""

    column: str
    masked: bool
    target: Profile
    source: Profile | None
    sampled: bool
    warnings: tuple[str, ...] = ()
    """What is far off, half a sentence each."""


@dataclass(frozen=True)
class Fidelity:
    """All columns of a database."""

    database: str
    columns: tuple[ColumnFidelity, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for everything that is far off."""
        return tuple(f"{self.database}.{c.column}: {warning}" for c in self.columns for warning in c.warnings)


class _Sides(NamedTuple):
    target: Profile
    source: Profile | None
    sampled: bool


def read_fidelity(site: Site) -> Fidelity:
    """Two passes over each table of either side, or over a sample of it."""
    plans = _plans(site.plan)
    found: list[ColumnFidelity] = []
    places = [place for place in read_columns(site.target) if not place.derived]
    for number, (table, group) in enumerate(groupby(places, key=lambda p: p.key[:2])):
        site.track.say(".".join(table), number)
        columns = list(group)
        source = site.source if site.source and _is_there(site.source, columns) else None
        with ThreadPoolExecutor(1) as other:  # on two servers
            after = other.submit(_profiles, site, site.target, columns)
            there = _profiles(site, source, columns) if source else {}
        here = after.result()
        sides = [_Sides(here[n], there.get(n), _sampled(site, site.target, place)) for n, place in enumerate(columns)]
        found += (_compared(place, plans.get(place.key), side) for place, side in zip(columns, sides, strict=True))
    return Fidelity(site.database, tuple(found))


def far_off(target: Profile, source: Profile) -> Iterator[str]:
    """Half a sentence for each number that behaves otherwise; pure."""
    if abs(target.null_share - source.null_share) > FAR_NULLS:
        yield f"{target.null_share:.0%} of the values are NULL, in the source {source.null_share:.0%}"
    if source.distinct > FEW_VALUES and not _near(target.distinct_share, source.distinct_share, FAR_DISTINCT):
        yield f"{target.distinct:,} different values, in the source {source.distinct:,}"
    if (
        source.median
        and target.median is not None
        and abs(target.median - source.median) > max(FEW_CHARACTERS, source.median * FAR_LENGTH)
    ):
        yield f"half of the values have {target.median} characters or fewer, in the source {source.median}"
    first = next(iter(source.shapes), None)
    if first and first.rows * 2 > source.values and first.text not in {shape.text for shape in target.shapes}:
        yield f"most values of the source look like {first.text}, and hardly any here"


def _near(one: float, other: float, times: float) -> bool:
    return one <= other * times and other <= one * times


def _compared(place: Place, plan: ColumnPlan | None, sides: _Sides) -> ColumnFidelity:
    target, source, sampled = sides
    masked = plan is not None and plan.masked
    meant = plan is not None and str(plan.strategy.kind) in EMPTYING
    warnings = tuple(far_off(target, source)) if source and masked and not meant else ()
    return ColumnFidelity(str(place), masked, target, source, sampled, warnings)


def _profiles(site: Site, conn: psycopg.Connection, columns: Sequence[Place]) -> Mapping[int, Profile]:
    parts = {"relation": _relation(columns[0]), "sample": _sample(site, conn, columns[0]), "values": _values(columns)}
    plain = _PLAIN.format(
        longest=sql.Literal(LONGEST_SHAPE),
        letters=sql.Literal(_DIGITS + _LOWER + _UPPER),
        classes=sql.Literal("9" * len(_DIGITS) + "a" * len(_LOWER) + "A" * len(_UPPER)),
    )
    other, shared, most = _OTHER.format(plain=plain), sql.Literal(SHARED_BY), sql.Literal(MOST_SHAPES)
    shapes = SHAPES.format(**parts, plain=plain, other=other, shared=shared, most=most)
    looks: dict[int, list[Shape]] = {}
    for n, text, rows in conn.execute(shapes):
        looks.setdefault(n, []).append(Shape(text, rows))
    found: dict[int, Profile] = {}
    for n, rows, values, distinct, least, half, most in conn.execute(PROFILES.format(**parts)):
        found[n] = Profile(rows, values, distinct, least, half, most, tuple(looks.get(n, ())))
    empty = Profile(0, 0, 0, None, None, None)
    return {n: found.get(n, empty) for n in range(len(columns))}


def _values(columns: Iterable[Place]) -> sql.Composed:
    value = sql.SQL("({}, {}::text)")
    return sql.SQL(", ").join(
        value.format(sql.Literal(n), sql.Identifier("t", c.column)) for n, c in enumerate(columns)
    )


def _relation(place: Place) -> sql.Composed:
    return sql.SQL("{}{}").format(sql.SQL("ONLY " if place.only else ""), sql.Identifier(place.schema, place.table))


def _sample(site: Site, conn: psycopg.Connection, place: Place) -> sql.Composable:
    if not _sampled(site, conn, place):
        return sql.SQL("")
    share = 100 * MOST_ROWS / _estimate(conn, place)
    return SAMPLE.format(sql.Literal(share), sql.Literal(site.seed % 2**31))


def _sampled(site: Site, conn: psycopg.Connection, place: Place) -> bool:
    return not site.full and _estimate(conn, place) > MOST_ROWS


def _estimate(conn: psycopg.Connection, place: Place) -> int:
    name = sql.Identifier(place.schema, place.table).as_string(conn)
    row = conn.execute(ROWS, (name, name)).fetchone()
    return int(row[0]) if row else 0


def _is_there(source: psycopg.Connection, columns: Sequence[Place]) -> bool:
    there = {place.key for place in read_columns(source)}
    return all(place.key in there for place in columns)


def _plans(plan: DatabasePlan | None) -> Mapping[tuple[str, str, str], ColumnPlan]:
    tables = plan.tables if plan else ()
    return {(t.table.schema, t.table.name, c.column.name): c for t in tables for c in t.columns}
