"""What a policy says about many columns at once, about whole tables, and about references that no foreign key declares.

Patterns are full names with `*` for any characters of one part: `neondb.public.users.email`, `*.users.email`,
`*_audit`. A pattern of fewer parts speaks of the last ones. A part in double quotes is a name as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Annotated, Self

from faker.config import AVAILABLE_LOCALES
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sanitizers.pools import Locales
from sanitizers.schema import Column
from sanitizers.strategies import Strategy

ColumnPath = tuple[str, str, str, str]
"""Database, schema, table, column."""
DEPTH = 4

_FROZEN = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ColumnRule(BaseModel):
    """A strategy for every column that a pattern, a class of personal data or a type describes; all that are given."""

    model_config = _FROZEN

    match: str = ""
    pii_class: str = Field(default="", alias="class")
    type: str = ""
    strategy: Strategy

    @field_validator("match")
    @classmethod
    def _readable(cls, value: str) -> str:
        return _pattern(value) if value else value

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.match or self.pii_class or self.type):
            raise ValueError("it describes no column: give match, class or type")
        return self

    @property
    def rank(self) -> int:
        """Lower wins: a pattern before a class before a type."""
        return 0 if self.match else 1 if self.pii_class else 2

    @property
    def words(self) -> str:
        """The rule as the plan names it."""
        parts = (("match", self.match), ("class", self.pii_class), ("type", self.type))
        return " and ".join(f"{name} {value}" for name, value in parts if value)

    def covers(self, path: ColumnPath, column: Column, pii_class: str | None) -> bool:
        """Whether the column is one of those that the rule describes."""
        if self.match and not matches(self.match, path):
            return False
        if self.pii_class and self.pii_class != pii_class:
            return False
        return not self.type or self.type in {column.type, column.base_type, column.bare_type, column.category}


class TableRule(BaseModel):
    """How the rows of the tables that `match` describes are taken."""

    model_config = _FROZEN

    match: str
    rows: str = "all"
    """`all`, also in a sample, `none` (sessions, job queues), a share as `5%`, or an SQL condition over originals."""
    person: tuple[str, ...] = ()
    """Columns that say which person a row is about; equal ones get the same fake person, in every table."""
    person_of: str = ""
    """Name under which such numbers are the same in several tables; empty: what the foreign keys lead to."""
    keep_rows: str = ""
    """SQL condition: rows for which it is true are copied as they are."""
    locale_column: str = ""
    """Column that names a row's country or language: DE, de, de_DE."""
    locales: tuple[str, ...] = ()
    """Locales that it may name; others get the policy's."""
    quasi_identifiers: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = ()
    """Columns that together may tell a person from others (postcode, birth, sex): the proof counts how many share each
    combination."""

    @field_validator("match")
    @classmethod
    def _readable(cls, value: str) -> str:
        return _pattern(value)

    @field_validator("person", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("locales")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in AVAILABLE_LOCALES:
                raise ValueError(f"Faker knows no locale {name!r}; write it as en_US or de_DE")
        return value

    @model_validator(mode="after")
    def _locales_belong_together(self) -> Self:
        if bool(self.locale_column) != bool(self.locales):
            raise ValueError("locale_column and locales go together")
        return self

    @property
    def condition(self) -> str:
        """The SQL condition on rows, or nothing."""
        return "" if self.rows in {"all", "none"} or self.share is not None else self.rows

    @property
    def says_rows(self) -> bool:
        """Whether it says which rows are taken, were it all of them: the policy's sample then leaves none out."""
        return "rows" in self.model_fields_set

    @property
    def share(self) -> Fraction | None:
        """The share of the rows to take, where the rule gives one."""
        return share_of(self.rows)

    def of(self, default: str) -> Locales:
        """The table's locales; `default` is the policy's."""
        return Locales(default, self.locales, self.locale_column or None)


class Link(BaseModel):
    """A reference that no foreign key declares: `from` holds values of `to`, so both need the same fakes."""

    model_config = _FROZEN

    from_: str = Field(alias="from")
    to: str

    @field_validator("from_", "to")
    @classmethod
    def _full_name(cls, value: str) -> str:
        if len(parts(_pattern(value))) != DEPTH:
            raise ValueError("write it as database.schema.table.column")
        return value

    @property
    def ends(self) -> tuple[ColumnPath, ColumnPath]:
        """The column that refers, and the one that it refers to."""
        return _path(self.from_), _path(self.to)


def share_of(text: str) -> Fraction | None:
    """The share that a percentage says, as `5%` or `0.5 %`; None where the text is none between 0 and 100."""
    found = _SHARE.fullmatch(text.strip())
    share = Fraction(found[1]) / 100 if found else None
    return share if share is not None and 0 < share < 1 else None


def matches(pattern: str, path: Sequence[str]) -> bool:
    """Whether the pattern's parts describe the last parts of a full name."""
    wanted = _likes(pattern)
    if len(wanted) > len(path):
        return False
    return all(one.fullmatch(name) for one, name in zip(wanted, path[-len(wanted) :], strict=True))


def may_be_in(pattern: str, depth: int, database: str) -> bool:
    """Whether a pattern for names of `depth` parts, if it names a database at all, names this one."""
    wanted = _likes(pattern)
    return len(wanted) < depth or wanted[0].fullmatch(database) is not None


def pattern_of(path: Sequence[str]) -> str:
    """The pattern that describes this full name alone."""
    return ".".join(name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"' for name in path)


@cache
def parts(name: str) -> tuple[str, ...]:
    """The parts of a full name; one with dots, stars or quotes in it stands in double quotes."""
    return tuple(quoted.replace('""', '"') if quoted else plain for quoted, plain in _PART.findall(name))


@cache
def _likes(pattern: str) -> tuple[re.Pattern[str], ...]:
    """What each part of a pattern describes."""
    return tuple(
        re.compile(re.escape(quoted.replace('""', '"'))) if quoted else _like(plain)
        for quoted, plain in _PART.findall(pattern)
    )


def _pattern(text: str) -> str:
    """The text, where all of it is the parts of a name; one that is not would be read as another name."""
    if _PARTS.fullmatch(text) is None:
        raise ValueError(_QUOTING.format(text or "an empty text"))
    return text


def _path(name: str) -> ColumnPath:
    database, schema, table, column = parts(name)
    return database, schema, table, column


_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_PLAIN = re.compile(r'[^."*]+')
_PART = re.compile(r'(?:"((?:[^"]|"")+)"|([^."]+))(?:\.|$)')
_ONE = r'(?:"(?:[^"]|"")+"|[^."]+)'
_PARTS = re.compile(rf"{_ONE}(?:\.{_ONE})*")
_QUOTING = (
    "{} is no name of parts with dots between them: put a part with quotes or dots of its own in double quotes, and"
    """ write a quote in it twice, as SQL does: '*."we""ird".email'"""
)


def _like(part: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece) for piece in part.split("*")), re.DOTALL)


EVERY_ROW = TableRule(match="*")
