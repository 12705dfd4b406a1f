"""Whether strategies of other packages give equal fakes when they are asked again: SQL of theirs may be volatile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
from psycopg import sql

from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.select import masked_select
from sanitizers.strategies import PLUGINS
from sanitizers.strategies.keep import Keep

ROWS = 100
_ALONE = """
SELECT set_config('max_parallel_workers_per_gather', '0', true), set_config('synchronize_seqscans', 'off', true)
"""
"""Otherwise the same question may be answered with other rows."""
_OTHER = sql.SQL("SELECT count(*) FROM (({rows}) EXCEPT ALL ({rows})) AS other")


def unsteady_problems(conn: psycopg.Connection, table: TablePlan) -> Iterator[str]:
    """Half a sentence for every column whose fakes change; asks nothing where no other package has strategies.

    In the trial's transaction, for a table whose masked SELECT has passed.
    """
    masked = [plan for plan in table.columns if plan.masked] if PLUGINS.strategies else []
    if masked and _changes(conn, table):
        for plan in masked:
            if _changes(conn, _alone(table, plan)):
                yield (
                    f"{plan.column.name}: {plan.strategy.kind} does not fit: it gives other fakes each time it is"
                    " asked: make them of the digest alone"
                )


def _changes(conn: psycopg.Connection, table: TablePlan) -> bool:
    rows = sql.SQL("SELECT m::text FROM ({}) AS m LIMIT {}").format(masked_select(table), sql.Literal(ROWS))
    conn.execute(_ALONE)
    row = conn.execute(_OTHER.format(rows=rows)).fetchone()
    return bool(row and row[0])


def _alone(table: TablePlan, chosen: ColumnPlan) -> TablePlan:
    columns = (plan if plan is chosen else replace(plan, strategy=Keep()) for plan in table.columns)
    return replace(table, columns=tuple(columns))
