"""The same masking task by other tools, where they are installed, beside ours, interleaved on one server.

    python benchmarks/peers.py [--rows 100000] [--runs 3] [--bin DIR] [--postgres DIR]

`--bin` is a folder with the peers' commands, such as the `bin` of a virtual environment with `pip install pganonymize
pynonymizer pg_anon`; PATH is looked at otherwise. `--postgres` is a folder with the programs of a PostgreSQL 18 that
has pgcrypto, without which pg_anon does not run, or PostgreSQL Anonymizer, which is run where the server has it. Every
run gets a fresh copy of one database. Time is the whole command for peers (dump and restore for pg_anon) and for ours
(in place and clean room) the whole run with its catalogs, indexes and ANALYZE. Exit code 1 when a peer is faster than
us, or pganonymize is not 10 times slower.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from servers import CUSTOMERS, DATABASE, MASKED, OWNER, PASSWORD, ROWS, Side, make_plan, two_sides

from emulator.binaries import Binaries
from emulator.postgres import SUPERUSER
from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.engines.stream import CopyRun, copy_database

TEMPLATE = "original"
SLOWEST = 1800  # seconds that a peer may take
TIMES_PGANONYMIZE = 10

# Faker's providers for the six columns; JSON is YAML.
PGANONYMIZE = {
    "first_name": "fake.first_name",
    "last_name": "fake.last_name",
    "email": "fake.unique.email",
    "phone": "fake.phone_number",
    "address": "fake.street_address",
    "dob": "fake.date_of_birth",
}
PYNONYMIZER = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "unique_email",
    "phone": "phone_number",
    "address": "street_address",
    "dob": {"type": "fake_update", "fake_type": "date_of_birth", "sql_type": "date"},
}
PG_ANON = {
    "first_name": "anon_funcs.random_string(7)",
    "last_name": "anon_funcs.random_string(9)",
    "email": "md5(email)",
    "phone": "anon_funcs.random_phone()",
    "address": "anon_funcs.random_string(20)",
    "dob": "anon_funcs.random_date()",
}
ANON = {
    "first_name": "anon.fake_first_name()",
    "last_name": "anon.fake_last_name()",
    "email": "anon.fake_email()",
    "phone": "anon.random_phone()",
    "address": "anon.fake_address()",
    "dob": "anon.random_date()",
}


@dataclass(frozen=True)
class Bench:
    """Where the runs take place."""

    source: Side
    target: Side
    folder: Path
    commands: Path | None

    def fresh(self) -> None:
        """A copy of the original database."""
        with psycopg.connect(self.source.server.dsn(), autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            conn.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE} OWNER {OWNER}")
            conn.execute("CHECKPOINT")

    def program(self, name: str) -> str | None:
        return shutil.which(name, path=str(self.commands) if self.commands else None)


def main() -> int:
    parser = argparse.ArgumentParser(description="The same task by other tools.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--bin", type=Path)
    parser.add_argument("--postgres", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, two_sides(options.postgres) as (source, target):
        bench = Bench(source, target, Path(folder), options.bin)
        fill(bench, options.rows)
        tools = {"branchwarden, in place": in_place, "branchwarden, clean room": clean_room, **_peers(bench)}
        seconds: dict[str, list[float]] = {name: [] for name in tools}
        for _ in range(options.runs):
            for name, run in tools.items():
                bench.fresh()
                seconds[name].append(run(bench))
        return _report(options.rows, options.runs, seconds)


def fill(bench: Bench, rows: int) -> None:
    bench.source.reset(CUSTOMERS)
    with bench.source.connect() as conn:
        conn.execute(ROWS, (rows,))
    with psycopg.connect(bench.source.dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE customers")
    with psycopg.connect(bench.source.server.dsn(), autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {DATABASE} RENAME TO {TEMPLATE}")


def _peers(bench: Bench) -> Mapping[str, Callable[[Bench], float]]:
    found: dict[str, Callable[[Bench], float]] = {}
    if bench.program("pganonymize"):
        found["pganonymize"] = pganonymize
    if bench.program("pynonymizer"):
        found["pynonymizer"] = pynonymizer
    with psycopg.connect(bench.source.server.dsn()) as conn:
        offered = {name for (name,) in conn.execute("SELECT name FROM pg_available_extensions")}
    if bench.program("pg_anon") and "pgcrypto" in offered:
        found["pg_anon, dump and restore"] = pg_anon
    if "anon" in offered:
        found["PostgreSQL Anonymizer"] = postgresql_anonymizer
    return found


def in_place(bench: Bench) -> float:
    begun = time.monotonic()
    rewrite_database(RewriteRun(bench.source.connect, make_plan(bench.source, MASKED), os.urandom(32)), lambda _: None)
    return time.monotonic() - begun


def clean_room(bench: Bench) -> float:
    bench.target.reset(CUSTOMERS)
    begun = time.monotonic()
    plan = make_plan(bench.source, MASKED)
    copy_database(CopyRun(bench.source.connect, bench.target.connect, plan, os.urandom(32)), lambda _: None)
    return time.monotonic() - begun


def pganonymize(bench: Bench) -> float:
    fields = [{name: {"provider": {"name": provider}}} for name, provider in PGANONYMIZE.items()]
    schema = bench.folder / "pganonymize.yml"
    schema.write_text(json.dumps({"tables": [{"customers": {"primary_key": "id", "fields": fields}}]}))
    server = bench.source.server
    where = ["--dbname", DATABASE, "--user", OWNER, "--password", PASSWORD, "--host", str(server.socket_folder)]
    return _timed([bench.program("pganonymize"), "--schema", schema, *where, "--port", server.port])


def pynonymizer(bench: Bench) -> float:
    strategy = bench.folder / "pynonymizer.yml"
    strategy.write_text(json.dumps({"tables": {"customers": {"columns": PYNONYMIZER}}}))
    server = bench.source.server
    where = ["--db-host", server.socket_folder, "--db-port", server.port, "--db-name", DATABASE]
    who = ["--db-user", OWNER, "--db-password", PASSWORD, "--db-type", "postgres"]
    step = ["--only-step", "ANONYMIZE_DB", "--strategy", strategy]
    return _timed([bench.program("pynonymizer"), *where, *who, *step])


def pg_anon(bench: Bench) -> float:
    rule = {"schema": "public", "table": "customers", "fields": PG_ANON}
    rules, dump = bench.folder / "pg_anon.py", bench.folder / "pg_anon"
    rules.write_text(repr({"dictionary": [rule], "dictionary_exclude": []}))
    programs = Binaries.find()  # the server's folder may have neither pg_dump nor pg_restore
    command, streams = bench.program("pg_anon"), ["--db-connections", 2]
    _timed([command, "init", *_where(bench.source)], bench.folder)
    bench.target.reset("")
    took = ["--prepared-sens-dict-file", rules, "--output-dir", dump, "--pg-dump", programs.program("pg_dump")]
    dumped = _timed([command, "dump", *_where(bench.source), *took, "--clear-output-dir", *streams], bench.folder)
    put = ["--input-dir", dump, "--pg-restore", programs.program("pg_restore")]
    # It sets session_replication_role, so a superuser it must be.
    return dumped + _timed([command, "restore", *_where(bench.target, SUPERUSER), *put, *streams], bench.folder)


def _where(side: Side, user: str = OWNER) -> list[object]:
    place = ["--db-host", side.server.socket_folder, "--db-port", side.server.port, "--db-name", DATABASE]
    return [*place, "--db-user", user, "--db-user-password", PASSWORD]


def postgresql_anonymizer(bench: Bench) -> float:
    with psycopg.connect(bench.source.server.dsn(dbname=DATABASE), autocommit=True) as conn:
        conn.execute("CREATE EXTENSION anon CASCADE")
        conn.execute("SELECT anon.init()")
        for column, function in ANON.items():
            conn.execute(f"SECURITY LABEL FOR anon ON COLUMN customers.{column} IS 'MASKED WITH FUNCTION {function}'")
        begun = time.monotonic()
        conn.execute("SELECT anon.anonymize_database()")
        return time.monotonic() - begun


def _timed(command: list[object], folder: Path | None = None) -> float:
    begun = time.monotonic()
    words = [str(part) for part in command]
    ended = subprocess.run(words, cwd=folder, capture_output=True, timeout=SLOWEST, check=False)
    if ended.returncode:
        sys.exit(f"{command[0]} failed:\n{ended.stdout.decode()}\n{ended.stderr.decode()}")
    return time.monotonic() - begun


def _report(rows: int, runs: int, seconds: Mapping[str, list[float]]) -> int:
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    ours = medians["branchwarden, in place"]
    table = Table(title=f"{rows:,} rows, {len(MASKED)} masked columns, medians of {runs} interleaved runs")
    for name in ("", "seconds", "rows/s", "of our time in place"):
        table.add_column(name, justify="right" if name else "left")
    for name, median in medians.items():
        table.add_row(name, f"{median:.2f}", f"{rows / median:,.0f}", f"{median / ours:.1f}")
    Console(width=100).print(table)
    peers = {name: taken for name, taken in medians.items() if not name.startswith("branchwarden")}
    slowest = max(taken for name, taken in medians.items() if name not in peers)
    ahead = all(taken > slowest for taken in peers.values())
    return 0 if ahead and peers.get("pganonymize", TIMES_PGANONYMIZE * ours) >= TIMES_PGANONYMIZE * ours else 1


if __name__ == "__main__":
    sys.exit(main())
