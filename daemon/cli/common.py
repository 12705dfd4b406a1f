"""What several command groups share: their options, and how results get out."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from daemon.amounts import counted
from daemon.records import JsonMapping

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Config file; default ./branchwarden.toml if it is there.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ProjectOption = Annotated[
    str | None, typer.Option("--project", "-p", help="One of the watched projects.", show_default=False)
]

PLAIN_WIDTH = 140
"""Columns where there is no terminal to ask: log viewers and CI wrap by themselves."""

out = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
"""Results. No markup: branch names are other people's words."""
err = Console(stderr=True, highlight=False, markup=False, width=None if sys.stderr.isatty() else PLAIN_WIDTH)
"""Everything that is no result."""


def was_given(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, be it with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def clean(text: str) -> str:
    """Other people's words without control characters: a branch name must not drive the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def one_line(text: str) -> str:
    """Sentences of several lines on one, for lists."""
    return clean(" / ".join(line.strip() for line in text.splitlines() if line.strip()))


def print_json(value: Any) -> None:
    """Print dataclasses, times and durations as JSON."""
    typer.echo(json.dumps(jsonable(value), indent=2, ensure_ascii=False))


def jsonable(value: Any) -> Any:
    """The value in JSON's own types."""
    if is_dataclass(value) and not isinstance(value, type):
        return jsonable(asdict(value))
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return value.total_seconds() if isinstance(value, timedelta) else value


def print_masked(proof: JsonMapping) -> None:
    """What a run has masked and proven, in numbers."""
    tables, columns = int(str(proof["tables"])), int(str(proof["columns masked"]))
    out.print(f"  {proof['rows']:,} rows in {counted(tables, 'table')}, {counted(columns, 'column')} masked")
    out.print(f"  {proof['original values searched']:,} original values searched for, {proof['found']} found")
