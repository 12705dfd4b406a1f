"""What is looked at before the target is touched: one schema on both ends, readable here, empty there."""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

from sanitizers.engines.blocker_queries import EVENT_TRIGGERS
from sanitizers.engines.journal import journaled_schema
from sanitizers.engines.obstacles import USER_TABLES
from sanitizers.errors import CatalogsDifferError, CopyFailedError
from sanitizers.plan import DatabasePlan
from sanitizers.schema import Schema, read_schema

LEAVES = (
    USER_TABLES
    + """
SELECT nspname, relname FROM user_table WHERE relkind = 'r'
"""
)

FOREIGN_CHILDREN = (
    USER_TABLES
    + """
SELECT f.qualified, p.qualified, f.relispartition FROM user_relation f JOIN pg_inherits i ON i.inhrelid = f.oid
JOIN user_table p ON p.oid = i.inhparent
WHERE f.relkind = 'f' ORDER BY 1
"""
)

UNREADABLE = (
    USER_TABLES
    + """
SELECT nspname, relname, format('GRANT SELECT ON %s%s TO %I', CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END,
  qualified, current_user), owner
FROM user_relation
WHERE relkind IN ('r', 'p', 'S') AND NOT relispartition
  AND NOT CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'SELECT') ELSE has_table_privilege(oid, 'SELECT') END
ORDER BY qualified
"""
)

NOT_ON_A_STANDBY = (
    USER_TABLES
    + """
SELECT t.nspname, t.relname FROM user_table t JOIN pg_class c ON c.oid = t.oid
WHERE c.relpersistence = 'u' AND c.relkind = 'r' AND pg_is_in_recovery()
ORDER BY t.qualified
"""
)


def preflight(
    plan: DatabasePlan, source: psycopg.Connection, target: psycopg.Connection, fine: Collection[str]
) -> bool:
    """Whether the target holds an unfinished run to go on with; changes nothing, leaves `source` in its transaction.

    `fine` are event triggers of the target that may fire.

    Raises:
        CatalogsDifferError: source, target and plan do not have the same tables.
        CopyFailedError: something cannot be copied, or the target is not empty.
    """
    begun = journaled_schema(target)
    here, there = read_schema(source), begun or read_schema(target)
    if not plan.schema.digest == here.digest == there.digest:
        raise CatalogsDifferError(_difference(plan, here, there))
    _refuse_event_triggers(plan, target, fine)
    if problems := unreadable(plan, source):
        raise CopyFailedError("; ".join(problems))
    if not begun:
        _refuse_rows(target)
    target.commit()
    return begun is not None


def _difference(plan: DatabasePlan, source: Schema, target: Schema) -> str:
    names = {t.qualified for t in source.tables} ^ {t.qualified for t in target.tables}
    pairs = {t.qualified: t for t in target.tables}
    changed = {t.qualified for t in source.tables if t.qualified in pairs and not _alike(t.qualified, source, target)}
    if source.digest == target.digest:
        return f"the schema of {plan.database} changed after the masking plan was compiled: plan and run again"
    return f"source and target of {plan.database} differ in {', '.join(sorted(names | changed))}: discard the target"


def _alike(qualified: str, source: Schema, target: Schema) -> bool:
    def only(schema: Schema) -> Schema:
        return Schema(schema.database, tuple(t for t in schema.tables if t.qualified == qualified))

    return only(source).digest == only(target).digest


def unreadable(plan: DatabasePlan, source: psycopg.Connection) -> list[str]:
    """A sentence for everything that the run's role cannot read in the source, or that a standby has not got."""
    empty = {(t.table.schema, t.table.name) for t in plan.tables if t.empty}
    denied = [row for row in source.execute(UNREADABLE) if (row[0], row[1]) not in empty]
    problems = [f"{row[0]}.{row[1]} cannot be read: {row[3]} must run `{row[2]}` on the source" for row in denied]
    for schema, name in source.execute(NOT_ON_A_STANDBY):
        if (schema, name) not in empty:
            problems.append(f"{schema}.{name} is unlogged, so a standby has none of its rows: copy from the primary")
    for child, parent, partition in source.execute(FOREIGN_CHILDREN):
        why = f"to analyze {parent} in the target asks another server: run ALTER TABLE {child} NO INHERIT {parent}"
        if partition:
            why = f"rows of {parent} would go to another server: run ALTER TABLE {parent} DETACH PARTITION {child}"
        problems.append(f"{child} is a foreign table: {why}")
    return problems


def _refuse_event_triggers(plan: DatabasePlan, target: psycopg.Connection, fine: Collection[str]) -> None:
    names = [row[0] for row in target.execute(EVENT_TRIGGERS) if row[0] not in fine]
    if names:
        what = "event trigger" if len(names) == 1 else "event triggers"
        raise CopyFailedError(f"{what} {', '.join(names)} of {plan.database} would fire on our DDL: disable it first")


def _refuse_rows(target: psycopg.Connection) -> None:
    for schema, name in target.execute(LEAVES).fetchall():
        query = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {})").format(sql.Identifier(schema, name))
        row = target.execute(query).fetchone()
        if row and row[0]:
            raise CopyFailedError(f"table {schema}.{name} of the target holds rows: only an empty schema can be filled")
