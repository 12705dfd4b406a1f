"""Planning time by the number of tables: catalog, decisions, problems, the trial; and every masked SELECT of a run.

    python benchmarks/planning.py [--tables 1000] [--sample 5%] [--rows 0]

Plans a tenth of the tables and then all of them, each with ten columns, two indexes, a foreign key and some rows:
a sample of the last one is chosen by the rows of all. Exit code 1 when the planning takes 10 seconds or more, or when a
table among many costs over twice what it costs among few. Neither is asked of the SELECTs that a run writes, though
they are reported: of a sample each is longer by every table that its rows are chosen by.
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
WRITE = "write the masked SELECTs of a run"

TABLE = """
CREATE TABLE t{n} (id bigint PRIMARY KEY, parent bigint REFERENCES t{parent}, first_name text, last_name text,
  email text NOT NULL UNIQUE, phone varchar(40), street text, born date, note text, seen timestamptz);
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


ROWS = """
INSERT INTO t{n} SELECT i, i, 'First' || i, 'Last' || i, 'p' || i || '@mail.invalid', '+30 210 ' || i,
  i || ' Long Street', date '1940-01-01' + i, 'note ' || i, now() FROM generate_series(1, {rows}) AS i;
"""


def make(side: Side, first: int, last: int, rows: int) -> None:
    with psycopg.connect(side.dsn, autocommit=True) as conn:
        for start in range(first, last, 50):
            numbers = range(start, min(start + 50, last))
            conn.execute("".join(TABLE.format(n=n, parent=max(n - 1, 0)) for n in numbers))
            conn.execute("".join(ROWS.format(n=n, rows=rows) for n in numbers))


def plan(side: Side, sample: str) -> tuple[dict[str, float], int]:
    """Seconds of each part, and the characters of the longest masked SELECT."""
    policy = POLICY.replace("version = 1", f'version = 1\nsample = "{sample}"') if sample else POLICY
    seconds: dict[str, float] = {}
    with side.connect() as conn, side.connect() as other:
        begun = time.monotonic()
        schema = read_schema(conn)
        seconds["read the catalog"] = time.monotonic() - begun
        begun = time.monotonic()
        compiled = compile_plan([schema], parse_policy(policy, DATABASE))
        seconds["decide, look for problems"] = time.monotonic() - begun
        conn.commit()
        begun = time.monotonic()
        if problems := try_plan(conn, compiled.databases[0], beside=[other]):
            raise SystemExit("\n".join(problems))
        seconds["try it"] = time.monotonic() - begun
        begun = time.monotonic()
        longest = max(len(masked_select(table).as_string(conn)) for table in compiled.databases[0].tables)
        seconds[WRITE] = time.monotonic() - begun
    return seconds, longest


def main() -> int:
    parser = argparse.ArgumentParser(description="Planning time by the number of tables.")
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--sample", default="", help="a share of the people, such as 5%%")
    parser.add_argument("--rows", type=int, default=0, help="of each table")
    asked = parser.parse_args()
    many, sample = asked.tables, asked.sample
    few = max(many // 10, 1)
    with two_sides() as (side, _):
        side.reset("")
        make(side, 0, few, asked.rows)
        plan(side, sample)  # the pools are filled once in a process
        small, _ = plan(side, sample)
        make(side, few, many, asked.rows)
        large, longest = plan(side, sample)
    table = Table(title=f"{many:,} tables of ten columns{f', a sample of {sample}' if sample else ''}")
    for name in ("", f"{few:,} tables, s", f"{many:,} tables, s", "ratio per table"):
        table.add_column(name, justify="right" if name else "left")
    written = small.pop(WRITE), large.pop(WRITE)
    total = sum(small.values()), sum(large.values())
    for name, seconds in large.items():
        table.add_row(name, *_compared(small[name], seconds, many / few))
    table.add_row("all of planning", *_compared(*total, many / few))
    table.add_row(WRITE, *_compared(*written, many / few))
    console = Console(width=100)
    console.print(table)
    console.print(f"The longest masked SELECT has {longest:,} characters.")
    return 0 if total[1] < MOST_SECONDS and total[1] / total[0] <= MOST_TIMES * many / few else 1


def _compared(few: float, many: float, times: float) -> tuple[str, str, str]:
    return f"{few:.2f}", f"{many:.2f}", f"{many / few / times:.2f}"


if __name__ == "__main__":
    sys.exit(main())
