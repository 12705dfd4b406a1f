"""Values → tables and trees for people. Pure but for the console that prints them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from daemon.cli.common import clean
from daemon.duration import format_duration
from daemon.model import BranchView, DataClass, Finding, Report, Severity

CLASS_STYLE = {
    DataClass.PRODUCTION: "bold",
    DataClass.RAW: "red",
    DataClass.SANITIZED: "green",
    DataClass.ENCRYPTED: "green",
    DataClass.SCHEMA_ONLY: "green",
    DataClass.UNKNOWN: "yellow",
}
SEVERITY_STYLE = {Severity.LOW: "dim", Severity.MEDIUM: "yellow", Severity.HIGH: "red", Severity.CRITICAL: "bold red"}


def findings_table(findings: Iterable[Finding]) -> Table:
    """One row per finding: how bad, which branch, which rule, the sentence."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("severity", "rule", "what and what to do"):
        table.add_column(name, no_wrap=name != "what and what to do", overflow="fold")
    for finding in findings:
        severity = Text(finding.severity, SEVERITY_STYLE[finding.severity])
        table.add_row(severity, finding.rule, Text(clean(finding.sentence)))
    return table


def lineage_tree(report: Report, now: datetime) -> Tree:
    """The branches under their parents with data class, age and deletion date."""
    tree = Tree(Text(f"{clean(report.project_name)} ({report.project_id})", "bold"), guide_style="dim")
    known = {view.branch.id for view in report.views}
    roots = [v for v in report.views if v.branch.parent_id not in known]
    _grow(tree, roots, (report, now), frozenset())
    return tree


def _grow(tree: Tree, views: list[BranchView], about: tuple[Report, datetime], above: frozenset[str]) -> None:
    report, now = about
    for view in sorted(views, key=lambda v: v.branch.name):
        if view.branch.id in above:  # a circle of parents is Neon's business, an endless loop is ours
            continue
        children = [v for v in report.views if v.branch.parent_id == view.branch.id]
        _grow(tree.add(branch_line(view, now)), children, about, above | {view.branch.id})


def branch_line(view: BranchView, now: datetime) -> Text:
    """A branch in one line: name, data class, age, deletion date."""
    line = Text(clean(view.branch.name), "bold" if view.lineage.production else "")
    line.append("  ").append(view.lineage.data_class, CLASS_STYLE[view.lineage.data_class])
    line.append(f"  {format_duration(now - view.branch.created_at)} old", "dim")
    if view.deletion_date is not None:
        late = view.deletion_date.at <= now
        word = "was due" if late else "due in"
        ago = " ago" if late else ""
        due = f"  {word} {format_duration(view.deletion_date.at - now)}{ago}"
        line.append(due, "red" if late else "dim")
    return line


def summary(report: Report) -> str:
    """The project in one sentence."""
    raw = sum(v.lineage.data_class is DataClass.RAW for v in report.views)
    clean_ones = sum(v.lineage.data_class in {DataClass.SANITIZED, DataClass.ENCRYPTED} for v in report.views)
    return (
        f"{clean(report.project_name)}: {_count(len(report.views), 'branch', 'branches')},"
        f" {raw} with raw production rows, {clean_ones} sanitized;"
        f" {_count(len(report.findings), 'finding', 'findings')}"
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
