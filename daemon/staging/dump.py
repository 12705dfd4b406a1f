"""What a `pg_dump --schema-only` text tells that the API's JSON does not: owners, partitions, types, expressions. Pure.

Only statements that pg_dump itself writes at the start of a line are read; its output format is stable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_QUALIFIED = rf"({_NAME})\.({_NAME})"
_OWNER = re.compile(
    rf"^ALTER (?:TABLE|SEQUENCE|MATERIALIZED VIEW|VIEW|FOREIGN TABLE) {_QUALIFIED} OWNER TO ({_NAME});", re.MULTILINE
)
_CREATED = re.compile(rf"^CREATE (?:UNLOGGED )?TABLE {_QUALIFIED}", re.MULTILINE)
_ATTACHED = re.compile(rf"^ALTER TABLE ONLY {_QUALIFIED} ATTACH PARTITION {_QUALIFIED} ", re.MULTILINE)
_DOMAIN = re.compile(rf"^CREATE DOMAIN {_QUALIFIED} AS ([^;\n]+?)(?: COLLATE .*?)?(?: NOT NULL)?;?$", re.MULTILINE)
_ENUM = re.compile(rf"^CREATE TYPE {_QUALIFIED} AS ENUM", re.MULTILINE)

_TABLE = re.compile(rf"^CREATE (?:UNLOGGED )?TABLE {_QUALIFIED} \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
_GENERATED = re.compile(
    rf"^    ({_NAME}) .*? GENERATED ALWAYS AS \((.*)\)(?: STORED| VIRTUAL)?(?: NOT NULL)?,?$", re.MULTILINE
)
_UNIQUE = re.compile(
    rf"^CREATE UNIQUE INDEX {_NAME} ON (?:ONLY )?{_QUALIFIED} USING \w+ \((.*?)\)"
    r"(?: INCLUDE \(.*?\))?(?: NULLS NOT DISTINCT)?(?: WITH \(.*?\))?(?: WHERE .*)?;$",
    re.MULTILINE,
)
_PLAIN = re.compile(rf"^{_NAME}(?:, {_NAME})*$")

Qualified = tuple[str, str]


@dataclass(frozen=True)
class DumpFacts:
    """What was read; names are unquoted pairs of schema and name."""

    owners: Mapping[Qualified, str]
    """Owner of each table (and view, sequence); what the dump does not say is missing."""
    partitions: frozenset[Qualified]
    """Tables that are partitions of another."""
    domains: Mapping[Qualified, str]
    """Domain → the type that it rests on, as written."""
    enums: frozenset[Qualified]
    generated: Mapping[tuple[str, str, str], str]
    """Generated column (schema, table, column) → its expression."""
    unique: Mapping[Qualified, tuple[str, ...]]
    """Table → what its unique indexes are on: a list of columns, or an expression, as written."""


def read_dump(text: str) -> DumpFacts:
    """Read the facts from a schema-only dump."""
    tables = {_pair(m.groups()) for m in _CREATED.finditer(text)}
    owners = {_pair(m.groups()[:2]): _plain(m[3]) for m in _OWNER.finditer(text)}
    return DumpFacts(
        owners={name: owner for name, owner in owners.items() if name in tables},
        partitions=frozenset(_pair(m.groups()[2:]) for m in _ATTACHED.finditer(text)),
        domains={_pair(m.groups()[:2]): m[3].strip() for m in _DOMAIN.finditer(text)},
        enums=frozenset(_pair(m.groups()) for m in _ENUM.finditer(text)),
        generated=dict(_generated(text)),
        unique=_unique(text),
    )


def columns_of_key(key: str) -> tuple[str, ...] | None:
    """The columns of a unique index, or None where it is on an expression."""
    return tuple(_plain(name) for name in re.findall(_NAME, key)) if _PLAIN.match(key) else None


def names_in(expression: str) -> frozenset[str]:
    """Everything in an expression that may be a column's name."""
    return frozenset(_plain(name) for name in re.findall(_NAME, expression))


def _generated(text: str) -> Iterator[tuple[tuple[str, str, str], str]]:
    for table in _TABLE.finditer(text):
        for column in _GENERATED.finditer(table[3]):
            yield (*_pair(table.groups()[:2]), _plain(column[1])), column[2]


def _unique(text: str) -> Mapping[Qualified, tuple[str, ...]]:
    found: dict[Qualified, tuple[str, ...]] = {}
    for index in _UNIQUE.finditer(text):
        name = _pair(index.groups()[:2])
        found[name] = (*found.get(name, ()), index[3])
    return found


def _pair(parts: Iterable[str]) -> Qualified:
    schema, name = parts
    return _plain(schema), _plain(name)


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
