"""Which tables of a plan are rewritten in place, which of them together, and what the catalog says of them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import psycopg

from sanitizers.plan import DatabasePlan, TablePlan

Name = tuple[str, str]
"""Schema and table."""

RELATIONS = """
SELECT t.schema, t.name, c.oid, pg_get_userbyid(c.relowner) FROM unnest(%s::text[], %s::text[]) AS t(schema, name)
JOIN pg_namespace n ON n.nspname = t.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name
"""


@dataclass(frozen=True)
class Relation:
    """A table as the catalog has it now: its owner may be another than when it was planned."""

    oid: int
    owner: str


def rewritten_tables(plan: DatabasePlan) -> tuple[TablePlan, ...]:
    """The tables that are rewritten, the largest first: it decides when the last one is done."""
    chosen = (table for table in plan.tables if table.masked or table.rows.cut)
    return tuple(sorted(chosen, key=lambda table: -table.table.total_bytes))


def together(tables: Sequence[TablePlan]) -> tuple[tuple[TablePlan, ...], ...]:
    """The tables in groups of which each is one transaction, in the order of their first tables.

    The SELECT of one table looks up originals in others where not all rows are taken, and for texts that may hold what
    rows of other tables do. So none of a group may be changed before all of it have been read.
    """
    groups = {name_of(table): [table] for table in tables}
    choosing = [name_of(table) for table in tables if table.rows.where is not None or table.rows.cut]
    links = list(pairwise(choosing))
    links += [
        (name_of(table), name_of(parent.plan))
        for table in tables
        for parent in table.parents
        if name_of(parent.plan) in groups
    ]
    for one, other in links:
        if groups[one] is not groups[other]:
            groups[one] += groups[other]
            groups.update(dict.fromkeys(map(name_of, groups[other]), groups[one]))
    place = {name_of(table): n for n, table in enumerate(tables)}
    found = {id(group): sorted(group, key=lambda table: place[name_of(table)]) for group in groups.values()}
    return tuple(map(tuple, found.values()))


def name_of(table: TablePlan) -> Name:
    """The name that the journal has the table under."""
    return (table.table.schema, table.table.name)


def find_relations(conn: psycopg.Connection, tables: Sequence[TablePlan]) -> Mapping[Name, Relation]:
    """The tables by schema and name, ends the transaction."""
    rows = conn.execute(RELATIONS, ([t.table.schema for t in tables], [t.table.name for t in tables])).fetchall()
    conn.commit()
    return {(schema, name): Relation(oid, owner) for schema, name, oid, owner in rows}
