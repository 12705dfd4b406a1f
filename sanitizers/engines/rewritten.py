"""Which tables of a plan are rewritten in place, which of them together, and what the catalog says of them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    """The tables in groups of which each is one transaction.

    Where not all rows are taken, and for texts that may hold what rows of other tables do, the SELECT of one table
    looks up originals in others, so none may be changed before all have been read.
    """
    asked = {name_of(parent.plan) for table in tables for parent in table.parents}
    asking = tuple(t for t in tables if t.rows.where is not None or t.rows.cut or t.parents or name_of(t) in asked)
    alone = tuple((table,) for table in tables if table not in asking)
    return (asking, *alone) if asking else alone


def name_of(table: TablePlan) -> Name:
    """The name that the journal has the table under."""
    return (table.table.schema, table.table.name)


def find_relations(conn: psycopg.Connection, tables: Sequence[TablePlan]) -> Mapping[Name, Relation]:
    """The tables by schema and name, ends the transaction."""
    rows = conn.execute(RELATIONS, ([t.table.schema for t in tables], [t.table.name for t in tables])).fetchall()
    conn.commit()
    return {(schema, name): Relation(oid, owner) for schema, name, oid, owner in rows}
