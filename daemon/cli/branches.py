"""`status`, `tree`, `explain`: what is there and why. They only look; nothing is recorded and nobody is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from daemon.app import open_app
from daemon.cli.common import ConfigOption, JsonOption, ProjectOption, clean, err, out, print_json
from daemon.cli.show import CLASS_STYLE, findings_table, lineage_tree, summary
from daemon.duration import format_duration
from daemon.errors import UsageError
from daemon.model import BranchView, Finding, Report
from daemon.settings import load_settings


def add_to(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(status)
    app.command()(tree)
    app.command()(explain)


def status(config: ConfigOption = None, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Every branch, what it holds, and what is wrong with it. Exit 1 with findings, 3 when something stayed unknown."""
    reports = _look(config, project)
    if as_json:
        print_json(reports)
    for report in reports if not as_json else ():
        out.print(Text(summary(report), "bold"))
        for view in report.views:
            if view.attestation:
                out.print(f"  {clean(view.branch.name)} is attested: {clean(view.attestation)}", soft_wrap=True)
        if report.findings:
            out.print(findings_table(report.findings))
        for unknown in report.unknowns:
            err.print(f"unknown: {clean(unknown)}")
    raise typer.Exit(exit_code(reports))


def tree(config: ConfigOption = None, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """The branches under their parents, with data class, age and deletion date."""
    reports = _look(config, project)
    if as_json:
        print_json([report.views for report in reports])
        return
    for report in reports:
        out.print(lineage_tree(report, datetime.now(UTC)))


def explain(
    branch: Annotated[str, typer.Argument(help="Name or id of a branch.")],
    config: ConfigOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """What one branch holds and why, what is wrong with it, what happens next and how to stop it."""
    found = [(r, v) for r in _look(config, project) for v in r.views if branch in {v.branch.id, v.branch.name}]
    if not found:
        raise UsageError(f"there is no branch `{clean(branch)}` in the watched projects: `branchwarden tree` shows all")
    if len(found) > 1:
        raise UsageError(f"`{clean(branch)}` is in several projects: name one with --project")
    report, view = found[0]
    _explain(view, [f for f in report.findings if f.branch_id == view.branch.id], as_json=as_json)


def exit_code(reports: tuple[Report, ...]) -> int:
    """3 when something stayed unknown, else 1 when there are findings, else 0."""
    if any(report.unknowns for report in reports):
        return 3
    return 1 if any(report.findings for report in reports) else 0


def _look(config: ConfigOption, project: str | None) -> tuple[Report, ...]:
    with open_app(load_settings(config), exclusive=False) as app:
        return tuple(app.look(p) for p in app.choose(project))


def _explain(view: BranchView, findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        print_json({"view": view, "findings": findings})
        return
    now = datetime.now(UTC)
    out.print(Text(f"{clean(view.branch.name)} ({view.branch.id})", "bold"))
    held = Text("  holds    ").append(view.lineage.data_class, CLASS_STYLE[view.lineage.data_class])
    out.print(held.append(f": {clean(view.lineage.reason)}"))
    out.print(f"  purpose  {view.lineage.purpose}, may hold {', '.join(view.lineage.holds) or 'anything'}")
    out.print(f"  age      {format_duration(now - view.branch.created_at)}, {_activity(view, now)}")
    out.print(f"  due      {_due(view, now)}")
    if view.attestation:
        out.print(f"  attested {clean(view.attestation)}: `branchwarden verify {clean(view.branch.name)}` checks it")
    if view.branch.run_id:
        out.print(f"  made by  run {clean(view.branch.run_id)}: `branchwarden events` tells how it ended")
    if not findings:
        out.print("  Nothing is wrong with it.")
    for finding in findings:
        out.print(f"  {finding.rule} ({finding.severity}), first seen {finding.first_seen:%Y-%m-%d %H:%M} UTC")
        out.print(f"    {clean(finding.sentence)}")
        out.print(f"    next: it is told and kept on record; nothing is deleted. Deadline {finding.deadline:%Y-%m-%d}")
        name = clean(view.branch.name)
        out.print(f"    to stop it: branchwarden exempt {name} --until 30d --reason '...'")


def _activity(view: BranchView, now: datetime) -> str:
    if view.last_active is None:
        return "never used since it is known"
    return f"last used {format_duration(now - view.last_active)} ago"


def _due(view: BranchView, now: datetime) -> str:
    if view.deletion_date is None:
        return "never: it has no deletion date"
    at = view.deletion_date.at
    when = f"{format_duration(at - now)} ago" if at <= now else f"in {format_duration(at - now)}"
    return f"{at:%Y-%m-%d %H:%M} UTC, {when} (from {view.deletion_date.source})"
