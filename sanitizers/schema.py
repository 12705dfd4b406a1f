"""What a database looks like: tables, columns, keys. Read from pg_catalog alone; no row is ever looked at.

Types are written as `format_type` does with only pg_catalog on the search path, so they are quoted and qualified:
`character varying(20)`, `public.citext`, `public."Mood"[]`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sanitizers import catalog
from sanitizers.columns import Category, Column, ColumnRef
from sanitizers.deparse import DEPARSE, as_restored
from sanitizers.lossy import loses
from sanitizers.shapes import structure

__all__ = [
    "Category",
    "Column",
    "ColumnRef",
    "Exclusion",
    "ForeignKey",
    "PartialKey",
    "Schema",
    "Table",
    "TableFacts",
    "build_table",
    "read_schema",
]


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key: columns here, and those of another table that they refer to, in the same order."""

    columns: tuple[str, ...]
    schema: str
    table: str
    targets: tuple[str, ...]
    full: bool = False
    """MATCH FULL: all of its columns are NULL, or none."""
    period: bool = False
    """The last of its columns is a range, which those of the rows that it refers to contain together."""


@dataclass(frozen=True)
class Exclusion:
    """A constraint that no two rows with equal `equal` overlap (or the like) in `others`."""

    name: str
    equal: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class PartialKey:
    """A unique index of the rows that a condition describes, as the server writes it."""

    name: str
    key: tuple[str, ...]
    condition: str
    about: tuple[str, ...]
    """Columns that the condition is about."""


@dataclass(frozen=True)
class Table:
    """An ordinary table, or a partitioned one with all its partitions folded in."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    owner: str = ""
    partitioned: bool = False
    unique_keys: tuple[tuple[str, ...], ...] = ()
    """Columns of every primary key, unique constraint and unique index; of expressions those that they are about."""
    identities: tuple[tuple[str, ...], ...] = ()
    """Keys that tell any row from all others: of all rows, of plain columns, never NULL. The best one first."""
    computed_keys: tuple[tuple[str, ...], ...] = ()
    """Those of `unique_keys` that are about what is computed of their columns."""
    lossy_keys: tuple[tuple[str, ...], ...] = ()
    """Those of them in which different values may be equal, as `left(email, 5)`."""
    strict_keys: tuple[tuple[str, ...], ...] = ()
    """Those and others for which NULL may be equal to NULL."""
    partial_keys: tuple[PartialKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    definitions: tuple[str, ...] = ()
    """Constraints, indexes, defaults and partition bounds in canonical SQL: for the digest."""
    row_estimate: int = 0
    """Rows as of the last ANALYZE; where there was none, a guess by the size."""
    total_bytes: int = 0
    """Size on disk with indexes and TOAST."""
    exclusions: tuple[Exclusion, ...] = ()
    closed: bool = False
    """Whether a row may find no partition: there are a list or ranges, and no default."""

    @property
    def qualified(self) -> str:
        """`schema.table` for people; never for SQL."""
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def holds_anyway(self, key: Collection[str], *, itself: bool = False) -> bool:
        """Whether a part of the key keeps its rows apart already, or with `itself` the key as a whole."""
        return any(set(identity) < set(key) or (itself and set(identity) == set(key)) for identity in self.identities)

    def in_fragile_key(self, name: str) -> bool:
        """Whether a unique key of several columns counts on this one, which nothing else keeps apart."""
        keys = (key for key in self.unique_keys if len(key) > 1 and name in key)
        return any(not self.holds_anyway(key) for key in keys)


@dataclass(frozen=True)
class Schema:
    """The user tables of one database, sorted by schema and name."""

    database: str
    tables: tuple[Table, ...]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over names, types and constraints; owners, sizes and the database's name do not count."""
        return hashlib.sha256(json.dumps([_canonical(t) for t in self.tables]).encode()).hexdigest()

    def table(self, schema: str, name: str) -> Table | None:
        """The table of that name, or None."""
        return next((t for t in self.tables if (t.schema, t.name) == (schema, name)), None)


@dataclass(frozen=True)
class TableFacts:
    """What is known of a table beside its columns; the input of `build_table`."""

    schema: str
    name: str
    owner: str = ""
    partitioned: bool = False
    unique_keys: tuple[tuple[str, ...], ...] = ()
    unique_expressions: tuple[str, ...] = ()
    """Columns that a unique expression index is about."""
    identities: tuple[tuple[str, ...], ...] = ()
    """The best one first."""
    computed_keys: tuple[tuple[str, ...], ...] = ()
    lossy_keys: tuple[tuple[str, ...], ...] = ()
    null_equal_keys: tuple[tuple[str, ...], ...] = ()
    partial_keys: tuple[PartialKey, ...] = ()
    distinct: tuple[str, ...] = ()
    """Columns that a unique index of all rows is about."""
    foreign_keys: tuple[tuple[str, ColumnRef], ...] = ()
    """Column by column."""
    whole_foreign_keys: tuple[ForeignKey, ...] = ()
    """The same as a whole; empty: each column is a key of its own."""
    definitions: tuple[str, ...] = ()
    row_estimate: int = 0
    total_bytes: int = 0
    exclusions: tuple[Exclusion, ...] = ()
    closed: bool = False


def build_table(facts: TableFacts, columns: tuple[Column, ...]) -> Table:
    """A table whose columns know their keys; pure, for the catalog and for any other description of a schema."""
    alone = {key[0] for key in facts.unique_keys if len(key) == 1} | set(facts.unique_expressions)

    def with_keys(column: Column) -> Column:
        refs = tuple(sorted({ref for name, ref in facts.foreign_keys if name == column.name}))
        unique, distinct = column.unique or column.name in alone, column.distinct or column.name in facts.distinct
        return replace(column, unique=unique, distinct=distinct, references=column.references + refs)

    return Table(
        schema=facts.schema,
        name=facts.name,
        columns=tuple(with_keys(c) for c in columns),
        owner=facts.owner,
        partitioned=facts.partitioned,
        unique_keys=tuple(sorted(set(facts.unique_keys))),
        identities=tuple(dict.fromkeys(facts.identities)),
        computed_keys=facts.computed_keys,
        lossy_keys=facts.lossy_keys,
        strict_keys=(*facts.computed_keys, *facts.null_equal_keys),
        partial_keys=facts.partial_keys,
        foreign_keys=tuple(dict.fromkeys(facts.whole_foreign_keys or _single(facts))),
        definitions=tuple(sorted(facts.definitions)),
        row_estimate=facts.row_estimate,
        total_bytes=facts.total_bytes,
        exclusions=facts.exclusions,
        closed=facts.closed,
    )


def _single(facts: TableFacts) -> Iterator[ForeignKey]:
    yield from (ForeignKey((name,), ref.schema, ref.table, (ref.column,)) for name, ref in facts.foreign_keys)


def read_schema(conn: psycopg.Connection[Any]) -> Schema:
    """Read the schema of the connected database; changes nothing, not even the session's search path."""
    with conn.transaction(force_rollback=True), conn.cursor(row_factory=dict_row) as cur:
        cur.execute(DEPARSE)
        rows = catalog.read(cur)
    tables = (build_table(_facts(rows, t), _columns(rows, t)) for t in rows.tables)
    return Schema(conn.info.dbname, tuple(sorted(tables, key=lambda t: (t.schema, t.name))))


def _columns(rows: catalog.Rows, table: Mapping[str, Any]) -> tuple[Column, ...]:
    return tuple(
        Column(**{key: value for key, value in row.items() if key not in {"oid", "type_id"}}, **_made_of(rows, row))
        for row in rows.columns[table["oid"]]
    )


def _made_of(rows: catalog.Rows, row: Mapping[str, Any]) -> dict[str, Any]:
    return structure(rows.types, row["type_id"], row["base_type"])


def _facts(rows: catalog.Rows, table: Mapping[str, Any]) -> TableFacts:
    keys, links = rows.keys[table["oid"]], rows.links[table["oid"]]
    return TableFacts(
        **{key: value for key, value in table.items() if key != "oid"},
        unique_keys=tuple(tuple(k["columns"]) for k in keys if len(k["columns"]) > k["expression"]),
        unique_expressions=tuple(k["columns"][0] for k in keys if k["expression"] and len(k["columns"]) == 1),
        identities=tuple(_identities(keys)),
        computed_keys=tuple(tuple(k["columns"]) for k in keys if k["expression"]),
        lossy_keys=tuple(tuple(k["columns"]) for k in keys if loses(k["computed"])),
        null_equal_keys=tuple(tuple(k["columns"]) for k in keys if k["null_equal"]),
        partial_keys=tuple(
            PartialKey(k["name"], tuple(k["columns"]), k["condition"], tuple(k["about"]))
            for k in keys
            if k["condition"]
        ),
        distinct=tuple(k["columns"][0] for k in keys if k["complete"] and len(k["columns"]) == 1),
        foreign_keys=tuple((link["name"], ColumnRef(*link["target"])) for link in links),
        whole_foreign_keys=tuple(_whole(links)),
        definitions=tuple(as_restored(d["definition"]) for d in rows.definitions[table["oid"]]),
        exclusions=tuple(
            Exclusion(x["name"], tuple(x["equal"]), tuple(x["others"])) for x in rows.exclusions[table["oid"]]
        ),
        closed=table["oid"] in rows.closed,
    )


def _identities(keys: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """The primary key first, then the short ones."""
    full = [k for k in keys if k["complete"] and k["solid"] and not k["expression"]]
    yield from (
        tuple(k["columns"]) for k in sorted(full, key=lambda k: (not k["main"], len(k["columns"]), k["columns"]))
    )


def _whole(links: Sequence[Mapping[str, Any]]) -> Iterator[ForeignKey]:
    """The foreign keys that rows of single columns make up."""
    for _, members in groupby(links, key=lambda link: link["key"]):
        rows = list(members)
        schema, table, _ = rows[0]["target"]
        columns, targets = tuple(r["name"] for r in rows), tuple(r["target"][2] for r in rows)
        yield ForeignKey(columns, schema, table, targets, full=rows[0]["full"], period=rows[0]["period"])


def _canonical(table: Table) -> list[Any]:
    # Sorted: columns that an inheritance parent got later stand elsewhere in its children after a dump.
    columns = sorted([c.name, c.type, c.not_null, c.generated, c.identity] for c in table.columns)
    return [table.schema, table.name, table.partitioned, columns, list(table.definitions)]
