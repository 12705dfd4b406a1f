"""Makes the target's schema from a pg_dump of the source's, without psql and in one transaction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from threading import Event

import psycopg
from psycopg import sql

from daemon.amounts import counted
from daemon.errors import RunRefusedError
from daemon.plain.pg_dump import dump_schema, find_pg_dump
from daemon.plain.script import Entry, Script, entries, read_script, subject_of
from daemon.plain.server import Facts, PlainDatabase

HOLDS = """
WITH place AS (
  SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
thing (class, oid, namespace, kind) AS (
  SELECT 'pg_class'::regclass, oid, relnamespace, CASE relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
    WHEN 'm' THEN 'materialized view' ELSE 'table' END
  FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT 'pg_proc'::regclass, oid, pronamespace, 'function' FROM pg_proc
  UNION ALL
  SELECT 'pg_type'::regclass, oid, typnamespace, 'type' FROM pg_type WHERE typtype IN ('d', 'e', 'r')
)
SELECT kind, count(*) FROM thing JOIN place ON place.oid = namespace
WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = class AND e.objid = thing.oid AND e.deptype = 'e')
GROUP BY kind ORDER BY count(*) DESC
"""
TELLING = frozenset({"0A000", "3F000", "42501", "42704", "42710", "42883", "42P01", "42P06", "42P07", "58P01"})
"""SQLSTATEs whose message speaks of names alone: what is missing, there already or not allowed."""
NOT_INSTALLED = frozenset({"0A000", "58P01"})
_IN_SCHEMA = re.compile(r" WITH SCHEMA (\"(?:[^\"]|\"\")+\"|[\w$]+)$")


def refuse_what_is_not_empty(target: PlainDatabase) -> None:
    """Raises RunRefusedError where the target holds anything that no extension brought."""
    with target.session() as conn:
        found: list[tuple[str, int]] = conn.execute(HOLDS).fetchall()
    if found:
        things = ", ".join(counted(count, kind) for kind, count in found)
        raise RunRefusedError(
            f"the target {target.place} is not empty ({things}): give an empty database, or --schema-exists where it"
            " has the source's schema and no rows"
        )


def make_schema(
    source: PlainDatabase, target: PlainDatabase, facts: tuple[Facts, Facts], stop: Event
) -> tuple[str, ...]:
    """Make the source's schema in the target; sentences about what was left out.

    Raises:
        RunRefusedError: no pg_dump fits, or the target does not take the schema; it is as empty as before.
        StoppedError: `stop` was set while pg_dump was at work.
    """
    here, there = facts
    if there.major < here.major:
        versions = f"PostgreSQL {there.major}, the source {here.major}"
        raise RunRefusedError(f"the target is {versions}: give a target of the same version or a newer one")
    script = read_script(dump_schema(find_pg_dump(here.major), source, stop))
    with target.connect() as conn:
        try:
            conn.execute("SET client_encoding = 'UTF8'")  # a text is read in the encoding that is set before it
            conn.execute(script.required.encode())
            left = Counter(what for statement in script.optional if (what := _left_out(conn, statement)))
        except psycopg.Error as error:
            conn.rollback()
            raise RunRefusedError(_refusal(error, _refused(conn, script), conn.info.user)) from None
        conn.commit()
    return tuple(_notes(script, left))


def _left_out(conn: psycopg.Connection, statement: str) -> str:
    """What a statement speaks of, where the target does not have it or this role may not do it; otherwise empty."""
    try:
        with conn.transaction():
            conn.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return f"{subject_of(statement)}: this role may not do it"
    except (psycopg.errors.UndefinedObject, psycopg.errors.InvalidGrantOperation):
        return f"{subject_of(statement)}: the target has not got it"
    return ""


def _notes(script: Script, left: Counter[str]) -> Iterator[str]:
    for what, count in sorted(left.items()):
        yield f"left out of the target: {count} owners, privileges or the like of {what}"
    if script.event_triggers:
        yield f"event triggers are not made in the target: {', '.join(script.event_triggers)}"


def _refused(conn: psycopg.Connection, script: Script) -> Entry | None:
    """The object that the target does not take: the statements anew, one by one, and all of it taken back."""
    try:
        conn.execute("SET client_encoding = 'UTF8'")
        for entry in entries(script.required):
            try:
                conn.execute(entry.text.encode())
            except psycopg.Error:
                return entry
        return None
    finally:
        conn.rollback()


def _refusal(error: psycopg.Error, entry: Entry | None, role: str) -> str:
    about = f"{entry.name}: " if entry and entry.name else ""
    return f"the target does not take the schema: {about}{_why(error)}; it is as it was{_advice(error, entry, role)}"


def _advice(error: psycopg.Error, entry: Entry | None, role: str) -> str:
    """What helps, as the end of a sentence, or empty."""
    extension = entry is not None and entry.name.startswith("EXTENSION ")
    if error.sqlstate == "42501" and entry is not None and extension:
        return f". An administrator can make it in the empty target first: {_with_schema(entry.statement, role)}"
    if error.sqlstate == "42501":
        return ". Run as a role that may, or have an administrator make the target's schema and give --schema-exists"
    if extension and error.sqlstate in NOT_INSTALLED:
        return ". Install the extension's files on the target's server first"
    return ""


def _with_schema(statement: str, role: str) -> str:
    """A CREATE EXTENSION for an empty database: a schema of its own is not there yet, and is to be the role's."""
    found = _IN_SCHEMA.search(statement)
    if found is None or found[1] in {"public", '"public"'}:
        return statement
    return f"CREATE SCHEMA IF NOT EXISTS {found[1]} AUTHORIZATION {sql.Identifier(role).as_string()}; {statement}"


def _why(error: psycopg.Error) -> str:
    if error.sqlstate in TELLING:
        return f"{error.diag.message_primary} (SQLSTATE {error.sqlstate})"
    return f"SQLSTATE {error.sqlstate}"
