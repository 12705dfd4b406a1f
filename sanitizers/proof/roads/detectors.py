"""Values that look like somebody's: mail, telephones, addresses of machines, accounts, cards, national ids.

Independent of any original: found is what stands outside the space that is nobody's, in whatever column. In columns
that the policy keeps as they are it is counted apart: that they may hold such values is what the policy says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, NamedTuple

from psycopg import sql

from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.proof.judged import Policy, judged, policy_of
from sanitizers.proof.octets import text_of
from sanitizers.proof.roads.answers import many
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.proof.sightings import KINDS, Kind, Tally

MOST_ROWS = 5_000
"""Of a table with more, pages are drawn with about so many rows; `full` reads all."""
LONGEST = 10_000
"""Characters of a value that are looked at; `full` looks at all."""
BATCH, FULL_BATCH = 2000, 50
"""Values in this process's memory."""

COLUMNS = """
SELECT n.nspname::text, c.relname::text, a.attname::text, c.relkind = 'r', c.relkind = 'm' OR a.attgenerated <> '',
  (SELECT coalesce(sum(greatest(p.reltuples, 0)), 0)::bigint FROM pg_class p
   WHERE (p.oid = c.oid AND c.relkind <> 'p') OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf)),
  coalesce(nullif(y.typbasetype, 0), y.oid) = 'bytea'::regtype
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid
WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.relpersistence <> 't' AND c.relispopulated
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'branchwarden_journal')
  AND y.typcategory IN ('S', 'N', 'I', 'A', 'C', 'U') AND coalesce(nullif(y.typbasetype, 0), y.oid)
    NOT IN ('uuid'::regtype, 'macaddr'::regtype, 'macaddr8'::regtype)
ORDER BY 1, 2, a.attnum
"""
"""Dates, flags, enums and ranges cannot look like any of it."""

VALUES = sql.SQL("""
SELECT u.n, {text} FROM {only}{table} AS t{sample} CROSS JOIN LATERAL (VALUES {values}) AS u (n, v)
WHERE u.v LIKE '%@%' OR u.v LIKE '%:%:%' OR u.v ~ '[0-9][.][0-9]+[.][0-9]'
  OR length(u.v) - length(translate(u.v, '0123456789', '')) >= 6
""")
"""The values that could be anything of it at all, with the number of their column."""
_WHOLE, _BEGINNING = sql.SQL("u.v"), sql.SQL("left(u.v, {})").format(sql.Literal(LONGEST))
SAMPLE = sql.SQL(" TABLESAMPLE SYSTEM ({}) REPEATABLE ({})")


class Place(NamedTuple):
    """A column of the target."""

    schema: str
    table: str
    column: str
    only: bool
    derived: bool
    estimate: int
    """Rows of the table as of its last ANALYZE; 0: unknown."""
    octets: bool
    """Whether it holds octets, which are looked at where they are a text."""

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.column}"


@dataclass(frozen=True)
class ColumnSightings:
    """A column and how many of its values hold something of each kind."""

    column: str
    policy: Policy
    counts: Mapping[Kind, int]
    sampled: bool

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind.replace('_', ' ')} {count:,}" for kind, count in self.counts.items())
        return f"{self.column} ({kinds}{' in a sample' if self.sampled else ''})"


class Detectors(Road):
    """Looks at every column that can hold text or numbers, masked or not."""

    name: ClassVar[str] = "detectors"
    title: ClassVar[str] = "Values that look like somebody's"
    question: ClassVar[str] = "Is there an address or a number in the copy that could be a real person's?"

    def look(self, site: Site) -> Found:
        """One pass over each table; sightings in columns that are kept by policy are told in the sentence alone."""
        places = [Place(*row) for row in site.target.execute(COLUMNS)]
        columns, values = read_sightings(site, places)
        against, allowed = [c for c in columns if _speaks(c)], [c for c in columns if not _speaks(c)]
        problems = tuple(f"{site.database}.{c}: no fake looks so, it may be a real one" for c in against)
        numbers = {"columns": len(places), "values": values, "sampled-tables": _sampled(site, places)}
        numbers |= {kind.replace("_", "-"): sum(c.counts.get(kind, 0) for c in against) for kind in KINDS}
        numbers["found"] = sum(sum(c.counts.values()) for c in against)
        numbers["kept"] = sum(sum(c.counts.values()) for c in allowed)
        return self.found(site, numbers, _sentence(numbers, allowed), problems, sampled=bool(numbers["sampled-tables"]))


def read_sightings(site: Site, places: list[Place]) -> tuple[list[ColumnSightings], int]:
    """Every column with sightings, and how many values were looked at closely."""
    plans = {(t.table.schema, t.table.name, c.column.name): (t, c) for t in _tables(site) for c in t.columns}
    found: list[ColumnSightings] = []
    derived: list[tuple[Place, Tally]] = []
    values = 0
    for number, ((schema, table), group) in enumerate(groupby(places, key=lambda p: (p.schema, p.table))):
        site.track.say(f"{schema}.{table}", number)
        columns = list(group)
        for place, tally in zip(columns, _tallies(site, columns), strict=True):
            values += tally.values
            if place.derived:
                derived.append((place, tally))
            elif sightings := _judge(site, place, tally, plans.get(place[:3])):
                found.append(sightings)
    return [*found, *_derived(site, derived, found)], values


def _judge(site: Site, place: Place, tally: Tally, plan: tuple[TablePlan, ColumnPlan] | None) -> ColumnSightings | None:
    policy: Policy = policy_of(*plan) if plan else "unplanned"
    counts = tally.found(sorted(judged(plan[1]), key=KINDS.index) if plan and policy == "masked" else KINDS)
    return ColumnSightings(str(place), policy, counts, _is_sampled(site, place)) if counts else None


def _derived(
    site: Site, derived: Iterable[tuple[Place, Tally]], found: list[ColumnSightings]
) -> Iterator[ColumnSightings]:
    """What Postgres computes may show what kept columns hold, and nothing else."""
    allowed = {kind for column in found if not _speaks(column) for kind in column.counts}
    for place, tally in derived:
        counts = tally.found()
        policy: Policy = "derived" if counts.keys() <= allowed else "unplanned"
        if counts:
            yield ColumnSightings(str(place), policy, counts, _is_sampled(site, place))


def _speaks(column: ColumnSightings) -> bool:
    """Whether sightings speak against the copy: nobody said that the column may hold such values."""
    return column.policy in {"masked", "unplanned"}


def _tallies(site: Site, columns: list[Place]) -> list[Tally]:
    tallies = [Tally() for _ in columns]
    first = columns[0]
    values = (sql.SQL("({}, {})").format(sql.Literal(n), _text(c)) for n, c in enumerate(columns))
    query = VALUES.format(
        text=_WHOLE if site.full else _BEGINNING,
        only=_only(first),
        table=sql.Identifier(first.schema, first.table),
        sample=_sample(site, first),
        values=sql.SQL(", ").join(values),
    )
    with site.target.cursor(name="values") as cursor:
        cursor.itersize = FULL_BATCH if site.full else BATCH
        for number, text in cursor.execute(query):
            tallies[number].add(text)
    return tallies


def _text(place: Place) -> sql.Composed:
    column = sql.Identifier("t", place.column)
    return text_of(column) if place.octets else sql.SQL("{}::text").format(column)


def _only(place: Place) -> sql.SQL:
    return sql.SQL("ONLY " if place.only else "")


def _sample(site: Site, place: Place) -> sql.Composable:
    if not _is_sampled(site, place):
        return sql.SQL("")
    return SAMPLE.format(sql.Literal(100 * MOST_ROWS / place.estimate), sql.Literal(site.seed % 2**31))


def _is_sampled(site: Site, place: Place) -> bool:
    return not site.full and place.estimate > MOST_ROWS


def _sampled(site: Site, places: list[Place]) -> int:
    return len({place[:2] for place in places if _is_sampled(site, place)})


def _tables(site: Site) -> tuple[TablePlan, ...]:
    return site.plan.tables if site.plan else ()


def _sentence(numbers: Mapping[str, int], allowed: list[ColumnSightings]) -> str:
    looked = f"{many(numbers['columns'], 'column')} looked at"
    if numbers["sampled-tables"]:
        looked += f", of {many(numbers['sampled-tables'], 'table')} about {MOST_ROWS:,} rows each"
    kept = f" By policy there are: {'; '.join(f'{c} [{c.policy}]' for c in allowed)}." if allowed else ""
    return f"{looked}; {many(numbers['found'], 'value')} outside reserved space.{kept}"
