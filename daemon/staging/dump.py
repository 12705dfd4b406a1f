"""What a `pg_dump --schema-only` text tells that the API's JSON does not: owners, partitions, types, expressions. Pure.

Only statements that pg_dump itself writes at the start of a line are read; its output format is stable. Lines within
literals and function bodies are people's own and are no statements.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sanitizers.lossy import loses

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_QUALIFIED = rf"({_NAME})\.({_NAME})"
_TYPE = re.compile(rf"(?:({_NAME})\.)?({_NAME})")
_LITERAL = r"'(?:[^']|'')*'"
_OPAQUE = re.compile(
    rf'--[^\n]*|{_LITERAL}|"(?:[^"]|"")*"|(?<![\w$])(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag)', re.DOTALL
)
_OWNER = re.compile(
    rf"^ALTER (?:TABLE|SEQUENCE|MATERIALIZED VIEW|VIEW|FOREIGN TABLE) {_QUALIFIED} OWNER TO ({_NAME});", re.MULTILINE
)
_CREATED = re.compile(rf"^CREATE (?:UNLOGGED )?TABLE {_QUALIFIED}", re.MULTILINE)
_FOREIGN = re.compile(rf"^CREATE FOREIGN TABLE {_QUALIFIED}", re.MULTILINE)
_ATTACHED = re.compile(rf"^ALTER TABLE ONLY {_QUALIFIED} ATTACH PARTITION {_QUALIFIED} ", re.MULTILINE)
_DOMAIN = re.compile(
    rf"^CREATE DOMAIN {_QUALIFIED} AS (.+?)(?: COLLATE (?P<collation>{_NAME}\.{_NAME}))?"
    rf"(?P<solid>(?: CONSTRAINT {_NAME})? NOT NULL)?"
    r"(?: DEFAULT .*)?;?$",
    re.MULTILINE,
)
_ENUM = re.compile(rf"^CREATE TYPE {_QUALIFIED} AS ENUM", re.MULTILINE)

_TABLE = re.compile(rf"^CREATE (?:UNLOGGED )?TABLE {_QUALIFIED} \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
_GENERATED = re.compile(
    rf"^    ({_NAME}) [^'\n]*? GENERATED ALWAYS AS \((.*)\)(?: STORED| VIRTUAL)?(?: NOT NULL)?,?$", re.MULTILINE
)
_UNIQUE = re.compile(
    rf"^CREATE UNIQUE INDEX (?P<name>{_NAME}) ON (?:ONLY )?(?P<table>{_NAME}\.{_NAME}) USING \w+ \((?P<key>.*?)\)"
    r"(?: INCLUDE \(.*?\))?(?P<equal> NULLS NOT DISTINCT)?(?: WITH \(.*?\))?(?: WHERE (?P<condition>.*))?;$",
    re.MULTILINE,
)
_NULL_EQUAL = re.compile(
    rf"^ALTER TABLE ONLY {_QUALIFIED}\n    ADD CONSTRAINT {_NAME} UNIQUE NULLS NOT DISTINCT \((.*?)\)", re.MULTILINE
)
_COLLATION = re.compile(rf"^CREATE COLLATION {_QUALIFIED} \(.*\bdeterministic = false\b.*\);$", re.MULTILINE)
_COLLATED = re.compile(rf"^    ({_NAME}) [^'(\n]*(?:\([\d,]+\))?(?:\[\])* COLLATE {_QUALIFIED}", re.MULTILINE)
_BOTH = re.compile(_QUALIFIED)
_COLLATED_MEMBER = re.compile(rf"({_NAME}) COLLATE {_QUALIFIED}(?: |$)")
_MEMBER = re.compile(rf"{_LITERAL}|{_NAME}|[(),]|[^\s]")
_PLAIN = re.compile(rf"({_NAME})(?: |$)")
_NO_COLUMN = re.compile(rf"{_LITERAL}|::(?:{_NAME}\.)?{_NAME}|{_NAME}(?=\()")

Qualified = tuple[str, str]


@dataclass(frozen=True)
class Domain:
    """What a domain rests on, as written, and whether it refuses null."""

    base: str
    not_null: bool
    loose: bool = False
    """Whether its collation is nondeterministic."""


@dataclass(frozen=True)
class WrittenIndex:
    """A unique index as it is written: the list of what it is on, and the condition on its rows, where it has one."""

    name: str
    key: str
    null_equal: bool = False
    condition: str = ""


@dataclass(frozen=True)
class UniqueIndex:
    """The columns that a unique index is on; with `expression` those that it is about."""

    columns: tuple[str, ...]
    expression: bool
    name: str = ""
    null_equal: bool = False
    lossy: bool = False
    condition: str = ""
    about: tuple[str, ...] = ()
    """Columns that the condition is about."""


@dataclass(frozen=True)
class DumpFacts:
    """What was read; names are unquoted pairs of schema and name."""

    owners: Mapping[Qualified, str]
    """Owner of each table; those of extensions are in no dump."""
    parents: Mapping[Qualified, Qualified]
    """Partition → the table that it was attached to."""
    domains: Mapping[Qualified, Domain]
    enums: frozenset[Qualified]
    generated: Mapping[tuple[str, str, str], str]
    """Generated column (schema, table, column) → its expression."""
    foreign: tuple[Qualified, ...]
    """Foreign tables, whose rows are another server's."""
    unique: Mapping[Qualified, tuple[WrittenIndex, ...]]
    """Table → its unique indexes of all rows."""
    partial: Mapping[Qualified, tuple[WrittenIndex, ...]]
    """The same of those that are about some of its rows."""
    null_equal: Mapping[Qualified, tuple[frozenset[str], ...]]
    """Table → columns of its unique constraints for which NULL is equal to NULL."""
    loose: frozenset[tuple[str, str, str]]
    """Columns (schema, table, column) that have a nondeterministic collation, or a unique index with one on them."""

    def root(self, table: Qualified) -> Qualified:
        """The partitioned table that a partition belongs to in the end, or the table itself."""
        while table in self.parents:
            table = self.parents[table]
        return table


def read_dump(text: str) -> DumpFacts:
    """Read the facts from a schema-only dump."""
    text = _OPAQUE.sub(lambda found: "" if found[0].startswith("--") else found[0].replace("\n", " "), text)
    tables = {_pair(m.groups()) for m in _CREATED.finditer(text)}
    owners = {_pair(m.groups()[:2]): _plain(m[3]) for m in _OWNER.finditer(text)}
    collations = frozenset(_pair(m.groups()) for m in _COLLATION.finditer(text))
    return DumpFacts(
        owners={name: owners.get(name, "") for name in tables},
        parents={_pair(m.groups()[2:]): _pair(m.groups()[:2]) for m in _ATTACHED.finditer(text)},
        domains={_pair(m.groups()[:2]): _domain(m, collations) for m in _DOMAIN.finditer(text)},
        enums=frozenset(_pair(m.groups()) for m in _ENUM.finditer(text)),
        foreign=tuple(_pair(m.groups()) for m in _FOREIGN.finditer(text)),
        generated=dict(_generated(text)),
        unique=_unique(text, partial=False),
        partial=_unique(text, partial=True),
        null_equal=_null_equal(text),
        loose=frozenset(_loose(text, collations)),
    )


def read_index(index: WrittenIndex, columns: Collection[str]) -> UniqueIndex:
    """What a unique index is on, read from its definition; `columns` are those of its table."""
    names: dict[str, None] = {}
    expression, computed = False, ""
    for member in _members(index.key):
        plain = _PLAIN.match(member)
        expression = expression or plain is None
        found = (_plain(plain[1]),) if plain else _names(member)
        computed += "" if plain else member
        names |= dict.fromkeys(name for name in found if name in columns)
    about = tuple(dict.fromkeys(name for name in _names(index.condition) if name in columns))
    return UniqueIndex(tuple(names), expression, index.name, index.null_equal, loses(computed), index.condition, about)


def find_type(type_name: str, known: Iterable[Qualified]) -> Qualified | None:
    """The user-defined type that a name means; the API may leave the schema out where it is on the search path."""
    parts = _TYPE.fullmatch(type_name)
    if parts is None:
        return None
    schema, name = (_plain(part or "") for part in parts.groups())
    fitting = [k for k in known if k[1] == name and schema in {"", k[0]}]
    return min(fitting, key=lambda k: k[0] != "public", default=None)


def _members(key: str) -> Iterator[str]:
    """The members of a list, told apart by the commas outside of all parentheses and quotes."""
    start = depth = 0
    for token in _MEMBER.finditer(key):
        depth += (token[0] == "(") - (token[0] == ")")
        if token[0] == "," and depth == 0:
            yield key[start : token.start()].strip()
            start = token.end()
    yield key[start:].strip()


def _names(expression: str) -> tuple[str, ...]:
    """Everything in an expression that may be a column: no literals, no types, no functions."""
    return tuple(_plain(name) for name in re.findall(_NAME, _NO_COLUMN.sub(" ", expression)))


def _generated(text: str) -> Iterator[tuple[tuple[str, str, str], str]]:
    for table in _TABLE.finditer(text):
        for column in _GENERATED.finditer(table[3]):
            yield (*_pair(table.groups()[:2]), _plain(column[1])), column[2]


def _unique(text: str, *, partial: bool) -> Mapping[Qualified, tuple[WrittenIndex, ...]]:
    found: dict[Qualified, tuple[WrittenIndex, ...]] = {}
    for index in _UNIQUE.finditer(text):
        if bool(index["condition"]) == partial:
            qualified, schema = _split(index["table"]), _MEMBER.match(index["table"])
            name = f"{schema[0] if schema else ''}.{index['name']}"
            written = WrittenIndex(name, index["key"], bool(index["equal"]), index["condition"] or "")
            found[qualified] = (*found.get(qualified, ()), written)
    return found


def _null_equal(text: str) -> Mapping[Qualified, tuple[frozenset[str], ...]]:
    found: dict[Qualified, tuple[frozenset[str], ...]] = {}
    for constraint in _NULL_EQUAL.finditer(text):
        name, columns = _pair(constraint.groups()[:2]), frozenset(map(_plain, _members(constraint[3])))
        found[name] = (*found.get(name, ()), columns)
    return found


def _domain(found: re.Match[str], collations: Collection[Qualified]) -> Domain:
    collation = found["collation"]
    return Domain(found[3], bool(found["solid"]), bool(collation) and _split(collation) in collations)


def _loose(text: str, collations: Collection[Qualified]) -> Iterator[tuple[str, str, str]]:
    """What is compared by these collations."""
    for table in _TABLE.finditer(text):
        for column in _COLLATED.finditer(table[3]):
            if _pair(column.groups()[1:]) in collations:
                yield (*_pair(table.groups()[:2]), _plain(column[1]))
    for index in _UNIQUE.finditer(text):
        for member in map(_COLLATED_MEMBER.match, _members(index["key"])):
            if member and _pair(member.groups()[1:]) in collations:
                yield (*_split(index["table"]), _plain(member[1]))


def _split(name: str) -> Qualified:
    """Schema and name of what is written with a dot between them."""
    found = _BOTH.fullmatch(name)
    return _pair(found.groups()) if found else ("", name)


def _pair(parts: Iterable[str]) -> Qualified:
    schema, name = parts
    return _plain(schema), _plain(name)


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
