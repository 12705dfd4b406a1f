"""The schema of a branch through Neon's API: enough to compile a plan without ever connecting to production. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from daemon.neon import ApiColumn, ApiTable
from daemon.staging.dump import DumpFacts, UniqueIndex, WrittenIndex, find_type, read_index
from sanitizers.schema import Column, ColumnRef, ForeignKey, PartialKey, Schema, Table, TableFacts, build_table

SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_toast"})
_LENGTH = re.compile(r"(?:character varying|varchar|character|char|bpchar)\((\d+)\)")
_UNIQUE = frozenset({"primary_key", "unique", "PRIMARY KEY", "UNIQUE", "primary key"})


def api_schema(database: str, tables: Iterable[ApiTable], facts: DumpFacts) -> Schema:
    """The schema of one database as `read_schema` gives it: partitions folded into their root, none of extensions.

    A dump that names no table at all was not understood; then nothing is left out, so that nothing stays uncovered.
    """
    families: defaultdict[tuple[str, str], list[ApiTable]] = defaultdict(list)
    for table in tables:
        name = (table.schema, table.name)
        if table.schema not in SYSTEM_SCHEMAS and (name in facts.owners or not facts.owners):
            families[facts.root(name)].append(table)
    built = (_table(name, family, facts) for name, family in families.items())
    return Schema(database, tuple(sorted(built, key=lambda t: (t.schema, t.name))))


def _table(name: tuple[str, str], family: Sequence[ApiTable], facts: DumpFacts) -> Table:
    """A table; what is unique in one of its partitions counts, too."""
    root = next((table for table in family if (table.schema, table.name) == name), family[0])
    complete = _indexes(root, facts.unique)
    indexes = [i for t in family for read in (facts.unique, facts.partial) for i in _indexes(t, read)]
    constraints = [tuple(c.columns) for t in family for c in t.constraints if c.kind in _UNIQUE]
    about = TableFacts(
        schema=root.schema,
        name=root.name,
        owner=facts.owners.get(name, ""),
        unique_keys=(*constraints, *(i.columns for i in indexes if not i.expression or len(i.columns) > 1)),
        unique_expressions=tuple(i.columns[0] for i in indexes if i.expression and len(i.columns) == 1),
        identities=tuple(_identities(root, complete)),
        computed_keys=tuple(i.columns for i in indexes if i.expression),
        lossy_keys=tuple(i.columns for i in indexes if i.lossy),
        null_equal_keys=(
            *(key for t in family for key in _keys(t) if {*key} in facts.null_equal.get((t.schema, t.name), ())),
            *(i.columns for i in indexes if i.null_equal),
        ),
        partial_keys=tuple(PartialKey(i.name, i.columns, i.condition, i.about) for i in indexes if i.condition),
        distinct=tuple(key[0] for key in (*_keys(root), *(i.columns for i in complete)) if len(key) == 1),
        foreign_keys=tuple(link for table in family for link in _links(table, facts)),
        whole_foreign_keys=tuple(key for table in family for key in _foreign_keys(table, facts)),
    )
    return build_table(about, tuple(_column(root, c, facts) for c in root.columns))


def _indexes(table: ApiTable, written: Mapping[tuple[str, str], Sequence[WrittenIndex]]) -> list[UniqueIndex]:
    columns = {column.name for column in table.columns}
    return [read_index(key, columns) for key in written.get((table.schema, table.name), ())]


def _keys(table: ApiTable) -> list[tuple[str, ...]]:
    """Its primary key and unique constraints, the best first."""
    found = [c for c in table.constraints if c.kind in _UNIQUE]
    return [tuple(c.columns) for c in sorted(found, key=lambda c: (c.kind.lower() == "unique", len(c.columns)))]


def _identities(table: ApiTable, indexes: Sequence[UniqueIndex]) -> Iterator[tuple[str, ...]]:
    """Keys of all rows whose columns are never NULL."""
    solid = {column.name for column in table.columns if not column.nullable}
    for key in (*_keys(table), *(index.columns for index in indexes if not index.expression)):
        if set(key) <= solid:
            yield key


def _links(table: ApiTable, facts: DumpFacts) -> Iterable[tuple[str, ColumnRef]]:
    for constraint in table.constraints:
        if constraint.references:
            schema, name, there = constraint.references
            target = facts.root((schema, name))
            yield from ((a, ColumnRef(*target, b)) for a, b in zip(constraint.columns, there, strict=False))


def _foreign_keys(table: ApiTable, facts: DumpFacts) -> Iterable[ForeignKey]:
    for constraint in table.constraints:
        if constraint.references:
            schema, name, there = constraint.references
            yield ForeignKey(tuple(constraint.columns), *facts.root((schema, name)), tuple(there))


def _column(table: ApiTable, column: ApiColumn, facts: DumpFacts) -> Column:
    base, not_null = _below_domains(column.type, facts)
    length = _LENGTH.fullmatch(base)
    return Column(
        name=column.name,
        type=column.type,
        base_type=base,
        not_null=not_null or not column.nullable,
        generated=column.generated,
        generated_as=facts.generated.get((table.schema, table.name, column.name), ""),
        max_length=int(length[1]) if length else None,
        loose=(table.schema, table.name, column.name) in facts.loose or _is_loose(column.type, facts),
        enum=find_type(base, facts.enums) is not None,
        array=base.endswith("[]") or base == "ARRAY",
        element=_element(base.removesuffix("[]"), facts) if base.endswith("[]") else None,
    )


def _element(type_name: str, facts: DumpFacts) -> Column:
    base, not_null = _below_domains(type_name, facts)
    length = _LENGTH.fullmatch(base)
    return Column(
        name="element",
        type=type_name,
        base_type=base,
        not_null=not_null,
        max_length=int(length[1]) if length else None,
        enum=find_type(base, facts.enums) is not None,
        array=base.endswith("[]"),
    )


def _is_loose(type_name: str, facts: DumpFacts) -> bool:
    """Whether a domain of which the type is made has a nondeterministic collation."""
    name = find_type(type_name, facts.domains)
    return name is not None and (facts.domains[name].loose or _is_loose(facts.domains[name].base, facts))


def _below_domains(type_name: str, facts: DumpFacts) -> tuple[str, bool]:
    """The type below all domains, and whether one of them refuses null."""
    not_null = False
    for _ in range(len(facts.domains) + 1):
        name = find_type(type_name, facts.domains)
        if name is None:
            break
        domain = facts.domains[name]
        type_name, not_null = domain.base, not_null or domain.not_null
    return type_name, not_null
