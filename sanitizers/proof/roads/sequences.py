"""Sequences: each must be ahead of the column that it numbers, or the next insert fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import psycopg
from psycopg import sql

from sanitizers.plan import DatabasePlan
from sanitizers.proof.roads.answers import Answer, many
from sanitizers.proof.roads.road import Found, Road, Site

NUMBERED = """
SELECT DISTINCT n.nspname::text, c.relname::text, s.seqincrement > 0, tn.nspname::text, t.relname::text, a.attname::text
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN (
  SELECT objid AS sequence, refobjid AS relation, refobjsubid AS number FROM pg_depend
  WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
    AND refobjsubid > 0
  UNION
  SELECT d.refobjid, f.adrelid, f.adnum FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
  WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
) AS numbers ON numbers.sequence = c.oid
JOIN pg_class t ON t.oid = numbers.relation AND t.relkind IN ('r', 'p') AND NOT t.relispartition
JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = numbers.number AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid AND y.typcategory = 'N'
WHERE tn.nspname !~ '^pg_' AND c.relpersistence <> 't' ORDER BY 1, 2, 4, 5, 6
"""
"""Owned by a column, or in its default: name of the sequence, whether it counts up, and the column."""

POSITION = sql.SQL("SELECT last_value, is_called FROM {}")
REACHED = sql.SQL("SELECT {}({}) FROM {}")


class Numbered(NamedTuple):
    """A sequence and the column that it numbers."""

    schema: str
    name: str
    up: bool
    of_schema: str
    table: str
    column: str


class Sequences(Road):
    """Next numbers against the numbers that are there."""

    name: ClassVar[str] = "sequences"
    title: ClassVar[str] = "Sequences"
    question: ClassVar[str] = "Is every sequence ahead of the column that it numbers?"

    def look(self, site: Site) -> Found:
        """Compare each sequence with the column that owns it or whose default takes its numbers.

        The fakes of a masked column are none of its sequence's numbers: those are not compared.
        """
        masked = _masked(site.plan)
        found = (Numbered(*row) for row in site.target.execute(NUMBERED))
        pairs = [pair for pair in found if (pair.of_schema, pair.table, pair.column) not in masked]
        problems = tuple(self._behind(site, pairs))
        sentence = f"{many(len(pairs), 'sequence')} compared with the columns that they number."
        return Answer({"sequences": len(pairs), "behind": len(problems)}, sentence, problems).of(self, site)

    def _behind(self, site: Site, pairs: list[Numbered]) -> Iterator[str]:
        for done, pair in enumerate(pairs):
            site.track.say(f"{pair.schema}.{pair.name}", done, len(pairs))
            if _is_behind(site.target, pair) and not _was_so(site, pair):
                yield (
                    f"sequence {site.database}.{pair.schema}.{pair.name} is behind"
                    f" {pair.of_schema}.{pair.table}.{pair.column}: the next insert may fail (setval)"
                )


def _masked(plan: DatabasePlan | None) -> set[tuple[str, str, str]]:
    tables = plan.tables if plan else ()
    return {(t.table.schema, t.table.name, c.column.name) for t in tables for c in t.columns if c.masked}


def _was_so(site: Site, pair: Numbered) -> bool:
    """Whether the source has the same trouble: then it is production's, and a copy is to have it."""
    if site.source is None:
        return False
    names = [sql.Identifier(*name).as_string() for name in ((pair.schema, pair.name), (pair.of_schema, pair.table))]
    row = site.source.execute("SELECT to_regclass(%s) IS NOT NULL AND to_regclass(%s) IS NOT NULL", names).fetchone()
    return bool(row and row[0]) and _is_behind(site.source, pair)


def _is_behind(conn: psycopg.Connection, pair: Numbered) -> bool:
    position = conn.execute(POSITION.format(sql.Identifier(pair.schema, pair.name))).fetchone()
    best = sql.SQL("max" if pair.up else "min")
    table = sql.Identifier(pair.of_schema, pair.table)
    reached = conn.execute(REACHED.format(best, sql.Identifier(pair.column), table)).fetchone()
    if position is None or reached is None or reached[0] is None:
        return False
    last, called = position
    if last == reached[0]:
        return not called
    return bool(last < reached[0]) if pair.up else bool(last > reached[0])
