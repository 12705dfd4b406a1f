"""`exempt`: branches that no rule flags until a given day."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from daemon.app import open_app
from daemon.cli.common import ConfigOption, ProjectOption, clean, out
from daemon.duration import parse_until
from daemon.errors import UsageError
from daemon.exemptions import exempt_branch, exempt_existing, remove_exemption
from daemon.settings import load_settings


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(exempt)


def exempt(
    branch: Annotated[str | None, typer.Argument(help="Name or id of a branch.", show_default=False)] = None,
    until: Annotated[str, typer.Option(help="A date, or a duration such as 30d.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is kept on record.")] = "",
    all_existing: Annotated[
        bool, typer.Option("--all-existing", help="Every branch that is there now but production.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the exemption of BRANCH back.")] = False,
    config: ConfigOption = None,
    project: ProjectOption = None,
) -> None:
    """Let no rule flag a branch until a given day. A team with 80 old branches starts with --all-existing."""
    if (branch is None) == (not all_existing):
        raise UsageError("name one branch, or give --all-existing")
    if remove:
        if until or reason:
            raise UsageError("--remove takes an exemption back at once: leave --until and --reason out")
        _remove(config, project, branch)
        return
    now = datetime.now(UTC)
    moment = _until(until, reason, now)
    with open_app(load_settings(config), exclusive=False) as app:
        projects = app.choose(project)
        if branch is None:
            made = exempt_existing(app.client, app.store, projects, (moment, reason.strip(), now))
        else:
            made = (exempt_branch(app.client, app.store, projects, (branch, moment, reason.strip(), now)),)
    for exemption in made[:20]:
        out.print(f"{clean(exemption.branch_name)} is exempt until {moment:%Y-%m-%d %H:%M} UTC.")
    if len(made) > 20:
        out.print(f"... and {len(made) - 20} more.")


def _until(until: str, reason: str, now: datetime) -> datetime:
    if not until or not reason.strip():
        raise UsageError("--until and --reason are both required: exempt dev/alice --until 30d --reason 'demo data'")
    try:
        return parse_until(until, now)
    except ValueError as error:
        raise UsageError(f"--until: {error}") from None


def _remove(config: Path | None, project: str | None, branch: str | None) -> None:
    if branch is None:
        raise UsageError("--remove needs a branch: exempt dev/alice --remove")
    with open_app(load_settings(config), exclusive=False) as app:
        name = remove_exemption(app.client, app.store, app.choose(project), (branch, datetime.now(UTC)))
    out.print(f"{clean(name)} is no longer exempt.")
