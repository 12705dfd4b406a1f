"""`detect`: what is personal in a database."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from daemon.app import open_app
from daemon.cli.common import ConfigOption, JsonOption, ProjectOption, clean, err, out, print_json
from daemon.errors import UsageError
from daemon.plain import parse_dsn
from daemon.policies import classify_columns, suggestions, undecided
from daemon.settings import load_settings
from sanitizers.policy_file import Suggestion, write_policy
from sanitizers.schema import Schema, read_schema
from sanitizers.strategies.inner import written


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(detect)


def detect(
    branch: Annotated[str | None, typer.Argument(help="A branch; default: production.", show_default=False)] = None,
    dsn: Annotated[str | None, typer.Option(help="Any Postgres instead.", show_default=False)] = None,
    columns: Annotated[Path | None, typer.Option(help="A column list (CSV) instead.", show_default=False)] = None,
    result: Annotated[Path | None, typer.Option("--out", help="Where --columns writes.", show_default=False)] = None,
    write: Annotated[bool, typer.Option("--write", help="Make or extend the masking policy.")] = False,
    config: ConfigOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify columns by name and type. A branch is looked at through the API: nobody connects to production."""
    if sum(given is not None for given in (branch, dsn, columns)) > 1:
        raise UsageError("give a branch, --dsn or --columns, not several of them")
    if project is not None and (dsn is not None or columns is not None):
        raise UsageError("--project is of branches on Neon: leave it out beside --dsn or --columns")
    if dsn is not None and config is not None and not write:
        raise UsageError("beside --dsn, --config says where --write writes: leave it out, or add --write")
    if columns is not None or result is not None:
        _classify(columns, result, alone=not (write or as_json or config))
        return
    schemas = (_schema(dsn),) if dsn is not None else _branch_schemas(config, project, branch)
    found = suggestions(schemas)
    for sentence in undecided(schemas, found):
        err.print(clean(sentence), soft_wrap=True)
    if write:
        path = load_settings(config).staging.policy
        added = write_policy(path, found)
        err.print(f"{path}: {len(added)} columns added. Read every line, then sign it (reviewed_by, reviewed_on).")
        found = added
    print_json([_as_written(item) for item in found]) if as_json else _print(found)


def _classify(columns: Path | None, result: Path | None, *, alone: bool) -> None:
    if columns is None or result is None:
        raise UsageError("--columns and --out go together: detect --columns in.csv --out out.csv")
    if not alone:
        raise UsageError("--columns takes --out alone: leave --write, --json and --config out")
    err.print(f"{classify_columns(columns, result)} columns classified, written to {result}")


def _schema(dsn: str) -> Schema:
    with parse_dsn("--dsn", dsn).session() as conn:
        return read_schema(conn)


def _branch_schemas(config: Path | None, project: str | None, branch: str | None) -> tuple[Schema, ...]:
    with open_app(load_settings(config), exclusive=False) as app:
        return app.schemas(app.choose_one(project), branch)


def _as_written(item: Suggestion) -> dict[str, object]:
    """With the strategy as a policy would have it."""
    return {f.name: getattr(item, f.name) for f in fields(item)} | {"strategy": written(item.strategy)}


def _print(found: tuple[Suggestion, ...]) -> None:
    table = _table("column", "class", "strategy", "why")
    for item in found:
        if item.strategy.masks:
            name = ".".join(item.path)
            table.add_row(*(Text(clean(v)) for v in (name, item.pii_class or "", item.strategy.kind, item.reason)))
    if table.row_count:
        out.print(table)
    kinds = Counter(item.strategy.masks for item in found)
    out.print(f"{len(found)} columns: {kinds[True]} to mask, {kinds[False]} to keep.")


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        table.add_column(name, overflow="fold")
    return table
