"""In-place run against the floor, in interleaved pairs on one server: the least that a rewrite can cost.

    python benchmarks/in_place.py [--rows 1000000] [--streams 2] [--pairs 5]

The floor is CREATE TABLE AS with md5 expressions over the same six columns, the same indexes, the swap of both tables
and ANALYZE, by psql; nothing of triggers, views, grants or a journal. Both begin with an equal copy of one database.
Exit code 1 when the ratio is over its limit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

import psycopg
from rich.console import Console
from rich.table import Table
from servers import CUSTOMERS, DATABASE, MASKED, OWNER, ROWS, Side, make_plan, two_sides

from sanitizers.engines.rewrite import CopyReport, RewriteRun, rewrite_database
from sanitizers.plan import DatabasePlan

MOST_TIMES = 1.5
ORIGINAL = "original"
TIMED = ("clear", "load", "rebuild", "constrain", "refresh", "analyze", "triggers", "compact")

FLOOR = """
CREATE TABLE masked AS SELECT id, md5(first_name) AS first_name, md5(last_name) AS last_name, md5(email) AS email,
  md5(phone) AS phone, md5(address) AS address, city, dob + 30 AS dob, ssn, notes, created_at FROM customers;
CREATE UNIQUE INDEX masked_pkey ON masked (id);
CREATE UNIQUE INDEX masked_email_key ON masked (email);
CREATE INDEX masked_last_name ON masked (last_name);
ALTER TABLE masked ADD PRIMARY KEY USING INDEX masked_pkey, ADD UNIQUE USING INDEX masked_email_key,
  ALTER first_name SET NOT NULL, ALTER last_name SET NOT NULL, ALTER email SET NOT NULL, ALTER created_at SET NOT NULL;
DROP TABLE customers;
ALTER TABLE masked RENAME TO customers;
ANALYZE customers
"""


def floor(side: Side) -> float:
    """Seconds of the floor."""
    renew(side)
    begun = time.monotonic()
    assert side.psql(FLOOR).wait() == 0
    return time.monotonic() - begun


def in_place(side: Side, plan: DatabasePlan, streams: int) -> CopyReport:
    renew(side)
    return rewrite_database(RewriteRun(side.connect, plan, os.urandom(32), streams=streams), lambda _: None)


def renew(side: Side) -> None:
    """The database as it was at first, and nobody pays for the run before."""
    with psycopg.connect(side.server.dsn(), autocommit=True) as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        conn.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE {ORIGINAL}")
        conn.execute("CHECKPOINT")
    with side.connect() as conn:
        conn.execute("SELECT count(*) FROM customers")  # both find it in memory


def keep(side: Side, rows: int) -> None:
    """Make the database that every run begins with a copy of."""
    side.reset(CUSTOMERS)
    with side.connect() as conn:
        conn.execute(ROWS, (rows,))
    with psycopg.connect(side.dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE customers")
    with psycopg.connect(side.server.dsn(), autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {DATABASE} RENAME TO {ORIGINAL}")


def timed(report: CopyReport) -> float:
    return sum(report.seconds.get(step, 0.0) for step in TIMED)


def main() -> int:
    parser = argparse.ArgumentParser(description="In-place run against CREATE TABLE AS and a swap.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--streams", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    with two_sides() as (side, _):
        keep(side, options.rows)
        renew(side)
        return _run(side, make_plan(side, MASKED), options)


def _run(side: Side, plan: DatabasePlan, options: argparse.Namespace) -> int:
    floors, runs = [], []
    for _ in range(options.pairs):
        floors.append(floor(side))
        runs.append(in_place(side, plan, options.streams))
    ratios = sorted(timed(run) / least for run, least in zip(runs, floors, strict=True))
    table = Table(
        title=f"{options.rows:,} rows, {len(MASKED)} masked columns, {options.streams} streams,"
        f" medians of {options.pairs} interleaved pairs"
    )
    for name in ("", "seconds", "ratio of a pair"):
        table.add_column(name, justify="right" if name else "left")
    spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), at most {MOST_TIMES}"
    table.add_row("floor", f"{statistics.median(floors):.2f}", "1")
    table.add_row("in place", f"{statistics.median(map(timed, runs)):.2f}", spread)
    for step in TIMED:
        table.add_row(f"  of it {step}", f"{statistics.median(run.seconds[step] for run in runs):.2f}", "")
    table.add_row("beside it: catalogs", f"{statistics.median(r.seconds['compare'] for r in runs):.2f}", "")
    Console(width=110).print(table)
    return 0 if statistics.median(ratios) <= MOST_TIMES else 1


if __name__ == "__main__":
    sys.exit(main())
