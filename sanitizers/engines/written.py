"""Rows that somebody wrote into a database while it was masked where it is: nobody masked them, or nobody saw them.

All rows of a table that a run has filled are of that one transaction, the one which wrote its `done` row. And what is
newer than the witness' facts was written after the originals were looked at, so that the proof cannot search for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from sanitizers.engines.journal import Journal
from sanitizers.engines.rebuild import Sessions
from sanitizers.engines.rewritten import find_relations, name_of
from sanitizers.errors import UnfinishedRunError
from sanitizers.plan import TablePlan

_FILLED = sql.SQL("xmin <> {}::xid")
_SEEN = sql.SQL("age(xmin) < age({}::xid)")


def refuse_written(sessions: Sessions, journal: Journal, tables: Sequence[TablePlan]) -> None:
    """Refuse rows that are not the run's. Once a proof was begun, what changes is a person's mending of what it found.

    Raises:
        UnfinishedRunError: a sentence for every table that holds such rows, with the statement that removes them.
    """
    if proving(sessions.own):
        return
    if found := [*_find(sessions, journal, tables)]:
        raise UnfinishedRunError("\n".join(found))


def begin_proof(conn: psycopg.Connection) -> None:
    """From now on, rows are a person's business."""
    with conn.transaction():
        conn.execute("UPDATE branchwarden_journal.purpose SET proving = true")


def proving(conn: psycopg.Connection) -> bool:
    """Whether all was masked once and a proof begun: since then, people have changed what it found."""
    row = conn.execute("SELECT proving FROM branchwarden_journal.purpose").fetchone()
    conn.commit()
    return bool(row and row[0])


def _find(sessions: Sessions, journal: Journal, tables: Sequence[TablePlan]) -> Iterator[str]:
    own, done = sessions.own, journal.done()
    filled = own.execute("SELECT schema, name, xmin::text FROM branchwarden_journal.done").fetchall()
    masked = {(schema, name): xid for schema, name, xid in filled}
    seen = own.execute("SELECT xmin::text FROM branchwarden_journal.witness").fetchone()
    own.commit()
    relations = find_relations(own, tables)
    for table in tables:
        name = name_of(table)
        if name in done:
            newer, when = _FILLED.format(sql.Literal(masked[name])), "it was masked"
        elif seen:
            newer, when = _SEEN.format(sql.Literal(seen[0])), "the originals were looked at"
        else:
            continue
        if count := _count(sessions.of(relations[name].owner), table, newer):
            yield _sentence(table, newer, f"{count:,} {'row' if count == 1 else 'rows'} written after {when}")


def _count(conn: psycopg.Connection, table: TablePlan, newer: sql.Composable) -> int:
    query, name = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(_relation(table), newer), _name(table)
    with conn.transaction(force_rollback=True):
        active = conn.execute("SELECT row_security_active(%s::regclass)", (name.as_string(conn),)).fetchone()
        if active == (True,):  # forced upon its own owner; the statement never takes effect for anybody else
            conn.execute(sql.SQL("ALTER TABLE ONLY {} NO FORCE ROW LEVEL SECURITY").format(name))
        conn.execute("SELECT set_config('row_security', 'off', true)")
        row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0


def _relation(table: TablePlan) -> sql.Composable:
    name = _name(table)
    return name if table.table.partitioned else sql.SQL("ONLY {}").format(name)


def _name(table: TablePlan) -> sql.Identifier:
    return sql.Identifier(table.table.schema, table.table.name)


def _sentence(table: TablePlan, newer: sql.Composable, what: str) -> str:
    delete = sql.SQL("DELETE FROM {} WHERE {}").format(_relation(table), newer).as_string()
    return (
        f"{table.table.qualified} holds {what}, by somebody who uses this database: end those sessions; if the rows are"
        f" new, remove them ({delete}) and run the same again; if rows of before were changed, discard this database"
        " and begin with a fresh copy"
    )
