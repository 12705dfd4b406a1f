"""Clean-room run against a plain unmasked COPY | COPY of the same rows, in interleaved pairs on the same two servers.

    python benchmarks/clean_room.py [--rows 1000000] [--streams 2] [--pairs 5]

Both sides read the same source table in the same number of streams and fill an equal target, the plain one by psql:
the indexes taken off, psql | psql for an equal share of the blocks each, the same index statements put back as many at
a time, ANALYZE. Time runs from the first COPY to the last ANALYZE. What a run needs beside is reported beside it.
Exit code 1 when the ratio or the memory is over its limit.
"""

from __future__ import annotations

import argparse
import itertools
import os
import queue
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from rich.console import Console
from rich.table import Table
from servers import CUSTOMERS, MASKED, ROWS, Side, make_plan, two_sides

from sanitizers.engines.stream import CopyReport, CopyRun, copy_database
from sanitizers.plan import DatabasePlan

MOST_TIMES = 1.6
MOST_MEGABYTES = 200
TIMED = ("load", "sequences", "rebuild", "constrain", "refresh", "analyze")
COLUMNS = "id, first_name, last_name, email, phone, address, city, dob, ssn, notes, created_at"

TAKE_OFF = """
DROP INDEX customers_last_name; ALTER TABLE customers DROP CONSTRAINT customers_email_key;
ALTER TABLE customers DROP CONSTRAINT customers_pkey
"""
BUILDS = (
    "CREATE UNIQUE INDEX customers_pkey ON customers (id)",
    "CREATE UNIQUE INDEX customers_email_key ON customers (email)",
    "CREATE INDEX customers_last_name ON customers (last_name)",
)
PUT_BACK = """
ALTER TABLE customers ADD CONSTRAINT customers_pkey PRIMARY KEY USING INDEX customers_pkey;
ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE USING INDEX customers_email_key
"""


@dataclass(frozen=True)
class Plain:
    """Seconds of an unmasked copy."""

    load: float
    rebuild: float
    analyze: float

    @property
    def seconds(self) -> float:
        return self.load + self.rebuild + self.analyze


def plain(source: Side, target: Side, streams: int) -> Plain:
    """An unmasked copy; everything by the programs of Postgres."""
    target.reset(CUSTOMERS)
    finish([target.psql(TAKE_OFF)])
    begun = time.monotonic()
    pipes = [_pipe(source, target, where) for where in shares(source, streams)]
    finish(program for pipe in pipes for program in pipe)
    loaded = time.monotonic()
    _build(target, streams)
    finish([target.psql(PUT_BACK)])
    rebuilt = time.monotonic()
    finish([target.psql("ANALYZE customers")])
    return Plain(loaded - begun, rebuilt - loaded, time.monotonic() - rebuilt)


def shares(source: Side, streams: int) -> list[str]:
    """A WHERE clause for each stream."""
    with source.connect() as conn:
        row = conn.execute("SELECT pg_relation_size('customers') / 8192").fetchone()
    bounds = [(row[0] if row else 0) * number // streams for number in range(streams + 1)]
    return [f"ctid >= '({a},0)' AND ctid < '({b},0)'" for a, b in itertools.pairwise(bounds)]


def _pipe(source: Side, target: Side, where: str) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    query = f"COPY (SELECT {COLUMNS} FROM customers WHERE {where}) TO STDOUT"
    out = source.psql(query, stdout=subprocess.PIPE)
    assert out.stdout is not None
    into = target.psql(f"COPY customers ({COLUMNS}) FROM STDIN", stdin=out.stdout.fileno())
    out.stdout.close()
    return out, into


def _build(target: Side, streams: int) -> None:
    """The indexes, as many at a time as there are streams."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for statement in BUILDS:
        waiting.put(statement)

    def build() -> None:
        while not waiting.empty():
            finish([target.psql(waiting.get())])

    threads = [threading.Thread(target=build) for _ in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def finish(programs: Iterable[subprocess.Popen[bytes]]) -> None:
    for program in list(programs):
        assert program.wait() == 0


def clean_room(source: Side, target: Side, plan: DatabasePlan, streams: int) -> CopyReport:
    target.reset(CUSTOMERS)
    return copy_database(CopyRun(source.connect, target.connect, plan, os.urandom(32), streams=streams), lambda _: None)


def timed(report: CopyReport) -> float:
    return sum(report.seconds.get(step, 0.0) for step in TIMED)


def main() -> int:
    parser = argparse.ArgumentParser(description="Clean-room run against a plain COPY | COPY.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--streams", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    with two_sides() as (source, target):
        source.reset(CUSTOMERS)
        with source.connect() as conn:
            conn.execute(ROWS, (options.rows,))
        with psycopg.connect(source.dsn, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE customers")
        return _run(source, target, options)


def _run(source: Side, target: Side, options: argparse.Namespace) -> int:
    plan = make_plan(source, MASKED)
    unmasked, masked = [], []
    for _ in range(options.pairs):
        unmasked.append(plain(source, target, options.streams))
        masked.append(clean_room(source, target, plan, options.streams))
    ratio = statistics.median(timed(m) / u.seconds for m, u in zip(masked, unmasked, strict=True))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table = Table(
        title=f"{options.rows:,} rows, {len(MASKED)} masked columns, {options.streams} streams,"
        f" medians of {options.pairs} interleaved pairs"
    )
    for name in ("", "plain, s", "clean room, s", "ratio of a pair"):
        table.add_column(name, justify="right" if name else "left")
    compare(table, unmasked, masked)
    table.add_row("peak memory of this process", "", f"{memory:.0f} MB", "")
    Console(width=110).print(table)
    return 0 if ratio <= MOST_TIMES and memory < MOST_MEGABYTES else 1


def compare(table: Table, unmasked: list[Plain], masked: list[CopyReport]) -> None:
    ratios = sorted(timed(m) / u.seconds for m, u in zip(masked, unmasked, strict=True))
    floor, ours = statistics.median(u.seconds for u in unmasked), statistics.median(map(timed, masked))
    spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), at most {MOST_TIMES}"
    table.add_row("COPY, indexes, ANALYZE", f"{floor:.2f}", f"{ours:.2f}", spread)
    for step in ("load", "rebuild", "analyze"):
        theirs = statistics.median(getattr(u, step) for u in unmasked)
        own = statistics.median(r.seconds[step] for r in masked)
        table.add_row(f"  of it {step}", f"{theirs:.2f}", f"{own:.2f}", f"{own / theirs:.2f}")
    beside = statistics.median(sum(r.seconds.values()) - timed(r) for r in masked)
    table.add_row("beside it: catalogs, journal, clearing", "", f"{beside:.2f}", "")


if __name__ == "__main__":
    sys.exit(main())
