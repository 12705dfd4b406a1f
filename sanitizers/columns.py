"""A column as the catalog has it, and what its type is made of.

Types are written as `format_type` does with only pg_catalog on the search path, so they are quoted and qualified:
`character varying(20)`, `public.citext`, `public."Mood"[]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

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
_POSTGRES_OWN = frozenset({*_CATEGORIES, "xml", "tsvector", "point", "box", "macaddr", "macaddr8"} - {"citext"})
"""Written without a schema: a type of that name in a schema is somebody's own, and something else."""


@dataclass(frozen=True, order=True)
class ColumnRef:
    """A column of the same database by its full name."""

    schema: str
    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.column}"


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
    cut_as: str = ""
    """The column that this one is tied to and whose `max_length` it has, where its own is more; see `widths`."""
    unique: bool = False
    """Must not repeat: alone in any key or unique index, also of some rows or on an expression as lower(email)."""
    distinct: bool = False
    """Does not repeat: alone in a unique index of all rows, also on an expression; NULL may be there many times."""
    references: tuple[ColumnRef, ...] = ()
    partition_key: bool = False
    loose: bool = False
    """Whether its collation, or that of a unique index on it, is nondeterministic: different texts can be equal."""
    enum: bool = False
    array: bool = False
    generated_as: str = ""
    """The expression of a generated column."""
    kind: str = ""
    """What the base type is, as pg_type.typtype: b(ase), c(omposite), e(num), r(ange), m(ultirange); empty: unknown."""
    type_name: tuple[str, str] = ("", "")
    """Schema and name of the base type; empty where unknown."""
    labels: tuple[str, ...] = ()
    """Of an enum."""
    element: Column | None = None
    """An array's elements, a multirange's ranges; None where unknown, too."""
    attributes: tuple[Column, ...] = ()
    """Of a composite type."""
    subtype: Column | None = None
    """The bounds of a range."""

    @property
    def inner(self) -> Column | None:
        """An array's elements with what the column as a whole demands of them; None where they are unknown."""
        if self.element is None or self.kind == "m":
            return None
        return replace(
            self.element,
            name=self.name,
            not_null=self.not_null or self.element.not_null,
            unique=self.unique,
            loose=self.loose,
            generated=self.generated,
            identity=self.identity,
        )

    @property
    def range_type(self) -> tuple[str, str]:
        """Schema and name of the range type, of a multirange that of its ranges; its constructor is called alike."""
        if self.kind == "m" and self.element is not None:
            return self.element.type_name
        return self.type_name if self.kind else ("pg_catalog", self.bare_type)

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
        """Name of the base type without schema and modifier: `varchar(20)` → `varchar`, `public.citext` → `citext`.

        With its schema where it is called like one of Postgres' own: `public.date`.
        """
        bare = " ".join(re.sub(r"\([^)]*\)", "", self.base_type or self.type).split())
        schema, _, name = bare.rpartition(".")
        return bare if schema and name in _POSTGRES_OWN else name

    @property
    def case_insensitive(self) -> bool:
        """Whether values that differ in case alone are equal to Postgres (citext)."""
        return self.bare_type == "citext"
