"""Planning time by the number of tables: catalog, decisions, problems, and the text of every masked SELECT.

    python benchmarks/planning.py [--tables 1000]

Plans a tenth of the tables and then all of them, each with ten columns, two indexes and a foreign key. Exit code 1 when
the whole takes 10 seconds or more, or when a table among many costs over twice what it costs among few.
"""

from __future__ import annotations

import argparse
import sys
import time

import psycopg
from rich.console import Console
from rich.table import Table
from servers import DATABASE, Side, two_sides

from sanitizers.plan import compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from sanitizers.select import masked_select

MOST_SECONDS = 10
MOST_TIMES = 2

TABLE = """
CREATE TABLE t{n} (id bigint PRIMARY KEY, parent bigint REFERENCES t{parent}, first_name text, last_name text,
  email text UNIQUE, phone varchar(40), street text, born date, note text, seen timestamptz);
"""
POLICY = "\n".join(
    [
        "version = 1",
        *(
            f'[[columns]]\nmatch = "*.{column}"\nstrategy = "{strategy}"'
            for column, strategy in {
                "id": "keep", "parent": "keep", "first_name": "first_name", "last_name": "last_name", "email": "email",
                "phone": "phone", "street": "street", "born": "date_shift", "note": "null", "seen": "keep",
            }.items()
        ),
    ]
)  # fmt: skip


def make(side: Side, first: int, last: int) -> None:
    with psycopg.connect(side.dsn, autocommit=True) as conn:
        for start in range(first, last, 50):
            conn.execute("".join(TABLE.format(n=n, parent=max(n - 1, 0)) for n in range(start, min(start + 50, last))))


def plan(side: Side) -> dict[str, float]:
    """Seconds of each part."""
    seconds: dict[str, float] = {}
    with side.connect() as conn:
        begun = time.monotonic()
        schema = read_schema(conn)
        seconds["read the catalog"] = time.monotonic() - begun
        begun = time.monotonic()
        compiled = compile_plan([schema], parse_policy(POLICY, DATABASE))
        seconds["decide, look for problems"] = time.monotonic() - begun
        begun = time.monotonic()
        for table in compiled.databases[0].tables:
            masked_select(table).as_string(conn)
        seconds["write the masked SELECTs"] = time.monotonic() - begun
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description="Planning time by the number of tables.")
    parser.add_argument("--tables", type=int, default=1000)
    many = parser.parse_args().tables
    few = max(many // 10, 1)
    with two_sides() as (side, _):
        side.reset("")
        make(side, 0, few)
        plan(side)  # the pools are filled once in a process
        small = plan(side)
        make(side, few, many)
        large = plan(side)
    table = Table(title=f"{many:,} tables of ten columns")
    for name in ("", f"{few:,} tables, s", f"{many:,} tables, s", "ratio per table"):
        table.add_column(name, justify="right" if name else "left")
    for name, seconds in large.items():
        table.add_row(name, f"{small[name]:.2f}", f"{seconds:.2f}", f"{seconds / many / (small[name] / few):.2f}")
    total = sum(large.values())
    ratio = total / many / (sum(small.values()) / few)
    table.add_row("all", f"{sum(small.values()):.2f}", f"{total:.2f}", f"{ratio:.2f}")
    Console(width=100).print(table)
    return 0 if total < MOST_SECONDS and ratio <= MOST_TIMES else 1


if __name__ == "__main__":
    sys.exit(main())
