"""A copy that was cut off, and whose source has changed since: half of each state would be no copy of either.

Everything is loaded once more, or what a crash of the target's server has emptied. What was built already stays, but
for what must not be there while rows come.
"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from sanitizers.engines.emptied import find_emptied
from sanitizers.engines.journal import Journal
from sanitizers.engines.rebuild import take_away
from sanitizers.engines.team import Team
from sanitizers.errors import UnfinishedRunError
from sanitizers.plan import TablePlan
from sanitizers.track import Say

IN_THE_WAY = ("trigger", "check", "validation", "reference")
"""Kinds that a load must not meet, in the order in which they are taken away."""


def begin_anew(team: Team, journal: Journal, tables: Iterable[TablePlan], say: Say) -> None:
    """Forget which tables are full; `tables` are those of the plan, and are yet to be emptied.

    Raises:
        UnfinishedRunError: a table holds other rows than the run put there, so somebody works with the target.
    """
    journal.forget(find_emptied(team.target, journal))
    _refuse_what_is_not_ours(team.target.own, journal, tables)
    _make_way(team, journal, say)
    journal.start_over(team.state())


def fill_emptied(team: Team, journal: Journal, say: Say) -> None:
    """Forget that tables are full which a crash of the target's server has emptied."""
    if emptied := find_emptied(team.target, journal):
        _make_way(team, journal, say)
        journal.forget(emptied)


def _make_way(team: Team, journal: Journal, say: Say) -> None:
    for kind in IN_THE_WAY:
        entries = journal.entries(kind, "restored")
        take_away(team.target, entries[::-1] if kind == "check" else entries, say)


def _refuse_what_is_not_ours(conn: psycopg.Connection, journal: Journal, tables: Iterable[TablePlan]) -> None:
    done = journal.done()
    for table in (plan.table for plan in tables):
        filled = done.get((table.schema, table.name))
        only = sql.SQL("" if table.partitioned else "ONLY ")
        count = sql.SQL("SELECT count(*) FROM {}{}").format(only, sql.Identifier(table.schema, table.name))
        row = conn.execute(count).fetchone() if filled else None
        conn.commit()
        if filled and row and row[0] != filled.rows:
            raise UnfinishedRunError(
                f"{table.qualified} holds {row[0]} rows and the run that was cut off put {filled.rows} there: somebody"
                " works with this target: discard it and begin with a fresh one"
            )
