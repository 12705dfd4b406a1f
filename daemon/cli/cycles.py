"""`run`, `once`: the daemon, and one cycle of it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from daemon.app import App, open_app
from daemon.cli.branches import exit_code
from daemon.cli.common import ConfigOption, JsonOption, ProjectOption, clean, err, out, print_json
from daemon.cli.show import findings_table, summary
from daemon.log import configure
from daemon.model import Action, Report
from daemon.schedule import Daemon
from daemon.settings import load_settings


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(run)
    app.command()(once)


def run(config: ConfigOption = None) -> None:
    """The daemon: a cycle every few minutes until SIGTERM."""
    settings = load_settings(config)
    configure()
    settings.watched()
    with open_app(settings, exclusive=True) as app:
        Daemon(app).run()


def once(
    config: ConfigOption = None,
    project: ProjectOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, but record nothing and tell nobody.")] = False,
    as_json: JsonOption = False,
) -> None:
    """One cycle: list, evaluate, record, tell. Exit 1 with findings, 3 when something stayed unknown."""
    settings = load_settings(config)
    with open_app(settings, exclusive=not dry_run, tell=lambda p: err.print(clean(p.sentence))) as app:
        reports = tuple(app.look(p, compare=True) if dry_run else app.run_cycle(p) for p in app.choose(project))
        if not dry_run:
            _deliver(app, first=any(report.first_cycle for report in reports))
    if as_json:
        print_json(reports)
    for report in reports if not as_json else ():
        print_report(report)
    raise typer.Exit(exit_code(reports))


def print_report(report: Report) -> None:
    """What a cycle found, for a person."""
    out.print(Text(summary(report), "bold"))
    if report.findings:
        out.print(findings_table(report.findings))
    for name, action in (("resolved", Action.RESOLVE), ("exempt", Action.EXEMPT)):
        gone = [o.decision.finding for o in report.outcomes if o.decision.action is action]
        if gone:
            out.print(f"{name}: {', '.join(clean(f'{f.branch_name} ({f.rule})') for f in gone)}")
    for unknown in report.unknowns:
        err.print(f"unknown: {clean(unknown)}")


def _deliver(app: App, *, first: bool) -> None:
    delivered = app.deliver()
    if app.webhook is None and first:
        err.print("No webhook is configured: alerts stay in the outbox (set alerts.webhook_url_file).")
    elif delivered.error:
        err.print(f"Alerts wait in the outbox: {delivered.error}")
