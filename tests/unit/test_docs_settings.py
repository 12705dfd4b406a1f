"""The reference gives every setting, event, metric and exit code that the program has, and no other."""

import ast
import json
import re
import signal
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from daemon import cycle
from daemon.cli.ending import SANITIZER_EXIT_CODE
from daemon.errors import BranchwardenError
from daemon.purposes import PurposePattern
from daemon.records import RunStep
from daemon.settings import ProjectSettings, variables
from daemon.web import Health
from daemon.web.metrics import metrics
from tests.reference_pages import ROOT, code, page, rows, sections

# Settings


def _shipped() -> dict[str, Any]:
    """The settings of the shipped file by their dotted names; those that it only shows as comments are none."""
    document = tomllib.loads((ROOT / "config" / "branchwarden.toml").read_text())
    flat: dict[str, Any] = {}
    for name, value in document.items():
        flat |= {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _setting_rows() -> dict[str, list[str]]:
    return {code(row[0]): row for row in rows(page("config.md")) if len(row) == 4 and "BRANCHWARDEN_" in row[2]}


def test_every_shipped_setting_is_there_with_its_default() -> None:
    shipped, found = {n: v for n, v in _shipped().items() if n != "purposes"}, _setting_rows()

    assert {"enforce", "staging.max_age", "api.timeout"} <= set(shipped)
    assert {name: json.dumps(value) for name, value in shipped.items()} == {n: code(found[n][1]) for n in shipped}
    assert "purposes" in found


def test_every_variable_is_there_beside_its_setting_and_none_is_left_over() -> None:
    expected = {name.removeprefix("BRANCHWARDEN_").lower().replace("__", "."): name for name in variables()}

    assert expected["staging.max_age"] == "BRANCHWARDEN_STAGING__MAX_AGE"
    assert {name: code(row[2]) for name, row in _setting_rows().items()} == expected


@pytest.mark.parametrize("name", ["NEON_API_KEY", "NEON_API_KEY_FILE", "NEON_API_HOST", "BRANCHWARDEN_CONFIG"])
def test_variables_that_are_no_settings_are_there(name: str) -> None:
    assert f"| `{name}` |" in page("config.md")


@pytest.mark.parametrize(("heading", "model"), [("[[projects]]", ProjectSettings), ("[[purposes]]", PurposePattern)])
def test_the_keys_of_lists_are_there(heading: str, model: type[BaseModel]) -> None:
    section = sections(page("config.md"))[heading]
    table = section.split("\n\nDefault:")[0]

    assert {code(row[0]) for row in rows(table)} == set(model.model_fields)


def test_the_default_purposes_are_there() -> None:
    table = sections(page("config.md"))["[[purposes]]"].split("\n\nDefault:")[1]
    found = {(code(row[0]), code(row[1]), re.sub("[`,]", "", row[2]), code(row[3])) for row in rows(table)}

    shipped = _shipped()["purposes"]
    assert found == {(p["pattern"], p["purpose"], " ".join(p["holds"]), p.get("max_age", "")) for p in shipped}


# Events, metrics, exit codes


def _event_kinds() -> Iterator[str]:
    for path in sorted((ROOT / "daemon").rglob("*.py")):
        tree = ast.parse(path.read_text())
        for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
            for call in (n for n in ast.walk(function) if isinstance(n, ast.Call)):
                if isinstance(call.func, ast.Name) and call.func.id == "Event" and call.args:
                    yield from _kinds(call.args[0], function, tree)


def _kinds(argument: ast.expr, function: ast.FunctionDef, tree: ast.Module) -> set[str]:
    """The kinds that an argument can be; what cannot be read from the source fails the test."""
    match argument:
        case ast.Constant(value=str(kind)):
            return {kind}
        case ast.JoinedStr(values=[ast.Constant(value=str(front)), ast.FormattedValue(value=ast.Name(id="step"))]):
            return {f"{front}{step.value}" for step in _steps_given_to(function.name, tree)}
        case ast.Name(id="kind"):
            return set(cycle.KINDS.values())
    raise AssertionError(f"{ast.unparse(argument)}: teach this test what kinds of events that makes")


def _steps_given_to(name: str, tree: ast.Module) -> set[RunStep]:
    calls = (
        n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == name
    )
    given = (argument for call in calls for argument in call.args if isinstance(argument, ast.Attribute))
    return {RunStep[a.attr] for a in given if isinstance(a.value, ast.Name) and a.value.id == "RunStep"}


def test_every_event_is_there_and_no_other() -> None:
    kinds = set(_event_kinds())

    assert {"finding.new", "sanitize.published", "sanitize.masked", "sanitize.failed", "exemption.added"} <= kinds
    assert {code(row[0]) for row in rows(page("events.md"))} == kinds


def test_every_metric_is_there_with_its_labels_and_no_other() -> None:
    families = list(metrics(Health(), datetime.now(UTC)))
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}

    assert {"branchwarden_findings_open", "branchwarden_cycles_total"} <= names
    assert {code(row[0]) for row in rows(page("metrics.md")) if row[0].startswith("`branchwarden_")} == names


def _errors(of: type[BranchwardenError] = BranchwardenError) -> Iterator[type[BranchwardenError]]:
    for error in of.__subclasses__():
        yield error
        yield from _errors(error)


def _exit_codes() -> set[int]:
    """Those of the errors, those that the command line returns, and those that commands exit with by themselves."""
    codes = {error.exit_code for error in _errors()} | {SANITIZER_EXIT_CODE, 128 + signal.SIGTERM}
    for path in (ROOT / "daemon" / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"typer.Exit", "sys.exit"}:
                codes |= _numbers(node)
            if isinstance(node, ast.FunctionDef) and node.name in {"_run", "exit_code"}:
                codes |= {number for n in ast.walk(node) if isinstance(n, ast.Return) for number in _numbers(n)}
    return codes


def _numbers(node: ast.AST) -> set[int]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and type(n.value) is int}


def test_every_exit_code_is_there_and_no_other() -> None:
    codes = _exit_codes()

    assert {0, 1, 2, 3, 4, 5, 70, 130, 143} <= codes
    assert {int(row[0]) for row in rows(page("errors.md"))} == codes
