"""The proof, road by road, against the masking of the same rows: in a clean room and in place.

    python benchmarks/proof.py [--rows 1000000] [--streams 2]

Both begin with the same table of customers. Beside the roads stands the proof of a clean room as a run has it, which
searches for whole values, and what one in place costs a run. Exit code 1 when all roads together take more than half
of the masking.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Event

import psycopg
from rich.console import Console
from rich.table import Table
from servers import CUSTOMERS, MASKED, ROWS, Side, make_plan, two_sides

from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.engines.stream import CopyRun, copy_database
from sanitizers.plan import DatabasePlan
from sanitizers.proof.roads.containment import Containment
from sanitizers.proof.roads.road import Road, Site, Status, look_down
from sanitizers.proof.roads.same_key import SameKey
from sanitizers.proof.verify import VerifyRun, open_reader, verify_database
from sanitizers.select import set_key
from sanitizers.track import Track

MOST_TIMES = 0.5
ROADS: tuple[Road, ...] = (Containment(), SameKey())


def main() -> int:
    parser = argparse.ArgumentParser(description="The proof against the masking of the same rows.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--streams", type=int, default=2)
    options = parser.parse_args()
    with two_sides() as (source, target):
        fill(source, options.rows)
        return _run(source, target, options)


def fill(side: Side, rows: int) -> None:
    side.reset(CUSTOMERS)
    with side.connect() as conn:
        conn.execute(ROWS, (rows,))
    with psycopg.connect(side.dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE customers")


def _run(source: Side, target: Side, options: argparse.Namespace) -> int:
    plan, key = make_plan(source, MASKED), os.urandom(32)
    target.reset(CUSTOMERS)
    copy = CopyRun(source.connect, target.connect, plan, key, streams=options.streams)
    masking = timed(lambda: copy_database(copy, lambda _: None))
    whole = timed(lambda: verify_database(VerifyRun(source.connect, target.connect, plan, key), lambda _: None))
    roads = dict(by_road(source, target, plan, key))
    fill(target, options.rows)
    rewrite = RewriteRun(target.connect, plan, key, streams=options.streams)
    in_place = timed(lambda: rewrite_database(rewrite, lambda _: None))
    everything = whole + sum(roads.values())
    table = Table(title=f"{options.rows:,} rows, {len(MASKED)} masked columns, {options.streams} streams, one run")
    for name in ("", "s", "of the clean room", "of in place"):
        table.add_column(name, justify="right" if name else "left")
    rows = {"clean room": masking, "in place": in_place, "whole values, counts, definitions": whole}
    for name, seconds in (rows | roads | {"all roads": everything}).items():
        table.add_row(name, f"{seconds:.2f}", f"{seconds / masking:.2f}", f"{seconds / in_place:.2f}")
    Console(width=110).print(table)
    return 0 if everything <= MOST_TIMES * masking else 1


def by_road(source: Side, target: Side, plan: DatabasePlan, key: bytes) -> Iterator[tuple[str, float]]:
    """Name and seconds of each road."""
    with ExitStack() as stack:
        before, after = (open_reader(side.connect, lambda _: None, stack) for side in (source, target))
        set_key(before, key)
        site = Site(after, before, plan, key, 1, full=False, track=Track(lambda _: None, Event()))
        for road in ROADS:
            begun = time.monotonic()
            (found,) = look_down([road], site)
            yield road.name, time.monotonic() - begun
            assert found.status is Status.PASS, found


def timed(act: Callable[[], object]) -> float:
    """Seconds."""
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
