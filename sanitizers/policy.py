"""The masking policy: a TOML file that a team reviews, with every column of every database and its strategy.

version = 1
locale = "en_US"
reviewed_by = "Ada Lovelace"
reviewed_on = 2026-11-21

[neondb.public.customers]
id = "keep"
email = "email"
born_on = { strategy = "date_shift", days = 365 }

[[columns]]                    # many columns at once: by pattern, class of personal data or type
match = "*.audit_*.payload"
strategy = "null"

[[tables]]                     # which rows, and who they are about
match = "*.sessions"
rows = "none"

[[links]]                      # references that no foreign key declares
from = "neondb.public.orders.customer_email"
to = "neondb.public.customers.email"
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from faker.config import AVAILABLE_LOCALES
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sanitizers.errors import PolicyError
from sanitizers.rules import DEPTH, EVERY_ROW, ColumnPath, ColumnRule, Link, TableRule, matches, share_of
from sanitizers.strategies import KINDS, PLUGINS, MaskingStrategy, Strategy
from sanitizers.strategies.encrypt import Encrypt

Columns = dict[str, Strategy]
SETTINGS = ("version", "locale", "sample", "allow_connections", "reviewed_by", "reviewed_on")
LISTS = ("columns", "tables", "links")


class MaskingPolicy(BaseModel):
    """What a team decided. `databases` is nested: database → schema → table → column → strategy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    locale: str = "en_US"
    sample: str = ""
    """Share of the people to take, as `5%`, with all that belongs to them; empty: everybody."""
    allow_connections: tuple[str, ...] = ()
    """Objects that may hold a connection string, as the refusal calls them, `*` for any characters."""
    reviewed_by: str = ""
    reviewed_on: date | None = None
    databases: dict[str, dict[str, dict[str, Columns]]] = Field(default_factory=dict)
    columns: tuple[ColumnRule, ...] = ()
    tables: tuple[TableRule, ...] = ()
    links: tuple[Link, ...] = ()

    @field_validator("reviewed_on", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("locale")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in AVAILABLE_LOCALES:
            raise ValueError(f"Faker knows no locale {value!r}; write it as en_US or de_DE")
        return value

    @field_validator("sample")
    @classmethod
    def _share(cls, value: str) -> str:
        if value and share_of(value) is None:
            raise ValueError(f"{value!r} is no share: write it as 5%")
        return value

    @property
    def share(self) -> Fraction | None:
        """The share of the people to take; None: everybody."""
        return share_of(self.sample)

    @property
    def reviewed(self) -> bool:
        """Whether a person put their name and a date under it; by schedule only a reviewed policy runs."""
        return bool(self.reviewed_by.strip()) and self.reviewed_on is not None

    @property
    def encrypts(self) -> bool:
        """Whether it may need a field key."""
        decided = (self.strategy(path) for path in self.paths())
        return any(isinstance(one, Encrypt) for one in (*decided, *(rule.strategy for rule in self.columns)))

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over all that decides the outcome; who reviewed it and when does not."""
        decisions = self.model_dump(mode="json", exclude={"reviewed_by", "reviewed_on"})
        return hashlib.sha256(json.dumps(decisions, sort_keys=True).encode()).hexdigest()

    def strategy(self, path: ColumnPath) -> Strategy | None:
        """The decision on a column by its own name, or None."""
        database, schema, table, column = path
        return self.databases.get(database, {}).get(schema, {}).get(table, {}).get(column)

    def table_rule(self, database: str, schema: str, table: str) -> TableRule:
        """The first rule that speaks of a table, or that every row is taken."""
        place = (database, schema, table)
        return next((rule for rule in self.tables if matches(rule.match, place)), EVERY_ROW)

    def paths(self) -> Iterator[ColumnPath]:
        """Every column that the policy names by itself."""
        for database, schemas in self.databases.items():
            for schema, tables in schemas.items():
                for table, columns in tables.items():
                    yield from ((database, schema, table, column) for column in columns)


def load_policy(path: Path, sample: str | None = None) -> MaskingPolicy:
    """Read a policy; `sample` is taken for what the file says.

    Raises:
        PolicyError: the file cannot be read, is no TOML, or says something unknown: one line for every mistake.
    """
    policy = parse_policy(read_text(path), str(path))
    if sample is None:
        return policy
    if share_of(sample) is None:
        raise PolicyError(f"{sample!r} is no share of the people: write more than 0 and less than 100, as 5%.")
    return policy.model_copy(update={"sample": sample})


def read_text(path: Path) -> str:
    """The file's text, or PolicyError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PolicyError(
            f"{path}: the masking policy cannot be read: {reason}; name a TOML file in UTF-8 that you may read."
        ) from error


def parse_policy(text: str, name: str) -> MaskingPolicy:
    """The policy in a text; `name` is what errors call it."""
    if PLUGINS.problems:
        raise PolicyError("\n".join(PLUGINS.problems))
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyError(f"{name}: not valid TOML: {error}.") from error
    settings = {key: value for key, value in document.items() if not isinstance(value, dict)}
    databases = {key: _expanded(value) for key, value in document.items() if isinstance(value, dict)}
    if isinstance(settings.get("columns"), list):
        settings["columns"] = [_expanded_rule(rule) for rule in settings["columns"]]
    try:
        return MaskingPolicy.model_validate({**settings, "databases": databases})
    except ValidationError as error:
        raise PolicyError("\n".join(f"{name}: {sentence}" for sentence in _sentences(error))) from error


def _expanded(value: Any, depth: int = 1) -> Any:
    """Write `email = "email"` out as `email = { strategy = "email" }`."""
    if depth == DEPTH:
        return {"strategy": value} if isinstance(value, str) else value
    if not isinstance(value, dict):
        return value
    return {key: _expanded(inner, depth + 1) for key, inner in value.items()}


def _expanded_rule(rule: Any) -> Any:
    """The same for the strategy of a `[[columns]]` rule."""
    return {**rule, "strategy": _expanded(rule["strategy"], DEPTH)} if "strategy" in rule else rule


def _sentences(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=True):
        place = [str(part) for part in problem["loc"]]
        if place[:1] == ["columns"] and place[2:3] == ["strategy"] and (place[3:] or problem["type"] != "missing"):
            yield f"[[columns]] {int(place[1]) + 1}: {_column_sentence(place[3:], problem)}"
        elif place[:1] != ["databases"]:
            yield _setting_sentence(place, problem)
        else:
            yield f"{'.'.join(place[1 : DEPTH + 1])}: {_column_sentence(place[DEPTH + 1 :], problem)}"


def _setting_sentence(place: list[str], problem: Mapping[str, Any]) -> str:
    if place[0] in LISTS and len(place) > 1:
        where = f"[[{place[0]}]] {int(place[1]) + 1}"
        if problem["type"] == "extra_forbidden":
            return f"{where}: unknown key {place[2]!r}."
        return f"{where}: {': '.join([*place[2:3], _message(problem)])}."
    if problem["type"] == "extra_forbidden":
        known = f"{', '.join(SETTINGS)}, {', '.join(f'[[{name}]]' for name in LISTS)}"
        return f"{place[0]}: unknown setting; allowed are {known}, and a table per database."
    if problem["type"] == "missing" and place == ["version"]:
        return "version is missing: write version = 1 above everything else."
    return f"{'.'.join(place)}: {_message(problem)}."


def _column_sentence(inside: list[str], problem: Mapping[str, Any]) -> str:
    """`inside` is empty, or the strategy's kind and then the parameter."""
    match problem["type"]:
        case "union_tag_invalid":
            return f"unknown strategy {problem['ctx']['tag']!r}; allowed are {', '.join(sorted(KINDS))}."
        case "union_tag_not_found":
            return 'no strategy; write `column = "keep"` or `column = { strategy = "date_shift", days = 30 }`.'
        case "extra_forbidden":
            return f"{inside[0]} has no parameter {inside[1]!r}; {_parameters(inside[0])}."
        case "missing":
            return f"{inside[0]} needs the parameter {inside[1]!r}."
        case kind if inside[1:] or (inside and kind == "value_error"):
            return f"{': '.join([*inside[:2], _message(problem)])}."
        case _:
            return "expected [database.schema.table] with a strategy for each column."


def _parameters(kind: str) -> str:
    common = MaskingStrategy.model_fields
    fields = KINDS[kind].model_fields.items()
    names = [field.alias or name for name, field in fields if name != "kind" and name not in common]
    return f"allowed are {', '.join([*names, *common])}"


def _message(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "missing":
        return "it is missing"
    return str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
