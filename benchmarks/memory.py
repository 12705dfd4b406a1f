"""Memory of the process that copies: many rows, then wide ones. It has a bound and does not grow with either.

    python benchmarks/memory.py [--rows 10000000] [--wide 400] [--streams 2]

Resident memory is read at a quarter, half and all of the rows, and at the end of the run. Exit code 1 when it passes
200 MB, or grows by more than a tenth between the half and the end of the rows.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from servers import Side, make_plan, two_sides

from sanitizers.engines.stream import CopyRun, Progress, copy_database

MOST_MEGABYTES = 200
MOST_GROWTH = 1.1
PAGE = resource.getpagesize()

MANY = "CREATE TABLE people (id bigint PRIMARY KEY, email text NOT NULL, note text)"
MANY_ROWS = "INSERT INTO people SELECT n, 'person' || n || '@mail.invalid', md5(n::text) FROM generate_series(1, %s) n"
WIDE = "CREATE TABLE people (id bigint PRIMARY KEY, email text NOT NULL, note text)"
WIDE_ROWS = """
INSERT INTO people SELECT n, 'person' || n || '@mail.invalid', repeat(md5(n::text), 32768) FROM generate_series(1, %s) n
"""


@dataclass
class Gauge:
    """Megabytes at the shares of the rows that were passed."""

    rows: int
    seen: dict[float, float] = field(default_factory=dict)

    def read(self, progress: Progress) -> None:
        if progress.step == "load":
            for share in (0.25, 0.5, 1.0):
                if progress.done >= share * self.rows and share not in self.seen:
                    self.seen[share] = resident()

    @property
    def steady(self) -> bool:
        return self.seen[1.0] <= self.seen[0.5] * MOST_GROWTH


def resident() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / 2**20


def measure(source: Side, target: Side, what: tuple[str, str, int], streams: int) -> tuple[Gauge, float]:
    """The gauge and the seconds of a run."""
    schema, insert, rows = what
    source.reset(schema)
    target.reset(schema)
    with source.connect() as conn:
        conn.execute(insert, (rows,))
    with psycopg.connect(source.dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE people")
    gauge = Gauge(rows)
    plan = make_plan(source, {"email": "email"})
    run = CopyRun(source.connect, target.connect, plan, os.urandom(32), streams=streams)
    report = copy_database(run, gauge.read)
    assert report.rows == rows
    return gauge, sum(report.seconds.values())


def main() -> int:
    parser = argparse.ArgumentParser(description="Memory of a clean-room run.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--wide", type=int, default=400)
    parser.add_argument("--streams", type=int, default=2)
    options = parser.parse_args()
    table = Table(title=f"resident memory, MB ({options.streams} streams); at most {MOST_MEGABYTES}")
    for name in ("", "before", "quarter", "half", "all rows", "end", "peak so far", "seconds"):
        table.add_column(name, justify="right" if name else "left")
    fine = True
    with two_sides() as (source, target):
        # Wide rows come last: the peak is never given back.
        for name, what in {
            f"{options.rows:,} rows": (MANY, MANY_ROWS, options.rows),
            f"{options.wide:,} rows of 1 MB": (WIDE, WIDE_ROWS, options.wide),
        }.items():
            before = resident()
            gauge, seconds = measure(source, target, what, options.streams)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            marks = (before, *(gauge.seen[share] for share in (0.25, 0.5, 1.0)), resident(), peak)
            table.add_row(name, *(f"{mark:.0f}" for mark in marks), f"{seconds:.0f}")
            fine = fine and peak < MOST_MEGABYTES and gauge.steady
    Console(width=110).print(table)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
