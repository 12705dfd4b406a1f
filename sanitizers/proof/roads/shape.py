"""Whether the target is the source's double but for the values: rows, constraints, indexes, triggers, views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import psycopg
from psycopg import sql

from sanitizers.plan import TablePlan
from sanitizers.proof.alike import INVALID, differences
from sanitizers.proof.roads.answers import Answer, many
from sanitizers.proof.roads.road import Found, Road, Site
from sanitizers.select import counted_select

ROWS = sql.SQL("SELECT count(*) FROM {}{}")
CONSTRAINTS = """
SELECT concat_ws(' of ', k.conname, k.conrelid::regclass), k.convalidated
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('f', 'c') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
"""


class Shape(Road):
    """Row counts, foreign keys, checks, indexes and all other definitions next to the source's."""

    name: ClassVar[str] = "shape"
    title: ClassVar[str] = "Rows, keys and indexes"
    question: ClassVar[str] = "Does the copy hold every row, under the constraints that production has?"

    def look(self, site: Site) -> Found:
        """Compare; where there is no source, what is not valid cannot be told from what never was."""
        constraints = site.target.execute(CONSTRAINTS).fetchall()
        loose = [name for name, valid in constraints if not valid]
        tables = site.plan.tables if site.plan else ()
        rows, problems = _compare(site, tables)
        numbers = {"tables": len(tables), "rows": rows, "constraints": len(constraints), "not-valid": len(loose)}
        sentence = f"{many(rows, 'row')} of {many(len(tables), 'table')} and {many(len(constraints), 'constraint')}."
        return Answer(numbers, sentence, problems, tuple(_unseen(site, loose))).of(self, site)


def _compare(site: Site, tables: tuple[TablePlan, ...]) -> tuple[int, tuple[str, ...]]:
    """Rows of the target, and a sentence for everything that is otherwise."""
    if site.compared is not None:
        return site.compared.rows, site.compared.problems
    rows, lost = _counted(site, tables)
    if site.source is not None:
        return rows, (*lost, *differences(site.source, site.target, later=True))
    return rows, (*lost, *_broken([row[0] for row in site.target.execute(INVALID)]))


def _broken(invalid: list[str]) -> Iterator[str]:
    yield from (f"index {name} is invalid" for name in invalid)


def _unseen(site: Site, loose: list[str]) -> Iterator[str]:
    if site.compared is not None:
        return
    if site.source is None:
        yield "whether the copy is built as its source: there is no source to compare with"
        yield from (f"whether constraint {name} was NOT VALID in the source" for name in loose)
    elif site.plan is None:
        yield "row counts: without a plan nobody knows which rows were to be taken"


def _counted(site: Site, tables: tuple[TablePlan, ...]) -> tuple[int, list[str]]:
    """Rows of the target, and a sentence for every table with other rows than it must have."""
    total, problems = 0, []
    for number, table in enumerate(tables):
        site.track.say(table.table.qualified, number, len(tables))
        total += (has := rows_of(site.target, table))
        if site.source is not None and (had := rows_to_take(site.source, table)) != has:
            problems.append(f"{site.database}.{table.table.qualified} has {has} rows, it must have {had}")
    return total, problems


def rows_of(conn: psycopg.Connection, table: TablePlan) -> int:
    """Rows of a table, without those of inheritance children, which are tables of their own."""
    only = sql.SQL("" if table.table.partitioned else "ONLY ")
    row = conn.execute(ROWS.format(only, sql.Identifier(table.table.schema, table.table.name))).fetchone()
    return int(row[0]) if row else 0


def rows_to_take(conn: psycopg.Connection, table: TablePlan) -> int:
    """Rows that the plan takes; the session needs its key."""
    row = conn.execute(counted_select(table)).fetchone()
    return int(row[0]) if row else 0
