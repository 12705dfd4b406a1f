"""The residue proof as a table: every road, what it says, and its numbers."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from daemon.cli.common import clean
from sanitizers.proof.roads import Found, Status

STATUS_STYLE = {Status.PASS: "green", Status.SAMPLED: "green", Status.FAIL: "bold red", Status.UNKNOWN: "yellow"}


def roads_table(roads: Iterable[Found]) -> Table:
    """One row per road, and below a road that did not pass why."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="dim")
    for name in ("road", "status", "what was looked at, and what was found"):
        table.add_column(name, no_wrap=name == "status", overflow="fold")
    for road in roads:
        name = clean(road.road if road.database is None else f"{road.database}  {road.road}")
        table.add_row(name, Text(road.status, STATUS_STYLE[road.status]), Text(clean(road.sentence)))
        for problem in road.problems:
            table.add_row("", "", Text(clean(problem), "red"))
        for what in road.unseen:
            if road.status is not Status.UNKNOWN or what not in road.sentence:
                table.add_row("", "", Text(f"not looked at: {clean(what)}", "yellow"))
    return table
