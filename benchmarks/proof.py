"""The proof, step by step, against the masking of the same rows: in a clean room and in place.

    python benchmarks/proof.py [--rows 1000000] [--streams 2] [--full]

Both begin with the same table of customers. The proof is that of a clean room as a run has it, with every road; each
step of it is timed as the run tells it. Beside seconds stand those that the processors of this machine worked on it,
of servers and this process together, which other work on the machine does not change as much. Exit code 1 when
searching for the originals (counting, whole values, containment, rows by their keys) takes more than half of the
masking.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from servers import CUSTOMERS, MASKED, ROWS, Side, make_plan, two_sides

from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.engines.stream import CopyRun, copy_database
from sanitizers.proof.verify import VerifyRun, verify_database
from sanitizers.track import Progress

MOST_TIMES = 0.5
SEARCH = ("connect", "count", "compare", "collect", "search", "join", "containment", "same-key")
"""Steps of the proof that the originals are searched for in."""


def main() -> int:
    parser = argparse.ArgumentParser(description="The proof against the masking of the same rows.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--streams", type=int, default=2)
    parser.add_argument("--full", action="store_true")
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


@dataclass
class Steps:
    """Where a run's time goes."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    now: str = "connect"
    since: float = field(default_factory=time.monotonic)

    def tell(self, progress: Progress | None = None) -> None:
        """Book what has passed since the last time to the step that it was in."""
        until = time.monotonic()
        self.seconds[self.now] += until - self.since
        self.since = until
        self.now = progress.step if progress else self.now


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, and of the processors."""

    wall: float
    worked: float


def _run(source: Side, target: Side, options: argparse.Namespace) -> int:
    plan, key = make_plan(source, MASKED), os.urandom(32)
    target.reset(CUSTOMERS)
    sides = (source, target)
    copy = CopyRun(source.connect, target.connect, plan, key, streams=options.streams)
    masking = took(sides, lambda: copy_database(copy, lambda _: None))
    steps = Steps()
    check = VerifyRun(source.connect, target.connect, plan, key, full=options.full, streams=options.streams)
    proof = took(sides, lambda: verify_database(check, steps.tell))
    steps.tell()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fill(target, options.rows)
    rewrite = RewriteRun(target.connect, plan, key, streams=options.streams)
    in_place = took(sides, lambda: rewrite_database(rewrite, lambda _: None))
    search = sum(steps.seconds[step] for step in SEARCH)
    rows = {"clean room": masking.wall, "in place": in_place.wall, **steps.seconds}
    rows |= {"search for originals": search, "proof with every road": proof.wall}
    table = Table(title=f"{options.rows:,} rows, {len(MASKED)} masked columns, {options.streams} streams, one run")
    for name in ("", "s", "of the clean room", "of in place"):
        table.add_column(name, justify="right" if name else "left")
    for name, seconds in rows.items():
        table.add_row(name, f"{seconds:.2f}", f"{seconds / masking.wall:.2f}", f"{seconds / in_place.wall:.2f}")
    Console(width=110).print(table)
    Console(width=110).print(
        f"processors: clean room {masking.worked:.2f} s, in place {in_place.worked:.2f} s, proof {proof.worked:.2f} s;"
        f" this process had {memory:.0f} MB at most"
    )
    return 0 if search <= MOST_TIMES * masking.wall else 1


def took(sides: tuple[Side, ...], act: Callable[[], object]) -> Took:
    """How long something takes."""
    before, begun = _worked(sides), time.monotonic()
    act()
    wall = time.monotonic() - begun
    time.sleep(0.5)  # until the servers have taken note of sessions that ended
    return Took(wall, _worked(sides) - before)


def _worked(sides: tuple[Side, ...]) -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + sum(_of_server(side) for side in sides)


def _of_server(side: Side) -> float:
    """Of its processes, those that have ended included."""
    with side.connect() as conn:
        postmaster = _fields(conn.info.backend_pid)[1]
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    ticks = sum(map(int, _fields(int(postmaster))[11:15]))
    for pid in pids:
        fields = _fields(pid)
        if fields[1:2] == [postmaster]:
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _fields(pid: int) -> list[str]:
    """What Linux says of a process, from its state on; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


if __name__ == "__main__":
    sys.exit(main())
