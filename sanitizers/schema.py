"""What a database looks like: tables, columns, keys. Read from pg_catalog alone; no row is ever looked at.

Types are written as `format_type` does with only pg_catalog on the search path, so they are quoted and qualified:
`character varying(20)`, `public.citext`, `public."Mood"[]`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from sanitizers import catalog
from sanitizers.deparse import DEPARSE

Category = Literal[
    "text",
    "integer",
    "number",
    "date",
    "timestamp",
    "uuid",
    "bytea",
    "inet",
    "json",
    "boolean",
    "enum",
    "array",
    "other",
]

_CATEGORIES: Mapping[str, Category] = {
    **dict.fromkeys(("text", "character varying", "varchar", "character", "char", "bpchar", "citext", "name"), "text"),
    **dict.fromkeys(("smallint", "integer", "bigint", "int", "int2", "int4", "int8"), "integer"),
    **dict.fromkeys(("numeric", "decimal", "real", "double precision", "money", "float4", "float8"), "number"),
    **dict.fromkeys(
        ("timestamp", "timestamptz", "timestamp without time zone", "timestamp with time zone"), "timestamp"
    ),
    **dict.fromkeys(("inet", "cidr"), "inet"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    "date": "date",
    "uuid": "uuid",
    "bytea": "bytea",
}


@dataclass(frozen=True, order=True)
class ColumnRef:
    """A column of the same database by its full name."""

    schema: str
    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.column}"


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key: columns here, and those of another table that they refer to, in the same order."""

    columns: tuple[str, ...]
    schema: str
    table: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column as the catalog has it. Everything but name and type has the harmless default."""

    name: str
    type: str
    base_type: str = ""
    """The type below all domains; empty means: the same as `type`."""
    not_null: bool = False
    generated: bool = False
    """Generated always as (...), stored or virtual: computed by the target itself, never copied."""
    identity: bool = False
    max_length: int | None = None
    """In characters, for varchar(n) and char(n), also under a domain."""
    unique: bool = False
    """Alone in a primary key, a unique constraint or a unique index, plain or on an expression as lower(email)."""
    references: tuple[ColumnRef, ...] = ()
    partition_key: bool = False
    enum: bool = False
    array: bool = False
    generated_as: str = ""
    """The expression of a generated column."""

    @property
    def category(self) -> Category:
        """What kind of value the column holds, domains and modifiers taken off."""
        if self.array or self.type.endswith("[]"):
            return "array"
        if self.enum:
            return "enum"
        return _CATEGORIES.get(self.bare_type, "other")

    @property
    def bare_type(self) -> str:
        """Name of the base type without schema and modifier: `varchar(20)` → `varchar`, `public.citext` → `citext`."""
        bare = re.sub(r"\([^)]*\)", "", self.base_type or self.type)
        return " ".join(bare.split()).rpartition(".")[2]

    @property
    def case_insensitive(self) -> bool:
        """Whether values that differ in case alone are equal to Postgres (citext)."""
        return self.bare_type == "citext"


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
    foreign_keys: tuple[ForeignKey, ...] = ()
    definitions: tuple[str, ...] = ()
    """Constraints, indexes, defaults and partition bounds in canonical SQL: for the digest."""
    row_estimate: int = 0
    """Rows as of the last ANALYZE; 0 where never analyzed."""
    total_bytes: int = 0
    """Size on disk with indexes and TOAST."""

    @property
    def qualified(self) -> str:
        """`schema.table` for people; never for SQL."""
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


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
    foreign_keys: tuple[tuple[str, ColumnRef], ...] = ()
    """Column by column."""
    whole_foreign_keys: tuple[ForeignKey, ...] = ()
    """The same as a whole; empty: each column is a key of its own."""
    definitions: tuple[str, ...] = ()
    row_estimate: int = 0
    total_bytes: int = 0


def build_table(facts: TableFacts, columns: tuple[Column, ...]) -> Table:
    """A table whose columns know their keys; pure, for the catalog and for any other description of a schema."""
    alone = {key[0] for key in facts.unique_keys if len(key) == 1} | set(facts.unique_expressions)

    def with_keys(column: Column) -> Column:
        refs = tuple(sorted({ref for name, ref in facts.foreign_keys if name == column.name}))
        return replace(column, unique=column.unique or column.name in alone, references=column.references + refs)

    return Table(
        schema=facts.schema,
        name=facts.name,
        columns=tuple(with_keys(c) for c in columns),
        owner=facts.owner,
        partitioned=facts.partitioned,
        unique_keys=tuple(sorted(set(facts.unique_keys))),
        foreign_keys=tuple(dict.fromkeys(facts.whole_foreign_keys or _single(facts))),
        definitions=tuple(sorted(facts.definitions)),
        row_estimate=facts.row_estimate,
        total_bytes=facts.total_bytes,
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
        Column(**{key: value for key, value in row.items() if key != "oid"}) for row in rows.columns[table["oid"]]
    )


def _facts(rows: catalog.Rows, table: Mapping[str, Any]) -> TableFacts:
    keys, links = rows.keys[table["oid"]], rows.links[table["oid"]]
    return TableFacts(
        **{key: value for key, value in table.items() if key != "oid"},
        unique_keys=tuple(tuple(k["columns"]) for k in keys if len(k["columns"]) > k["expression"]),
        unique_expressions=tuple(k["columns"][0] for k in keys if k["expression"] and len(k["columns"]) == 1),
        foreign_keys=tuple((link["name"], ColumnRef(*link["target"])) for link in links),
        whole_foreign_keys=tuple(_whole(links)),
        definitions=tuple(d["definition"] for d in rows.definitions[table["oid"]]),
    )


def _whole(links: Sequence[Mapping[str, Any]]) -> Iterator[ForeignKey]:
    """The foreign keys that rows of single columns make up."""
    for _, members in groupby(links, key=lambda link: link["key"]):
        rows = list(members)
        schema, table, _ = rows[0]["target"]
        yield ForeignKey(tuple(r["name"] for r in rows), schema, table, tuple(r["target"][2] for r in rows))


def _canonical(table: Table) -> list[Any]:
    # Sorted: columns that an inheritance parent got later stand elsewhere in its children after a dump.
    columns = sorted([c.name, c.type, c.not_null, c.generated, c.identity] for c in table.columns)
    return [table.schema, table.name, table.partitioned, columns, list(table.definitions)]
