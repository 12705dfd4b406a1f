"""`sanitize`, `connect`: a sanitized staging branch, and the way into it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from daemon.access import Door
from daemon.app import App, open_app
from daemon.cli.common import ConfigOption, JsonOption, ProjectOption, clean, out, print_json
from daemon.cli.handover import hand_over
from daemon.cli.progress import telling
from daemon.errors import StateLockedError, UsageError
from daemon.settings import load_settings
from daemon.staging import Published

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(sanitize)
    app.command()(connect)


def sanitize(
    config: ConfigOption = None,
    project: ProjectOption = None,
    name: Annotated[str | None, typer.Option(help="Name of the staging branch.", show_default=False)] = None,
    mode: Annotated[str, typer.Option(help="How: clean-room.")] = "clean-room",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Preflight alone: nothing is created.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Spawn a sanitized staging branch: seal, mask, verify, publish. Exit 5 when nothing was published."""
    if mode != "clean-room":
        raise UsageError(f"--mode {clean(mode)} is not known: clean-room is the only one so far")
    settings = load_settings(config)
    with telling() as tell:
        try:
            with open_app(settings, exclusive=not dry_run, tell=tell) as app, _signals(app):
                request = app.request(app.choose_one(project), "manual", name)
                if dry_run:
                    _print_preflight(app.preflight(request).notes)
                    return
                try:
                    published = app.sanitize(request)
                finally:
                    app.deliver()
        except StateLockedError as locked:
            if name is not None or dry_run or as_json:
                raise UsageError(f"{locked} A running daemon takes a plain `sanitize` over, without options.") from None
            hand_over(settings, project, locked)
            return
    print_json(published) if as_json else _print_published(published)


def connect(
    branch: Annotated[str, typer.Argument(help="A published staging branch, or a child of one.")],
    role: Annotated[str | None, typer.Option(help="Default: the owner of the database.", show_default=False)] = None,
    database: Annotated[str | None, typer.Option(help="Default: the first one.", show_default=False)] = None,
    form: Annotated[Literal["uri", "env"], typer.Option("--format", help="One line, or PG* variables.")] = "uri",
    config: ConfigOption = None,
    project: ProjectOption = None,
) -> None:
    """Print connection details, for sanitized branches only. They hold the password: stdout and nowhere else."""
    with open_app(load_settings(config), exclusive=False) as app:
        details = app.connection(app.choose(project), Door(branch, role, database))
    if form == "uri":
        typer.echo(details.uri)
        return
    for variable, value in details.environment.items():
        typer.echo(f"export {variable}={value}")


def _print_preflight(notes: tuple[str, ...]) -> None:
    for note in notes:
        out.print(f"  {clean(note)}")
    out.print("Preflight finds nothing that stands in the way. Nothing was created.")


def _print_published(published: Published) -> None:
    proof = published.proof
    out.print(f"{clean(published.branch.name)} is published ({published.branch.id}).")
    out.print(f"  {proof['rows']:,} rows in {proof['tables']} tables, {proof['columns masked']} columns masked")
    out.print(f"  {proof['original values searched']:,} original values searched for, {proof['found']} found")
    for name in published.kept:
        out.print(f"  {clean(name)} is kept: it still has children")
    out.print(f"  next: branchwarden connect {clean(published.branch.name)}")


@contextmanager
def _signals(app: App) -> Iterator[None]:
    """SIGTERM and Ctrl-C abandon the run; a second one ends the process at once."""

    def abandon(*_: object) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        app.staging.abandon()

    before = {number: signal.signal(number, abandon) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
