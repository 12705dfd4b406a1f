"""What must be true of masked rows: checks, NOT NULL, and that indexes and statistics can be made. Reads only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.deparse import DEPARSE
from sanitizers.plan import TablePlan
from sanitizers.schema import Column

CHECKS = """
SELECT n.nspname, c.relname, k.conname, pg_get_expr(k.conbin, k.conrelid),
  ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'c' AND k.convalidated AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
ORDER BY 1, 2, 3
"""
COMPUTED = """
SELECT n.nspname, c.relname, e.about, e.expression
FROM (
  SELECT x.indrelid, 'index ' || i.relname, pg_get_expr(x.indexprs, x.indrelid)
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
  UNION ALL
  SELECT x.indrelid, 'index ' || i.relname, pg_get_expr(x.indpred, x.indrelid)
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
  UNION ALL
  SELECT s.stxrelid, 'statistics ' || s.stxname, pg_get_expr(s.stxexprs, s.stxrelid) FROM pg_statistic_ext s
) AS e (relation, about, expression)
JOIN pg_class c ON c.oid = e.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE e.expression IS NOT NULL AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2, 3
"""
"""What Postgres computes of a row for indexes and statistics: a fake that it fails on ends the run at its very end."""
_BROKEN = sql.SQL("count(*) FILTER (WHERE ({}) IS FALSE)")
_DONE = sql.SQL("0 * count(ROW({}))")

PAGE, HEADER, POINTER = 8160, 24, 18
"""Bytes: of the longest row that a page takes, of its header, of a value that stands beside the row."""
WIDE = (PAGE - HEADER) // POINTER - 1
"""With so many columns even rows whose values all stand beside them may be too long."""
_EXACT = frozenset({"integer", "date", "timestamp", "uuid", "boolean", "enum"})
_SHORT = sql.SQL("least(greatest(pg_column_size({0}) - 3, 1), {1})")
_TOO_LONG = sql.SQL("count(*) FILTER (WHERE (SELECT sum(b.size) FROM unnest(ARRAY[{}]) AS b (size)) > {})")
_EMPTY = sql.SQL("count(*) FILTER (WHERE {} IS NULL)")


@dataclass(frozen=True)
class Check:
    """A condition that rows must hold to, as the server writes it."""

    name: str
    condition: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Computed:
    """An expression over a row, and what it is of."""

    about: str
    expression: str

    def concerns(self, column: str) -> bool:
        """Whether it may name the column."""
        return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", self.expression) is not None


@dataclass(frozen=True)
class Claim:
    """What must be true of every masked row: how many are counted for which it is not, and what is said then."""

    count: sql.Composable
    sentence: str


Conditions = dict[tuple[str, str], list[Check | Computed]]
"""By schema and table."""


def read_conditions(conn: psycopg.Connection[Any]) -> Conditions:
    """The checks, indexes' and statistics' expressions of every table, as the server writes them."""
    found: Conditions = {}
    with conn.transaction(force_rollback=True):
        conn.execute(DEPARSE)
        for schema, table, name, condition, columns in conn.execute(CHECKS):
            found.setdefault((schema, table), []).append(Check(name, condition, tuple(columns)))
        for schema, table, about, expression in conn.execute(COMPUTED):
            found.setdefault((schema, table), []).append(Computed(about, expression))
    return found


def find_claims(table: TablePlan, conditions: Sequence[Check | Computed]) -> Iterator[Claim]:
    """What fakes of the table could break."""
    masked = {p.column.name: p for p in table.columns if p.masked}
    yield from _of_length(table)
    computed = {c.name for c in table.table.columns if c.generated}
    changed: dict[str, str] = dict.fromkeys(table.rows.cut, "NULL where the row that it refers to is left out")
    changed.update((name, plan.strategy.kind) for name, plan in masked.items())
    for condition in conditions:
        if isinstance(condition, Check):
            yield from _of_check(condition, changed, computed)
        elif any(condition.concerns(name) for name in (*changed, *computed)):
            yield Claim(_DONE.format(sql.SQL(condition.expression)), f"{condition.about} can be made of the fakes")
    for name, plan in masked.items():
        if plan.column.not_null:
            empty = _EMPTY.format(sql.Identifier("t", name))
            yield Claim(empty, f"{name} is NOT NULL and {plan.strategy.kind} leaves it NULL")
    for column in table.table.columns:
        if masked and column.generated_as and column.not_null:
            empty = _EMPTY.format(sql.Identifier("t", column.name))
            yield Claim(empty, f"{column.name} is NOT NULL and would be generated as NULL")


def _of_length(table: TablePlan) -> Iterator[Claim]:
    if len(table.columns) > WIDE and any(p.masked for p in table.columns):
        advice = "make some columns NULL, or keep them,"
        yield Claim(_too_long(table), f"a masked row would be longer than a page (8 kB): {advice}")


def _too_long(table: TablePlan) -> sql.Composable:
    """Rows that are too long for sure: what the least is that each value takes is known, the gaps between are not."""
    sizes = sql.SQL(", ").join(_least(p.column) for p in table.columns)
    return _TOO_LONG.format(sizes, sql.Literal(PAGE - HEADER))


def _least(column: Column) -> sql.Composable:
    value = sql.Identifier("t", column.name)
    if column.category in _EXACT:
        return sql.SQL("pg_column_size({})").format(value)
    return _SHORT.format(value, sql.Literal(POINTER))


def _of_check(check: Check, changed: Mapping[str, str], computed: Collection[str]) -> Iterator[Claim]:
    by = ", ".join(f"{name} ({changed[name]})" for name in check.columns if name in changed)
    if not by and set(computed) & set(check.columns):
        by = "columns that are generated from masked ones"
    if by:
        yield Claim(_BROKEN.format(sql.SQL(check.condition)), f"check {check.name} would be broken by {by}")
