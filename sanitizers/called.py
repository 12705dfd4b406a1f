"""What people's SQL would call on a database: functions and operators, whose they are and how volatile. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from sanitizers.conditions import Expression, read_expression
from sanitizers.plan import TablePlan

_DECLARED = """
SELECT bool_or(provolatile = 'v'), bool_or(prokind <> 'f' OR proretset)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname || '.' || p.proname = %s
HAVING count(*) > 0
"""

# What the database itself brought along under a name that the session sees; what an extension brought counts as known.
_OWN = """
SELECT n.nspname || '.' || p.proname, p.provolatile = 'v', e.objid IS NOT NULL
FROM {named} JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e'
WHERE n.nspname <> 'pg_catalog' AND {condition} AND {seen} = ANY (
  SELECT oid FROM pg_namespace WHERE nspname = ANY (current_schemas(true)))
"""
_FUNCTIONS = _OWN.format(named="pg_proc p", condition="p.proname = %s", seen="p.pronamespace")
_OPERATORS = _OWN.format(
    named="pg_operator o JOIN pg_proc p ON p.oid = o.oprcode", condition="o.oprname = %s", seen="o.oprnamespace"
)


@dataclass(frozen=True)
class Written:
    """SQL of a person's and where in the policy it stands."""

    where: str
    text: str
    functions: tuple[str, ...] = ()


def written_sql(table: TablePlan) -> Iterator[Written]:
    """Every expression that the policy has about a table."""
    for name, text in (("rows", table.rule.condition), ("keep_rows", table.rule.keep_rows)):
        if text:
            yield Written(name, text)
    for plan in table.columns:
        strategy = plan.strategy
        for text in (strategy.keep_if, strategy.row_expression, strategy.masked_expression):
            if text:
                yield Written(f"{plan.column.name} ({strategy.kind})", text, strategy.row_functions)


def call_problems(conn: psycopg.Connection, table: TablePlan) -> Iterator[str]:
    """What the table's expressions must not call, half a sentence each."""
    names = {"value", *(column.name for column in table.table.columns)}
    for written in written_sql(table):
        used = read_expression(written.text, names, written.functions)
        yield from (f"{written.where}: {problem}" for problem in _problems(conn, used, written.functions))


def _problems(conn: psycopg.Connection, used: Expression, declared: tuple[str, ...]) -> Iterator[str]:
    for name in sorted(used.functions & set(declared)):
        yield from _declared(conn, name)
    for name in sorted(used.functions - set(declared)):
        yield from _own(conn, _FUNCTIONS, name, f"{name}()", declared)
    for name in sorted(used.operators):
        # != is another word for <>
        yield from _own(conn, _OPERATORS, "<>" if name == "!=" else name, f"operator {name}", declared)


def _declared(conn: psycopg.Connection, name: str) -> Iterator[str]:
    row = conn.execute(_DECLARED, (name,)).fetchone()
    if row is None:
        yield f"there is no function {name}"
    elif row[1]:
        yield f"{name} is no plain function: it yields sets, or sums up rows"
    elif row[0]:
        yield f"{name} is VOLATILE: only IMMUTABLE and STABLE functions may be called"


def _own(conn: psycopg.Connection, query: str, name: str, what: str, declared: tuple[str, ...]) -> Iterator[str]:
    for function, volatile, of_extension in conn.execute(query.encode(), (name,)).fetchall():
        if volatile:
            yield f"{what} may call {function}, which is VOLATILE"
        elif not of_extension and function not in declared:
            yield f"{what} may call {function}, which the policy does not declare under functions"
