"""What runs leave behind, ours and other tools': journals, helper schemas, temporary and unlogged tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import psycopg

from sanitizers.engines.obstacles import JOURNAL_SCHEMA
from sanitizers.proof.roads.answers import Answer, many
from sanitizers.proof.roads.road import Found, Road, Site

HELPERS = [JOURNAL_SCHEMA, "anon", "anon_funcs", "mask", "pgclone", "pgstream", "greenmask", "snaplet"]
"""Schemas of tools that mask: pools, tables of originals and fakes, and functions that read them."""
SCHEMAS = "SELECT nspname::text FROM pg_namespace WHERE nspname = ANY (%s) ORDER BY 1"
RELATIONS = """
SELECT format('%%I.%%I', n.nspname, c.relname), c.relpersistence = 'u', c.relname ~ %s
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema' AND NOT n.nspname = ANY (%s) AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""
OTHERS = """
SELECT 'SCHEMA', format('%I', n.nspname) FROM pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public') AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
UNION ALL
SELECT 'ROUTINE', format('%I.%I(%s)', n.nspname, p.proname, (
  SELECT string_agg(format('%I.%I', m.nspname, y.typname), ', ' ORDER BY u.n)  -- whatever the search path is
  FROM unnest(p.proargtypes) WITH ORDINALITY AS u (type, n) JOIN pg_type y ON y.oid = u.type
  JOIN pg_namespace m ON m.oid = y.typnamespace))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1 DESC, 2
"""
"""Schemas and functions of people, by the word that drops them; every new database has `public`."""
NAMED_BY_TOOLS = r"^_?pynonymizer_|_seed_fake_data$|^_?pganonymize|^_?dbmask_|^branchwarden_"
TEMPORARY = """
SELECT count(*) FROM pg_class
WHERE relpersistence = 't' AND relkind = 'r' AND pg_is_other_temp_schema(relnamespace)
"""
LABELS = "SELECT provider, count(*) FROM pg_seclabels WHERE provider IN ('anon', 'pgclone') GROUP BY 1 ORDER BY 1"
PREPARED = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"


class _Relation(NamedTuple):
    name: str
    unlogged: bool
    by_a_tool: bool


class Leftovers(Road):
    """The journal of a run, schemas and tables of tools, tables that the source has not, prepared transactions."""

    name: ClassVar[str] = "leftovers"
    title: ClassVar[str] = "Leftovers of runs and tools"
    question: ClassVar[str] = "Did a run, of whatever tool, leave tables or transactions behind?"

    def look(self, site: Site) -> Found:
        """By names and persistence; with a source also by what it has not."""
        schemas = sorted(_helpers(site.target) - _known(site))
        relations = _relations(site.target)
        strange = list(_strange(relations, site.source))
        labels, prepared, temporary = (_labels(site.target), _count(site.target, PREPARED), _temporary(site.target))
        problems = (
            *(f"schema {name} was left behind in {site.database}: DROP SCHEMA {name} CASCADE" for name in schemas),
            *(f"{what} was left behind in {site.database}: DROP TABLE {name}" for name, what in strange),
            *_others(site),
            *_of_sessions(site, prepared),
        )
        unseen = [f"{many(temporary, 'temporary table')} of other sessions, which nobody else can read"][:temporary]
        numbers = {
            "schemas": len(schemas),
            "tables": len(strange),
            "looked-at": len(relations),
            "labels": labels,
            "prepared": prepared,
            "temporary": temporary,
        }
        sentence = f"{many(len(relations), 'table')} looked at; {many(len(problems), 'thing')} left behind."
        return Answer(numbers, sentence, problems, tuple(unseen)).of(self, site)


def _helpers(conn: psycopg.Connection) -> set[str]:
    return {row[0] for row in conn.execute(SCHEMAS, (HELPERS,))}


def _known(site: Site) -> set[str]:
    """Schemas that only have such a name: the source has them too, or the plan decides on each of their columns."""
    planned = {table.table.schema for table in site.plan.tables} if site.plan else set()
    source = _helpers(site.source) - {JOURNAL_SCHEMA} if site.source else set()
    return planned | source | ({JOURNAL_SCHEMA} if site.journaled else set())


def _relations(conn: psycopg.Connection) -> list[_Relation]:
    return [_Relation(*row) for row in conn.execute(RELATIONS, (NAMED_BY_TOOLS, HELPERS))]


def _strange(relations: list[_Relation], source: psycopg.Connection | None) -> Iterator[tuple[str, str]]:
    known = None if source is None else {one.name: one.unlogged for one in _relations(source)}
    for one in relations:
        if one.by_a_tool:
            yield one.name, f"table {one.name} of a masking tool"
        elif known is not None and one.name not in known:
            yield one.name, f"table {one.name}, which the source has not,"
        elif known is not None and one.unlogged and not known[one.name]:
            yield one.name, f"table {one.name}, unlogged here alone,"


def _others(site: Site) -> Iterator[str]:
    """Schemas and functions that the source has not; helper schemas and what is in them are told by their names."""
    if site.source is None:
        return
    known = set(site.source.execute(OTHERS).fetchall())
    for kind, name in site.target.execute(OTHERS).fetchall():
        if (kind, name) not in known and name.partition(".")[0] not in HELPERS:
            what = "schema" if kind == "SCHEMA" else "function"
            yield f"{what} {name}, which the source has not, was left behind in {site.database}: DROP {kind} {name}"


def _of_sessions(site: Site, prepared: int) -> Iterator[str]:
    if prepared:
        yield (
            f"{site.database} has {many(prepared, 'prepared transaction')}, which keep old rows readable:"
            " ROLLBACK PREPARED each of pg_prepared_xacts"
        )


def _labels(conn: psycopg.Connection) -> int:
    """Rules of other tools in the catalog; they name columns, no values."""
    return sum(row[1] for row in conn.execute(LABELS))


def _temporary(conn: psycopg.Connection) -> int:
    return _count(conn, TEMPORARY)


def _count(conn: psycopg.Connection, query: str) -> int:
    row = conn.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
