"""How a run goes: what it says, what it needs, how it ends. See docs/explanation/what-others-met.md."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from sanitizers.errors import CopyFailedError
from sanitizers.track import Progress
from tests.integration.peers_case import (
    Engine,
    MakeDatabase,
    Twins,
    both_engines,
    everything_said,
    execute,
    make_twins,
    query_rows,
)

ROOT = Path(__file__).parents[2]
TWO_TABLES = """
CREATE TABLE t1 (id int PRIMARY KEY, name text);
CREATE TABLE t2 (id int PRIMARY KEY, name text);
INSERT INTO t1 SELECT n, 'Original ' || n FROM generate_series(1, 5000) n;
INSERT INTO t2 SELECT n, 'Original ' || n FROM generate_series(1, 50) n;
CREATE INDEX t1_name ON t1 (name);

ANALYZE;
"""
NAMES = {"public.t1.name": "full_name", "public.t2.name": "full_name"}


@both_engines
def test_one_table_does_not_wait_for_another(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_twins(make_database, engine, TWO_TABLES, NAMES)
    holder = psycopg.connect(twins.masked.admin_dsn)
    second_was_first: list[bool] = []

    def release_when_the_second_table_is_there() -> None:
        second_was_first.append(_masked_within(twins, "t2", seconds=20))
        holder.rollback()

    waiting = threading.Thread(target=release_when_the_second_table_is_there)

    def watch(progress: Progress) -> None:
        if progress.step == "load" and not waiting.ident:
            holder.execute("LOCK TABLE t1 IN SHARE MODE")
            waiting.start()

    with holder:
        twins.run(watch, streams=2)
        waiting.join()

    assert second_was_first == [True]
    assert twins.rows("SELECT count(*) FROM t1 WHERE name ~ 'Original'") == [(0,)]


def _masked_within(twins: Twins, table: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    query = f"SELECT count(*) FROM {table} WHERE name !~ 'Original'"
    while time.monotonic() < deadline:
        if query_rows(twins.masked, query)[0][0]:
            return True
        time.sleep(0.05)
    return False


@both_engines
def test_a_run_says_at_which_table_and_index_it_is_and_how_far(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_twins(make_database, engine, TWO_TABLES, NAMES)
    said: list[Progress] = []

    twins.run(said.append)

    steps = list(dict.fromkeys(progress.step for progress in said))
    assert steps[:3] == ["compare", "clear", "load"]
    assert {"rebuild", "constrain", "refresh", "analyze"} <= set(steps)
    about = {(progress.step, progress.about) for progress in said}
    assert {("load", "public.t1"), ("load", "public.t2"), ("rebuild", "index public.t1_name")} <= about
    assert {p.total for p in said if (p.step, p.about) == ("load", "public.t1")} >= {5000}


FAILING = """
CREATE TABLE people (id int PRIMARY KEY, name text);
INSERT INTO people VALUES (1, 'Zebediah Quux'), (2, 'Zebediah Other');
CREATE FUNCTION judge(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN t; END $$;
CREATE FUNCTION unaccent(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN public.judge(t); END $$;
"""
CANARY = "Zebediah"
NAMED = {"public.people.name": {"strategy": "full_name", "unique": True}}


@both_engines
@pytest.mark.parametrize(
    ("constraint", "judgement"),
    [
        ("ALTER TABLE people ADD CONSTRAINT fine CHECK (judge(name) = name)", "RETURN 'Zebediah';"),
        ("CREATE UNIQUE INDEX one ON people (unaccent(name))", "RETURN 'Zebediah';"),
        ("CREATE INDEX quick ON people (judge(name))", "RAISE '% Zebediah', t USING DETAIL = t, HINT = t;"),
        ("ALTER TABLE people ADD shout text GENERATED ALWAYS AS (judge(name)) STORED", "RAISE 'Zebediah %', t;"),
        ("ALTER TABLE people ADD CONSTRAINT brief CHECK (length(judge(name)) < 99)", "RETURN repeat('Zebediah', 99);"),
    ],
)
def test_an_error_ends_the_run_at_once_and_shows_no_value_anywhere(
    make_database: MakeDatabase,
    engine: Engine,
    constraint: str,
    judgement: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    twins = make_twins(make_database, engine, FAILING + constraint, NAMED)
    function = "CREATE OR REPLACE FUNCTION judge(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS"
    execute(twins.masked, f"{function} $$ BEGIN {judgement} END $$")
    said: list[str] = []

    with caplog.at_level(logging.DEBUG), pytest.raises(CopyFailedError, match="SQLSTATE") as caught:
        twins.run(lambda progress: said.append(f"{progress.step} {progress.about}"))

    captured = capfd.readouterr()
    assert CANARY not in "\n".join([everything_said(caught.value), caplog.text, captured.out, captured.err, *said])
    assert len([step for step in said if step == "load public.people"]) <= 2


class GivenUpError(Exception):
    """A test wanted no more."""


WIDE = """
CREATE TABLE documents (id int PRIMARY KEY, mail text, body text);
INSERT INTO documents SELECT n, 'person' || n || '@mail.invalid', repeat('wide ', 200000) FROM generate_series(1, {}) n;
"""


def test_memory_does_not_grow_with_the_number_of_wide_rows(make_database: MakeDatabase) -> None:
    masked = {"public.documents.mail": "email"}

    def needed(rows: int) -> int:
        twins = make_twins(make_database, "clean-room", WIDE.format(rows), masked)
        task = {"source": twins.original.dsn, "target": twins.masked.dsn, "strategies": masked}
        program = [sys.executable, "-m", "tests.integration.peers_memory"]
        done = subprocess.run(program, input=json.dumps(task).encode(), cwd=ROOT, check=True, capture_output=True)
        assert twins.rows("SELECT count(*) FROM documents WHERE length(body) = 1000000") == [(rows,)]
        return int(done.stdout)

    few, many = needed(10), needed(150)

    assert many < 1.2 * few


NUMBERED = """
CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY (INCREMENT BY 3) PRIMARY KEY, mail text UNIQUE, name text);
CREATE TABLE logins (id serial PRIMARY KEY, mail text REFERENCES people (mail));
INSERT INTO people (mail, name) SELECT 'person' || n || '@mail.invalid', 'Original' FROM generate_series(1, 100) n;
INSERT INTO logins (mail) SELECT mail FROM people;
CREATE INDEX people_name ON people (name);
"""
EVERYTHING = """
SELECT relname::text, relkind::text FROM pg_class WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
UNION ALL SELECT nspname, '' FROM pg_namespace
UNION ALL SELECT proname, '' FROM pg_proc WHERE oid > 16384
UNION ALL SELECT conname, contype::text FROM pg_constraint WHERE conrelid > 16384 ORDER BY 1, 2
"""


@pytest.mark.parametrize("step", ["clear", "load", "rebuild", "triggers"])
def test_a_rewrite_that_was_cut_off_is_finished_and_leaves_nothing_behind(
    make_database: MakeDatabase, step: str
) -> None:
    mails = {f"public.{table}.mail": "email" for table in ("people", "logins")}
    twins = make_twins(make_database, "in-place", NUMBERED, mails | {"public.people.name": "first_name"})

    def give_up(progress: Progress) -> None:
        if progress.step == step:
            raise GivenUpError

    with pytest.raises(GivenUpError):
        twins.run(give_up)
    twins.run()

    assert twins.originals(EVERYTHING) == twins.rows(EVERYTHING)
    ids = "SELECT array_agg(id ORDER BY id) FROM people"
    assert twins.originals(ids) == twins.rows(ids)
    joined = "SELECT count(*) FROM people JOIN logins USING (mail) WHERE mail ~ '@example' AND name <> 'Original'"
    assert twins.rows(joined) == [(100,)]
    execute(twins.masked, "INSERT INTO people (mail) VALUES ('next')")
    assert twins.rows("SELECT id FROM people WHERE mail = 'next'") == [(301,)]
