"""Rows per second of whole runs with an encrypted column and with a scrubbed text, by both engines on real Postgres.

    python benchmarks/fields_runs.py [--rows 50000] [--streams 2]

The same table of customers each time, masked in SQL but for one column; `notes` hold an address and a name of the row
in 200 bytes. Ratios are to the run that masks in SQL alone, in the same mode. `fields.py` measures the Python alone.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from servers import CUSTOMERS, MASKED, ROWS, Side, make_plan, two_sides

from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.engines.stream import CopyReport, CopyRun, copy_database
from sanitizers.fields.keyring import FieldKey, Keyring

NOTES = """
UPDATE customers SET notes = 'Customer ' || first_name || ' ' || last_name || ' called. Please answer to ' || email
  || ' before 2026-12-01: the parcel did not arrive, and somebody wants the money back. ' || repeat('x', 40)
"""
CASES: Mapping[str, Mapping[str, str]] = {
    "masked in SQL alone": MASKED,
    "email encrypted": {**MASKED, "email": "encrypt"},
    "notes scrubbed": {**MASKED, "notes": "scrub"},
}
RING = Keyring([FieldKey("bench", os.urandom(32))])


def main() -> None:
    parser = argparse.ArgumentParser(description="Rows per second of runs with encrypted and scrubbed columns.")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--streams", type=int, default=2)
    arguments = parser.parse_args()
    table = Table(title=f"{arguments.rows:,} customers, {arguments.streams} streams, load alone")
    for name in ("", "clean room rows/s", "time", "in place rows/s", "time"):
        table.add_column(name, justify="right" if name else "left")
    with two_sides() as (source, target):
        loaded("in-place", (source, target), MASKED, arguments)  # pools are made once
        floors: dict[str, float] = {}
        for case, masked in CASES.items():
            cells = [case]
            for mode in ("clean-room", "in-place"):
                seconds = loaded(mode, (source, target), masked, arguments)
                floors.setdefault(mode, seconds)
                cells += [f"{arguments.rows / seconds:,.0f}", f"{seconds / floors[mode]:.2f}"]
            table.add_row(*cells)
    Console(width=100).print(table)


def loaded(mode: str, sides: tuple[Side, Side], masked: Mapping[str, str], arguments: argparse.Namespace) -> float:
    """Seconds of the step that moves rows."""
    source, target = sides
    for side in sides:
        side.reset(CUSTOMERS)
    with source.connect() as conn:
        conn.execute(ROWS, (arguments.rows,))
        conn.execute(NOTES)
    return run(mode, (source, target), masked, arguments.streams).seconds["load"]


def run(mode: str, sides: tuple[Side, Side], masked: Mapping[str, str], streams: int) -> CopyReport:
    """A whole run."""
    source, target = sides
    plan, key = make_plan(source, masked), os.urandom(32)
    if mode == "in-place":
        rewrite = RewriteRun(source.connect, plan, key, streams=streams, keyring=RING)
        return rewrite_database(rewrite, lambda _: None)
    copy = CopyRun(source.connect, target.connect, plan, key, streams=streams, keyring=RING)
    return copy_database(copy, lambda _: None)


if __name__ == "__main__":
    main()
