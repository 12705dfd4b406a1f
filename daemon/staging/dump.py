"""What a `pg_dump --schema-only` text tells that the API's JSON does not: owners, partitions, domains, enums. Pure.

Only statements that pg_dump itself writes at the start of a line are read; its output format is stable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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


def read_dump(text: str) -> DumpFacts:
    """Read the facts from a schema-only dump."""
    tables = {_pair(m.groups()) for m in _CREATED.finditer(text)}
    owners = {_pair(m.groups()[:2]): _plain(m[3]) for m in _OWNER.finditer(text)}
    return DumpFacts(
        owners={name: owner for name, owner in owners.items() if name in tables},
        partitions=frozenset(_pair(m.groups()[2:]) for m in _ATTACHED.finditer(text)),
        domains={_pair(m.groups()[:2]): m[3].strip() for m in _DOMAIN.finditer(text)},
        enums=frozenset(_pair(m.groups()) for m in _ENUM.finditer(text)),
    )


def _pair(parts: Iterable[str]) -> Qualified:
    schema, name = parts
    return _plain(schema), _plain(name)


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
