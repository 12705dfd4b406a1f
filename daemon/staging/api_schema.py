"""The schema of a branch through Neon's API: enough to compile a plan without ever connecting to production. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from daemon.neon import ApiColumn, ApiTable
from daemon.staging.dump import DumpFacts, Qualified, columns_of_key, names_in
from sanitizers.schema import Column, ColumnRef, Schema, Table, TableFacts, build_table

SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_toast"})
_LENGTH = re.compile(r"^(?:character varying|varchar|character|char|bpchar)\((\d+)\)")
_UNIQUE = frozenset({"primary_key", "unique", "PRIMARY KEY", "UNIQUE", "primary key"})


def api_schema(database: str, tables: Iterable[ApiTable], facts: DumpFacts) -> Schema:
    """The schema of one database, partitions folded into their root as `read_schema` does."""
    own = (t for t in tables if t.schema not in SYSTEM_SCHEMAS and (t.schema, t.name) not in facts.partitions)
    built = (_table(table, facts) for table in own)
    return Schema(database, tuple(sorted(built, key=lambda t: (t.schema, t.name))))


def _table(table: ApiTable, facts: DumpFacts) -> Table:
    links = [
        (here, ColumnRef(c.references[0], c.references[1], there))
        for c in table.constraints
        if c.references
        for here, there in zip(c.columns, c.references[2], strict=False)
    ]
    keys = facts.unique.get((table.schema, table.name), ())
    plain = [columns for key in keys if (columns := columns_of_key(key)) is not None]
    expressions = [key for key in keys if columns_of_key(key) is None]
    about = TableFacts(
        schema=table.schema,
        name=table.name,
        owner=facts.owners.get((table.schema, table.name), ""),
        unique_keys=(*(c.columns for c in table.constraints if c.kind in _UNIQUE), *plain),
        unique_expressions=tuple(c.name for c in table.columns for e in expressions if c.name in names_in(e)),
        foreign_keys=tuple(links),
    )
    return build_table(about, tuple(_column(table, c, facts) for c in table.columns))


def _column(table: ApiTable, column: ApiColumn, facts: DumpFacts) -> Column:
    base = _base_type(column.type, facts)
    length = _LENGTH.match(base)
    return Column(
        name=column.name,
        type=column.type,
        base_type=base,
        not_null=not column.nullable,
        generated=column.generated,
        generated_as=facts.generated.get((table.schema, table.name, column.name), ""),
        max_length=int(length[1]) if length else None,
        enum=_find(base, facts.enums) is not None,
        array=base.endswith("[]") or base == "ARRAY",
    )


def _base_type(type_name: str, facts: DumpFacts) -> str:
    """The type below all domains."""
    for _ in range(len(facts.domains) + 1):
        domain = _find(type_name, facts.domains)
        if domain is None:
            break
        type_name = facts.domains[domain]
    return type_name


def _find(type_name: str, known: Iterable[Qualified]) -> Qualified | None:
    """The user-defined type that a name means; the API may leave the schema out."""
    schema, _, bare = type_name.rpartition(".")
    wanted = bare.strip('"')
    return next((k for k in known if k[1] == wanted and schema.strip('"') in {"", k[0]}), None)
