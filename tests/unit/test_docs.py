"""The reference says what the program has: every command, option, rule and strategy, and no other."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from functools import cache
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from daemon.cli.main import app
from daemon.duration import parse_duration
from daemon.rules import ALL_RULES, HygieneRule
from sanitizers.schema import Column
from sanitizers.strategies import KINDS
from sanitizers.strategies.strategy import PersonalStrategy
from tests.reference_pages import code, page, rows, sections

TYPES = {
    "text": "text",
    "integer": "bigint",
    "number": "numeric",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "uuid": "uuid",
    "bytea": "bytea",
    "inet": "inet",
    "json": "jsonb",
    "boolean": "boolean",
    "array": "text[]",
    "other": "point",
}
"""A type of every category."""
SHARED = {name: field.default for name, field in PersonalStrategy.model_fields.items()}
REQUIRED: dict[str, dict[str, Any]] = {
    "json_only": {"members": ["id"]},
    "national_id": {"country": "us"},
    "json": {"paths": {"a": "email"}},
    "hstore": {"keys": {"a": "email"}},
    "list": {"of": "email"},
    "composite": {"attributes": {"a": "email"}},
    "sql": {"expression": "1"},
    "derived": {"expression": "1"},
}
"""Parameters of the strategies that have no default for them."""


# Commands


def _root() -> Any:
    return typer.main.get_command(app)


def _walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its words."""
    for name, child in getattr(command, "commands", {}).items():
        yield from _walk(child, (*path, name))
    if not hasattr(command, "commands"):
        yield " ".join(path), command


@cache
def _commands() -> dict[str, Any]:
    return dict(_walk(_root()))


def _options(command: Any) -> set[str]:
    return {name for p in command.params for name in (*p.opts, *p.secondary_opts) if name.startswith("-")} - {"--help"}


def _arguments(command: Any) -> set[str]:
    return {p.name.upper() for p in command.params if p.param_type_name == "argument"}


def test_commands_are_walked() -> None:
    assert {"once", "sanitize", "keys new", "config check"} <= set(_commands())
    assert {"--dry-run", "--config", "-c"} <= _options(_commands()["once"])
    assert _arguments(_commands()["explain"]) == {"BRANCH"}


def test_every_command_has_a_section_and_no_section_is_left_over() -> None:
    assert set(sections(page("commands.md"))) == set(_commands())


@pytest.mark.parametrize("name", sorted(_commands()))
def test_a_commands_section_has_its_options_and_arguments_and_no_others(name: str) -> None:
    found = rows(sections(page("commands.md"))[name])

    named = {code(part.strip()) for row in found for part in row[0].split(",")}
    assert named == _options(_commands()[name]) | _arguments(_commands()[name])
    assert all(row[1] for row in found)


@pytest.mark.parametrize("name", sorted(_commands()))
def test_a_commands_section_says_what_its_help_says(name: str) -> None:
    words = " ".join(sections(page("commands.md"))[name].split())

    assert " ".join(_commands()[name].help.split()) in words


def test_the_programs_own_options_are_there() -> None:
    own = _options(_root())

    assert "--version" in own
    assert all(f"`{name}`" in page("commands.md") for name in own)


# Rules


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.default for name, field in model.model_fields.items() if name != "kind"}


def _reads_as(text: str, default: object) -> bool:
    """Whether the cell of a table gives the default."""
    match default:
        case Enum():
            return text == str(default.value)
        case bool() | int() | float() | str() | tuple():
            return text == json.dumps(default)
        case timedelta():
            return parse_duration(text) == default
        case _:
            return text == "required"


def _kind(rule: type[HygieneRule]) -> str:
    return str(rule.model_fields["kind"].default)


def test_every_rule_has_a_section_and_no_section_is_left_over() -> None:
    kinds = {_kind(rule) for rule in ALL_RULES}

    assert {"raw-dev-branch", "stale-staging"} <= kinds
    assert set(sections(page("rules.md"))) == kinds


@pytest.mark.parametrize("rule", ALL_RULES, ids=_kind)
def test_a_rules_parameters_are_there_with_their_defaults(rule: type[HygieneRule]) -> None:
    defaults = _defaults(rule)
    found = {code(row[0]): code(row[1]) for row in rows(sections(page("rules.md"))[_kind(rule)])}

    assert {"enabled", "severity", "grace"} <= set(found)
    assert set(found) == set(defaults)
    assert [name for name, text in found.items() if not _reads_as(text, defaults[name])] == []


# Strategies


def test_every_strategy_has_a_section_and_no_section_is_left_over() -> None:
    assert {"email", "date_shift", "keep"} <= set(KINDS)
    assert set(sections(page("strategies.md"))) == set(KINDS)


def test_parameters_that_strategies_share_are_there_with_their_defaults() -> None:
    shared = page("strategies.md").split("## Parameters that are shared")[1].split("\n## ")[0]

    found = {code(row[0]): code(row[1]) for row in rows(shared)}

    assert found == {name: json.dumps(default) for name, default in SHARED.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_strategys_parameters_are_there_with_their_defaults(kind: str) -> None:
    defaults = {name: value for name, value in _defaults(KINDS[kind]).items() if name not in SHARED}
    section = sections(page("strategies.md"))[kind]
    found = {code(row[0]): code(row[1]) for row in rows(section)}

    assert set(found) == set(defaults)
    assert [name for name, text in found.items() if not _reads_as(text, defaults[name])] == []
    assert bool(found) != ("It has no parameters." in " ".join(section.split()))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"constant"}))  # what fits a constant depends on its value
def test_a_strategys_section_says_which_types_it_fits(kind: str) -> None:
    strategy = KINDS[kind](**REQUIRED.get(kind, {}))

    fitting = {name for name, type_ in TYPES.items() if strategy.fits(Column(name="column", type=type_)) is None}

    sentence = _fits(sections(page("strategies.md"))[kind])
    said = set(TYPES) if "any type" in sentence else {t for t in TYPES if f"`{t}`" in sentence}
    assert said == fitting


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"constant", "phone"}))  # `phone` says which digits are enough
def test_a_strategys_section_says_whether_it_keeps_unique_columns_unique(kind: str) -> None:
    section = sections(page("strategies.md"))[kind]

    fits = any(
        KINDS[kind](**REQUIRED.get(kind, {})).fits(Column(name="column", type=type_, unique=True)) is None
        for type_ in TYPES.values()
    )

    assert ("not unique" in _fits(section)) == (not fits)


def _fits(section: str) -> str:
    found = re.search(r"Fits: (.*?\.)(\s|$)", " ".join(section.split()))
    assert found, "a section says `Fits: ...`"
    return found[1]
