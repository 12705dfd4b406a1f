"""What the clean-room engine does when it cannot go on: it says why, without a value, and lets itself be abandoned."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable

import psycopg
import pytest

from sanitizers.engines.stream import Progress, copy_database
from sanitizers.errors import CatalogsDifferError, CopyFailedError
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import KEY, Case, make_case, make_plan

MakeDatabase = Callable[[], TestDatabase]

SECRET = "Zebediah Quux"
PEOPLE = f"CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people VALUES (1, '{SECRET}');"


def everything_said(error: BaseException) -> str:
    """The error as the most talkative reporter shows it: causes, contexts, local variables of every frame."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    chain = [repr(error), repr(error.__cause__), repr(error.__context__)]
    frames = [f for f in shown.stack if "sanitizers/" in f.filename]
    return "".join([*shown.format_exception_only(), *chain, *(repr(frame.locals) for frame in frames)])


JUDGE = "CREATE OR REPLACE FUNCTION judge(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN {} END $$;"
HARMLESS = JUDGE.format("RETURN t;")


@pytest.mark.parametrize(
    ("addition", "judgement", "says"),
    [
        (
            "ALTER TABLE people ADD CONSTRAINT fine CHECK (judge(name) = name)",
            "RETURN 'no';",
            (
                "constrain check fine of public.people",
                "CheckViolation (SQLSTATE 23514)",
                "constraint fine",
                "table public.people",
            ),
        ),
        (
            "CREATE UNIQUE INDEX one ON people (judge(name))",
            f"RETURN '{SECRET}';",
            ("rebuild index public.one", "UniqueViolation (SQLSTATE 23505)", "constraint one"),
        ),
        (
            "CREATE INDEX quick ON people (judge(name))",
            "RAISE EXCEPTION 'no % here', t USING DETAIL = t, HINT = t;",
            ("rebuild index public.quick", "RaiseException (SQLSTATE P0001)"),
        ),
    ],
)
def test_an_error_of_postgres_arrives_without_the_value_that_it_quotes(
    make_database: MakeDatabase, addition: str, judgement: str, says: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    two = f"INSERT INTO people VALUES (2, '{SECRET} the second');"
    case = make_case(make_database, PEOPLE + two + HARMLESS + addition)
    case.execute(JUDGE.format(judgement))

    with caplog.at_level(logging.DEBUG), pytest.raises(CopyFailedError) as caught:
        case.copy()

    for part in says:
        assert part in str(caught.value)
    assert "Zebediah" not in everything_said(caught.value) + caplog.text
    assert KEY.hex() not in everything_said(caught.value)


def test_catalogs_that_differ_are_told_apart_before_the_first_row(make_database: MakeDatabase) -> None:
    case = make_case(make_database, PEOPLE)
    case.execute("ALTER TABLE people ADD COLUMN late text")

    with pytest.raises(CatalogsDifferError, match=r"public\.people"):
        case.copy()

    assert case.rows("SELECT count(*) FROM people") == [(0,)]


def test_a_schema_that_changed_after_planning_is_refused(make_database: MakeDatabase) -> None:
    case = make_case(make_database, PEOPLE)
    for database in (case.source, case.target):
        case.execute("ALTER TABLE people ADD COLUMN late text", of=database)

    with pytest.raises(CatalogsDifferError, match="after the masking plan was compiled"):
        case.copy()


def test_a_target_that_holds_rows_is_refused(make_database: MakeDatabase) -> None:
    case = make_case(make_database, PEOPLE)
    case.execute("INSERT INTO people VALUES (5, 'somebody')")

    with pytest.raises(CopyFailedError, match=r"public\.people of the target holds rows"):
        case.copy()


def test_a_target_with_event_triggers_is_refused(make_database: MakeDatabase) -> None:
    case = make_case(make_database, PEOPLE)
    with psycopg.connect(case.target.admin_dsn) as conn:
        conn.execute(
            "CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;"
            "CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION note()"
        )

    with pytest.raises(CopyFailedError, match="event trigger note_ddl"):
        case.copy()
    case.copy(allow_event_triggers=("note_ddl",))


@pytest.mark.parametrize(
    ("parent", "child", "helps"),
    [
        ("PARTITION BY LIST (id)", "PARTITION OF events DEFAULT", "public.events DETACH PARTITION public.old_events"),
        ("", "() INHERITS (events)", "public.old_events NO INHERIT public.events"),
    ],
)
def test_a_child_on_another_server_is_refused(parent: str, child: str, helps: str, make_database: MakeDatabase) -> None:
    source, target = make_database(), make_database()
    for database in (source, target):
        with psycopg.connect(database.admin_dsn) as conn:
            conn.execute(
                f"""CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
                CREATE TABLE events (id int, what text) {parent};
                CREATE FOREIGN TABLE old_events {child} SERVER far""".encode()
            )

    with pytest.raises(CopyFailedError, match=rf"public\.old_events is a foreign table: .* run ALTER TABLE {helps}"):
        Case(source, target, make_plan(source)).copy()


def test_a_stopped_run_ends_at_the_next_block(make_database: MakeDatabase) -> None:
    case = make_case(make_database, PEOPLE)
    stop = threading.Event()
    stop.set()

    with pytest.raises(CopyFailedError, match="stopped on request"):
        case.copy(stop=stop)


@pytest.mark.parametrize("streams", [1, 2])
def test_another_thread_cancels_what_postgres_is_doing(make_database: MakeDatabase, streams: int) -> None:
    case = make_case(make_database, PEOPLE + HARMLESS + "CREATE INDEX slow ON people (judge(name))")
    case.execute(JUDGE.format("PERFORM pg_catalog.pg_sleep(60); RETURN t;"))
    connections: list[psycopg.Connection] = []
    building = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.about == "index public.slow" and progress.step == "rebuild":
            building.set()

    def cancel() -> None:
        building.wait(20)
        time.sleep(0.2)
        for connection in connections:
            connection.cancel_safe()

    thread = threading.Thread(target=cancel)
    thread.start()
    started = time.monotonic()
    with pytest.raises(CopyFailedError, match="57014"):
        copy_database(case.run(on_connection=connections.append, streams=streams), watch)
    thread.join()

    assert time.monotonic() - started < 20
    assert len(connections) == 1 + streams


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_server_that_goes_away_in_mid_stream_is_one_clear_sentence(make_database: MakeDatabase, side: str) -> None:
    rows = "INSERT INTO people SELECT n, repeat('x', 500) FROM generate_series(2, 20000) n"
    case = make_case(make_database, PEOPLE + rows)
    database: TestDatabase = getattr(case, side)

    def cut(progress: Progress) -> None:
        if progress.step == "load" and progress.done > 1000:
            with psycopg.connect(database.admin_dsn) as conn:
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    with pytest.raises(CopyFailedError, match="connection to Postgres was lost") as caught:
        copy_database(case.run(), cut)

    assert "load public.people" in str(caught.value)
