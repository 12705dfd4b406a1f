"""`plan`: what a run would do with every column, where each decision comes from, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from daemon.app import Asked, open_app
from daemon.cli.common import ConfigOption, JsonOption, ProjectOption, clean, out
from daemon.cli.ending import print_done
from daemon.cli.options import (
    EventTriggerOption,
    ModeOption,
    PolicyOption,
    SampleOption,
    chosen_keyring,
    chosen_policy,
    known_mode,
)
from daemon.errors import RunRefusedError, UsageError
from daemon.keys import newest_secret
from daemon.plain import Outlook, look_ahead, parse_dsn
from daemon.plain.outlook import Wish
from daemon.plain.run import looking
from daemon.progress import Watch
from daemon.settings import load_settings
from sanitizers.plan import DatabasePlan

COLUMNS = ("database", "table", "column", "type", "strategy", "because of")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(plan)


def plan(
    config: ConfigOption = None,
    project: ProjectOption = None,
    dsn: Annotated[str | None, typer.Option(help="Any Postgres instead of a project.", show_default=False)] = None,
    policy: PolicyOption = None,
    sample: SampleOption = None,
    mode: ModeOption = "clean-room",
    allow_event_trigger: EventTriggerOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a sanitize run would do with every column, and what stands in its way. Nothing is created."""
    settings = load_settings(config)
    if dsn is not None:
        if project is not None:
            raise UsageError("give --dsn or --project, not both")
        decided = chosen_policy(settings, policy, sample)
        keyring = chosen_keyring(settings, decided)
        wish = Wish(known_mode(mode), decided, tuple(allow_event_trigger or ()), keyring)
        with looking(Watch(lambda _: None)):
            outlook = look_ahead(parse_dsn("--dsn", dsn), wish, newest_secret(settings.keys.path))
        _show(outlook, as_json=as_json)
        return
    if allow_event_trigger:
        raise UsageError("--allow-event-trigger needs --dsn: the API tells of no event triggers; give it to `sanitize`")
    with open_app(settings, exclusive=False) as app:
        flight = app.preflight(
            app.request(app.choose_one(project), "manual", Asked(mode=known_mode(mode), policy=policy, sample=sample))
        )
    rows = list(_rows(flight.plan.databases))
    if as_json:
        document = {"digest": flight.plan.digest, "coverage": flight.coverage, "notes": flight.notes, "columns": rows}
        print_done(document)
        return
    _print(rows, flight.notes)


def _show(outlook: Outlook, *, as_json: bool) -> None:
    """Print what was seen, also where it ends in a refusal."""
    rows = list(_rows(outlook.draft.databases))
    if as_json:
        digest = outlook.plan.digest if outlook.plan else None
        about = {"digest": digest, "coverage": outlook.coverage, "notes": outlook.notes, "columns": rows}
        _print_json(outlook, about | {"lines": outlook.lines})
        return
    _print(rows, (outlook.coverage, *outlook.notes))
    if outlook.lines:
        out.print("\nLines that the policy lacks, as `detect` would write them:\n")
        out.print("\n".join(clean(line) for line in outlook.lines), soft_wrap=True)
    outlook.refuse()


def _print_json(outlook: Outlook, about: Mapping[str, Any]) -> None:
    """One object either way: that of a refusal is printed with the refusal."""
    try:
        outlook.refuse()
    except RunRefusedError as error:
        error.details = about
        raise
    print_done(about)


def _rows(planned: Iterable[DatabasePlan]) -> Iterator[dict[str, Any]]:
    for database in planned:
        for table in database.tables:
            for column in table.columns:
                yield {
                    "database": database.database,
                    "table": table.table.qualified,
                    "column": column.column.name,
                    "type": column.column.type,
                    "strategy": column.strategy.kind,
                    "origin": column.origin,
                }


def _print(rows: list[dict[str, Any]], notes: tuple[str, ...]) -> None:
    if rows:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for name in COLUMNS:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(clean(value), "" if row["strategy"] != "keep" else "dim") for value in row.values()))
        out.print(table)
    for note in notes:
        out.print(clean(note), soft_wrap=True)
