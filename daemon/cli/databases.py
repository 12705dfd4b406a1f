"""`detect`, `plan`: what is personal in a database, and what a run would do about it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg import conninfo
from rich.table import Table
from rich.text import Text

from daemon.app import open_app
from daemon.cli.common import ConfigOption, JsonOption, ProjectOption, clean, err, out, print_json
from daemon.connect import open_connection
from daemon.errors import UsageError
from daemon.policies import classify_columns, suggestions, undecided
from daemon.settings import load_settings
from sanitizers.policy_file import Suggestion, write_policy
from sanitizers.schema import Schema, read_schema


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(detect)
    app.command()(plan)


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
    if columns is not None:
        if result is None:
            raise UsageError("--columns needs --out: detect --columns in.csv --out out.csv")
        err.print(f"{classify_columns(columns, result)} columns classified, written to {result}")
        return
    schemas = (_schema(dsn),) if dsn is not None else _branch_schemas(config, project, branch)
    found = suggestions(schemas)
    for name in undecided(schemas, found):
        err.print(f"{clean(name)} looks personal and no strategy fits: decide in the policy", soft_wrap=True)
    if write:
        path = load_settings(config).staging.policy
        added = write_policy(path, found)
        err.print(f"{path}: {len(added)} columns added. Read every line, then sign it (reviewed_by, reviewed_on).")
        found = added
    print_json(found) if as_json else _print(found)


def plan(config: ConfigOption = None, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """What a sanitize run would do with every column, and what stands in its way. Nothing is created."""
    with open_app(load_settings(config), exclusive=False) as app:
        flight = app.preflight(app.request(app.choose_one(project), "manual"))
    rows = [
        {
            "database": database.database,
            "table": table.table.qualified,
            "column": column.column.name,
            "type": column.column.type,
            "strategy": column.strategy.kind,
        }
        for database in flight.plan.databases
        for table in database.tables
        for column in table.columns
    ]
    if as_json:
        print_json({"digest": flight.plan.digest, "notes": flight.notes, "columns": rows})
        return
    table = _table("database", "table", "column", "type", "strategy")
    for row in rows:
        table.add_row(*(Text(clean(value), "" if row["strategy"] != "keep" else "dim") for value in row.values()))
    out.print(table)
    for note in flight.notes:
        out.print(clean(note), soft_wrap=True)


def _schema(dsn: str) -> Schema:
    try:
        conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise UsageError("--dsn is no connection string: postgresql://role:password@host/database") from None
    try:
        with open_connection(dsn) as conn:
            return read_schema(conn)
    except psycopg.Error as error:
        raise UsageError(f"the schema cannot be read (SQLSTATE {error.sqlstate}): use a role that may") from None


def _branch_schemas(config: Path | None, project: str | None, branch: str | None) -> tuple[Schema, ...]:
    with open_app(load_settings(config), exclusive=False) as app:
        return app.schemas(app.choose_one(project), branch)


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
