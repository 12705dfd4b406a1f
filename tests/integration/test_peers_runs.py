"""How a run goes: what it says, what it needs, how it ends. See docs/explanation/what-others-met.md."""

from __future__ import annotations

import logging
import threading
import time

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
"""
CANARY = "Zebediah"
NAMED = {"public.people.name": {"strategy": "full_name", "unique": True}}


@both_engines
@pytest.mark.parametrize(
    ("constraint", "judgement"),
    [
        ("ALTER TABLE people ADD CONSTRAINT fine CHECK (judge(name) = name)", "RETURN 'Zebediah';"),
        ("CREATE UNIQUE INDEX one ON people (judge(name))", "RETURN 'Zebediah';"),
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
