"""The masking policy: a TOML file that a team reviews, with every column of every database and its strategy.

version = 1
locale = "en_US"
reviewed_by = "Ada Lovelace"
reviewed_on = 2026-11-21

[neondb.public.customers]
id = "keep"
email = "email"
born_on = { strategy = "date_shift", days = 365 }
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from faker.config import AVAILABLE_LOCALES
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sanitizers.errors import PolicyError
from sanitizers.strategies import KINDS, Strategy

Columns = dict[str, Strategy]
SETTINGS = ("version", "locale", "reviewed_by", "reviewed_on")
DEPTH = 4  # database, schema, table, column


class MaskingPolicy(BaseModel):
    """What a team decided. `databases` is nested: database → schema → table → column → strategy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    locale: str = "en_US"
    reviewed_by: str = ""
    reviewed_on: date | None = None
    databases: dict[str, dict[str, dict[str, Columns]]] = Field(default_factory=dict)

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

    @property
    def reviewed(self) -> bool:
        """Whether a person put their name and a date under it; by schedule only a reviewed policy runs."""
        return bool(self.reviewed_by.strip()) and self.reviewed_on is not None

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over all that decides the outcome; who reviewed it and when does not."""
        decisions = self.model_dump(mode="json", include={"version", "locale", "databases"})
        return hashlib.sha256(json.dumps(decisions, sort_keys=True).encode()).hexdigest()

    def strategy(self, path: tuple[str, str, str, str]) -> Strategy | None:
        """The decision on a column given as (database, schema, table, column), or None."""
        database, schema, table, column = path
        return self.databases.get(database, {}).get(schema, {}).get(table, {}).get(column)

    def paths(self) -> Iterator[tuple[str, str, str, str]]:
        """Every column that the policy names."""
        for database, schemas in self.databases.items():
            for schema, tables in schemas.items():
                for table, columns in tables.items():
                    yield from ((database, schema, table, column) for column in columns)


def load_policy(path: Path) -> MaskingPolicy:
    """Read a policy.

    Raises:
        PolicyError: the file cannot be read, is no TOML, or says something unknown: one line for every mistake.
    """
    return parse_policy(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The file's text, or PolicyError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PolicyError(f"{path}: the masking policy cannot be read: {reason}.") from error


def parse_policy(text: str, name: str) -> MaskingPolicy:
    """The policy in a text; `name` is what errors call it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{name}: not valid TOML: {error}.") from error
    settings = {key: value for key, value in document.items() if not isinstance(value, dict)}
    databases = {key: _expanded(value) for key, value in document.items() if isinstance(value, dict)}
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


def _sentences(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=True):
        place = [str(part) for part in problem["loc"]]
        if place[:1] != ["databases"]:
            yield _setting_sentence(place, problem)
        else:
            yield f"{'.'.join(place[1 : DEPTH + 1])}: {_column_sentence(place[DEPTH + 1 :], problem)}"


def _setting_sentence(place: list[str], problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        return f"{place[0]}: unknown setting; allowed are {', '.join(SETTINGS)}, and a table per database."
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
        case _ if inside[1:]:
            return f"{inside[0]}: {inside[1]}: {_message(problem)}."
        case _:
            return "expected [database.schema.table] with a strategy for each column."


def _parameters(kind: str) -> str:
    names = [name for name in KINDS[kind].model_fields if name != "kind"]
    return f"allowed are {', '.join(names)}" if names else "it has none"


def _message(problem: Mapping[str, Any]) -> str:
    return str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
