"""What `verify` finds in a database that pganonymize has masked, with the numbers.

    python benchmarks/residue.py [--rows 200000] [--bin DIR]

`--bin` is a folder with pganonymize, such as the `bin` of a virtual environment with `pip install pganonymize`; PATH is
looked at otherwise, and where it is nowhere nothing is measured. The original database stands beside the masked one,
and both are looked at as an administrator, who may read the bytes of pages. Exit code 1 when the copy passes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from peers import TEMPLATE, Bench, fill, pganonymize
from rich.console import Console
from rich.table import Table
from servers import DATABASE, MASKED, make_plan, two_sides

from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import Status
from sanitizers.proof.survey import SurveyRun, survey_database


def main() -> int:
    parser = argparse.ArgumentParser(description="What verify finds in a database that pganonymize has masked.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--bin", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, two_sides() as (source, target):
        bench = Bench(source, target, Path(folder), options.bin)
        if bench.program("pganonymize") is None:
            Console().print("pganonymize is not installed: nothing was measured")
            return 0
        fill(bench, options.rows)
        bench.fresh()
        masked = pganonymize(bench)
        begun = time.monotonic()
        proof = look(bench)
        _report(
            proof, f"{options.rows:,} rows, masked in {masked:.0f} s, looked at in {time.monotonic() - begun:.0f} s"
        )
        return 0 if not proof.clean else 1


def look(bench: Bench) -> DatabaseProof:
    """Every road of the masked database, next to the original one."""

    def connect(name: str) -> psycopg.Connection:
        return psycopg.connect(bench.source.server.dsn(dbname=name))

    plan = make_plan(bench.source, MASKED)
    run = SurveyRun(lambda _: connect(DATABASE), lambda _: connect(TEMPLATE), plan, os.urandom(32))
    return survey_database(run, lambda _: None)


def _report(proof: DatabaseProof, title: str) -> None:
    table = Table(title=title)
    for name in ("road", "status", "numbers", "what was found"):
        table.add_column(name)
    for road in proof.roads:
        numbers = ", ".join(f"{name} {number:,}" for name, number in road.numbers.items() if number)
        style = {Status.FAIL: "red", Status.PASS: "green"}.get(road.status, "yellow")
        said = "\n".join(road.problems or road.unseen)
        table.add_row(road.road, road.status, numbers, said, style=style if road.problems else None)
    Console(width=150).print(table)


if __name__ == "__main__":
    sys.exit(main())
