"""One width for columns that refer to one another: a fake that is cut must be cut alike at both ends. Pure.

Only references count, those of foreign keys and of the policy's links. Other columns with the same values do not: what
a fake is must not depend on columns that another database, masked with the same key, may not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sanitizers.decisions import Decision, Decisions, connected
from sanitizers.rules import ColumnPath
from sanitizers.schema import Column, Schema, Table

Widths = Mapping[ColumnPath, tuple[int, ColumnPath]]
"""Columns that are to be narrower than they are: their new width, and the column whose width that is."""


def narrow(schemas: Sequence[Schema], decisions: Decisions) -> tuple[tuple[Schema, ...], Decisions]:
    """The schemas with every group of linked texts as wide as the narrowest of them, and decisions that say so."""
    widths = _widths(schemas, decisions)
    if not widths:
        return tuple(schemas), decisions
    told = {path: _told(decision, path, widths) for path, decision in decisions.by_column.items()}
    return tuple(_schema(schema, widths) for schema in schemas), replace(decisions, by_column=told)


def narrowed(column: Column, width: int, narrowest: Sequence[str]) -> Column:
    """The column as wide as another one that it is tied to."""
    return replace(column, max_length=width, cut_as=".".join(narrowest))


def _told(decision: Decision, path: ColumnPath, widths: Widths) -> Decision:
    if path not in widths or not decision.strategy.masks:
        return decision
    width, narrowest = widths[path]
    return replace(decision, origin=f"{decision.origin}; cut to {width} characters, as {'.'.join(narrowest)} is")


def _widths(schemas: Sequence[Schema], decisions: Decisions) -> Widths:
    own = {
        (schema.database, table.schema, table.name, column.name): column.max_length
        for schema in schemas
        for table in schema.tables
        for column in table.columns
        if column.category == "text"
    }
    found: dict[ColumnPath, tuple[int, ColumnPath]] = {}
    for group in connected(decisions.references):
        limited = [(width, path) for path in group if (width := own.get(path)) is not None]
        if limited:
            narrowest = min(limited)
            found |= {path: narrowest for path in group if path in own and own[path] != narrowest[0]}
    return found


def _schema(schema: Schema, widths: Widths) -> Schema:
    return replace(schema, tables=tuple(_table(schema.database, table, widths) for table in schema.tables))


def _table(database: str, table: Table, widths: Widths) -> Table:
    paths = {column.name: (database, table.schema, table.name, column.name) for column in table.columns}
    if not any(path in widths for path in paths.values()):
        return table
    columns = (narrowed(c, *widths[path]) if (path := paths[c.name]) in widths else c for c in table.columns)
    return replace(table, columns=tuple(columns))
