"""The plan tried on a database of its schema: read only, nothing is made there, no value leaves it.

Postgres judges what no model of it can: types and casts of people's SQL, what it would call, and whether some rows of
each table still hold to their constraints once they are masked. It runs on a hot standby and for a role without TEMP.
The fakes are drawn with a key of the trial's own, thrown away after it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.called import call_problems
from sanitizers.deparse import DEPARSE
from sanitizers.digests import KEY_BYTES, KEY_SETTING
from sanitizers.explain import explain
from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.select import masked_select
from sanitizers.strategies.keep import Keep
from sanitizers.strategies.shuffle import Shuffle

ROWS = 1000
"""Of each table, those that are read first."""

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
_COUNT = sql.SQL(
    "SELECT {counts} FROM (SELECT {columns} FROM (SELECT * FROM ({masked}) AS n LIMIT {rows}) AS m OFFSET 0) AS t"
)
_BROKEN = sql.SQL("count(*) FILTER (WHERE ({}) IS FALSE)")
_DONE = sql.SQL("0 * count(ROW({}))")
_EMPTY = sql.SQL("count(*) FILTER (WHERE {} IS NULL)")


@dataclass(frozen=True)
class Check:
    """A condition that rows must hold to, as the server writes it."""

    name: str
    condition: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """What must be true of every masked row: how many are counted for which it is not, and what is said then."""

    count: sql.Composable
    sentence: str


@dataclass(frozen=True)
class Computed:
    """An expression over a row, and what it is of."""

    about: str
    expression: str

    def concerns(self, column: str) -> bool:
        """Whether it may name the column."""
        return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", self.expression) is not None


Conditions = dict[tuple[str, str], list[Check | Computed]]
"""By schema and table."""


def try_plan(conn: psycopg.Connection[Any], plan: DatabasePlan) -> tuple[str, ...]:
    """Every reason why the database would refuse the plan, a sentence each, naming tables and constraints, no values.

    The connection is to a database of the plan's schema, outside a transaction; it is left as it was.
    """
    with conn.transaction(force_rollback=True):
        conn.execute("SET TRANSACTION READ ONLY")
        conn.execute(
            "SELECT set_config(%s, %s, true), set_config('row_security', 'off', true)",
            (KEY_SETTING, secrets.token_hex(KEY_BYTES)),
        )
        checks = _read_checks(conn)
        return tuple(
            f"{plan.database}.{table.table.qualified}: {problem}."
            for table in plan.tables
            if table.masked and not table.empty
            for problem in _try_table(conn, table, checks.get((table.table.schema, table.table.name), []))
        )


def _read_checks(conn: psycopg.Connection[Any]) -> Conditions:
    found: Conditions = {}
    with conn.transaction(force_rollback=True):
        conn.execute(DEPARSE)
        for schema, table, name, condition, columns in conn.execute(CHECKS):
            found.setdefault((schema, table), []).append(Check(name, condition, tuple(columns)))
        for schema, table, about, expression in conn.execute(COMPUTED):
            found.setdefault((schema, table), []).append(Computed(about, expression))
    return found


def _try_table(conn: psycopg.Connection[Any], table: TablePlan, checks: Sequence[Check | Computed]) -> Iterator[str]:
    called = list(call_problems(conn, table))
    yield from called
    if called:  # nothing that may not be called is run
        return
    planned = sql.SQL("EXPLAIN {}").format(masked_select(table))
    refused = _refusal(conn, planned)
    if refused is not None:
        yield from _culprits(conn, table) or [_words(refused)]
        return
    yield from _hold(conn, _in_place(table), checks)


def _culprits(conn: psycopg.Connection[Any], table: TablePlan) -> list[str]:
    """The columns that cannot be planned even where no other is masked."""
    problems = []
    for plan in table.columns:
        if plan.masked:
            error = _refusal(conn, sql.SQL("EXPLAIN {}").format(masked_select(_alone(table, plan))))
            if error is not None:
                problems.append(f"{plan.column.name}: {plan.strategy.kind} does not fit: {_words(error)}")
    return problems


def _alone(table: TablePlan, only: ColumnPlan) -> TablePlan:
    """The table with one masked column."""
    return replace(table, columns=tuple(p if p is only else replace(p, strategy=Keep()) for p in table.columns))


def _in_place(table: TablePlan) -> TablePlan:
    """The table without its shuffles, which need all rows: what they put into a column is what it has."""
    columns = (replace(p, strategy=Keep()) if isinstance(p.strategy, Shuffle) else p for p in table.columns)
    return replace(table, columns=tuple(columns))


def _hold(conn: psycopg.Connection[Any], table: TablePlan, checks: Sequence[Check | Computed]) -> Iterator[str]:
    claims = [*_claims(table, checks)]
    counted = _count(conn, table, claims)
    if isinstance(counted, psycopg.Error):
        yield from _failures(conn, table, claims, counted)
        return
    rows, *broken = counted
    for claim, count in zip(claims, broken, strict=True):
        if count:
            yield f"{claim.sentence} in {count} of {rows} rows that were tried"


def _claims(table: TablePlan, checks: Sequence[Check | Computed]) -> Iterator[Claim]:
    masked = {p.column.name: p for p in table.columns if p.masked}
    computed = {c.name for c in table.table.columns if c.generated}
    for check in checks:
        if isinstance(check, Check):
            yield from _check_claim(check, masked, computed)
        elif any(check.concerns(name) for name in (*masked, *computed)):
            yield Claim(_DONE.format(sql.SQL(check.expression)), f"{check.about} can be made of the fakes")
    for name, plan in masked.items():
        if plan.column.not_null:
            empty = _EMPTY.format(sql.Identifier("t", name))
            yield Claim(empty, f"{name} is NOT NULL and {plan.strategy.kind} leaves it NULL")


def _check_claim(check: Check, masked: Mapping[str, ColumnPlan], computed: Collection[str]) -> Iterator[Claim]:
    by = ", ".join(f"{name} ({masked[name].strategy.kind})" for name in check.columns if name in masked)
    if not by and set(computed) & set(check.columns):
        by = "columns that are generated from masked ones"
    if by:
        yield Claim(_BROKEN.format(sql.SQL(check.condition)), f"check {check.name} would be broken by {by}")


def _count(conn: psycopg.Connection[Any], table: TablePlan, claims: Sequence[Claim]) -> tuple[int, ...] | psycopg.Error:
    """Rows, and for each claim those that break it."""
    # Every value is needed, or Postgres would not compute those that no claim is about, and their casts go untried.
    computed = [c for c in table.table.columns if c.generated and c.generated_as]
    whole = [sql.SQL("count({})").format(sql.Identifier("t", c.name)) for c in (*_present(table), *computed)]
    counts = sql.SQL(", ").join([sql.SQL("count(*)"), *(claim.count for claim in claims), *whole])
    generated = [sql.SQL("({}) AS {}").format(sql.SQL(c.generated_as), sql.Identifier(c.name)) for c in computed]
    query = _COUNT.format(
        counts=counts,
        columns=sql.SQL(", ").join([sql.SQL("m.*"), *generated]),
        masked=masked_select(table),
        rows=sql.Literal(ROWS),
    )
    try:
        with conn.transaction():
            row = conn.execute(query).fetchone()
    except psycopg.Error as error:
        return error
    return tuple(row[: len(claims) + 1]) if row else (0,) * (len(claims) + 1)


def _present(table: TablePlan) -> list[Any]:
    return [plan.column for plan in table.columns if plan.masked]


def _failures(
    conn: psycopg.Connection[Any], table: TablePlan, claims: Sequence[Claim], error: psycopg.Error
) -> Iterator[str]:
    """Which column it was, or which claim, or only that it failed."""
    found = [
        f"{plan.column.name}: {plan.strategy.kind} does not fit: {_read(alone)}"
        for plan in table.columns
        if plan.masked
        and not plan.strategy.masked_expression
        and isinstance(alone := _count(conn, _alone(table, plan), ()), psycopg.Error)
    ]
    if not found and not isinstance(_count(conn, table, ()), psycopg.Error):
        found = [
            f"it cannot be told whether {claim.sentence}: {_read(alone)}"
            for claim in claims
            if isinstance(alone := _count(conn, table, [claim]), psycopg.Error)
        ]
    yield from found or [_read(error)]


def _refusal(conn: psycopg.Connection[Any], query: sql.Composed) -> psycopg.Error | None:
    try:
        with conn.transaction():
            conn.execute(query)
    except psycopg.Error as error:
        return error
    return None


def _read(error: psycopg.Error) -> str:
    """The error of a statement that read rows: its words may be theirs, whatever its code."""
    return str(explain(error, "it fails on a row that was tried"))


def _words(error: psycopg.Error) -> str:
    """The error without values. What Postgres says about a statement that it only planned names types and functions."""
    if (error.sqlstate or "").startswith("42") and error.diag.message_primary:
        return f"{error.diag.message_primary} (SQLSTATE {error.sqlstate})"
    return str(explain(error, "it fails on a row that was tried"))
