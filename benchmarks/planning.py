"""Planning time by the number of tables: catalog, decisions, problems, every masked SELECT, the trial.

    python benchmarks/planning.py [--tables 1000] [--sample 5%]

Plans a tenth of the tables and then all of them, each with ten columns, two indexes and a foreign key:
a sample of the last one is chosen by the rows of all. Exit code 1 when the whole takes 10 seconds or more, or when a
table among many costs over twice what it costs among few; that is not asked of a sample, each of whose tables is chosen
by more the more there are.
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
from sanitizers.trial import try_plan

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


def plan(side: Side, sample: str) -> tuple[dict[str, float], int]:
    """Seconds of each part, and the characters of the longest masked SELECT."""
    policy = POLICY.replace("version = 1", f'version = 1\nsample = "{sample}"') if sample else POLICY
    seconds: dict[str, float] = {}
    with side.connect() as conn:
        begun = time.monotonic()
        schema = read_schema(conn)
        seconds["read the catalog"] = time.monotonic() - begun
        begun = time.monotonic()
        compiled = compile_plan([schema], parse_policy(policy, DATABASE))
        seconds["decide, look for problems"] = time.monotonic() - begun
        begun = time.monotonic()
        longest = max(len(masked_select(table).as_string(conn)) for table in compiled.databases[0].tables)
        seconds["write the masked SELECTs"] = time.monotonic() - begun
        conn.commit()
        begun = time.monotonic()
        if problems := try_plan(conn, compiled.databases[0]):
            raise SystemExit("\n".join(problems))
        seconds["try them"] = time.monotonic() - begun
    return seconds, longest


def main() -> int:
    parser = argparse.ArgumentParser(description="Planning time by the number of tables.")
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--sample", default="", help="a share of the people, such as 5%%")
    asked = parser.parse_args()
    many, sample = asked.tables, asked.sample
    few = max(many // 10, 1)
    with two_sides() as (side, _):
        side.reset("")
        make(side, 0, few)
        plan(side, sample)  # the pools are filled once in a process
        small, _ = plan(side, sample)
        make(side, few, many)
        large, longest = plan(side, sample)
    table = Table(title=f"{many:,} tables of ten columns{f', a sample of {sample}' if sample else ''}")
    for name in ("", f"{few:,} tables, s", f"{many:,} tables, s", "ratio per table"):
        table.add_column(name, justify="right" if name else "left")
    for name, seconds in large.items():
        table.add_row(name, f"{small[name]:.2f}", f"{seconds:.2f}", f"{seconds / many / (small[name] / few):.2f}")
    total = sum(large.values())
    ratio = total / many / (sum(small.values()) / few)
    table.add_row("all", f"{sum(small.values()):.2f}", f"{total:.2f}", f"{ratio:.2f}")
    console = Console(width=100)
    console.print(table)
    console.print(f"The longest masked SELECT has {longest:,} characters.")
    return 0 if total < MOST_SECONDS and (sample or ratio <= MOST_TIMES) else 1


if __name__ == "__main__":
    sys.exit(main())
