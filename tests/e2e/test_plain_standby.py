"""A hot standby as source, through the command, and one that goes on replaying while it is read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import psycopg
import pytest

from sanitizers.engines.stream import Progress, copy_database
from sanitizers.errors import CopyFailedError
from tests.fix_plain import Desk, rows
from tests.fix_postgres import TestDatabase
from tests.integration.test_stream_standby import SCRIPT, StandBy, make_standby_case, stand_by

__all__ = ["stand_by"]

MakeDatabase = Callable[[], TestDatabase]


@pytest.mark.slow
def test_the_command_copies_from_a_standby_with_schema_and_proof(
    desk: Desk, shop: TestDatabase, make_database: MakeDatabase, stand_by: StandBy
) -> None:
    standby, target = TestDatabase(stand_by(), shop.name, shop.password), make_database()

    plan = desk.run("plan", "--dsn", standby.dsn)
    done = desk.run("sanitize", "--source", standby.dsn, "--target", target.dsn)
    in_place = desk.run("sanitize", "--in-place", standby.dsn, "--yes")

    assert plan.returncode == 0, plan.stderr
    assert done.returncode == 0, done.stderr
    assert rows(target.dsn, "SELECT count(*) FILTER (WHERE email LIKE 'zq%'), count(*) FROM people") == [(0, 50)]
    assert in_place.returncode == 5
    assert "is a hot standby" in in_place.stderr


@pytest.mark.slow
def test_a_standby_that_replays_over_what_is_read_says_what_helps(
    make_database: MakeDatabase, stand_by: StandBy
) -> None:
    case = make_standby_case(make_database, stand_by, SCRIPT)
    primary = psycopg.connect(case.target.server.dsn(dbname=case.source.name), autocommit=True)
    with primary, psycopg.connect(case.source.admin_dsn, autocommit=True) as standby:
        standby.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        standby.execute("SELECT pg_reload_conf()")

        def replay(progress: Progress) -> None:
            if progress.step == "load" and progress.about == "public.people" and not progress.done:
                primary.execute("DELETE FROM people WHERE id > 10")
                primary.execute("VACUUM people")
                row = primary.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
                query = "SELECT pg_last_wal_replay_lsn() >= %s"
                while not (standby.execute(query, row).fetchone() or (False,))[0]:
                    time.sleep(0.05)

        with pytest.raises(CopyFailedError, match=r"max_standby_streaming_delay.*copy from the primary"):
            copy_database(case.run(streams=1), replay)


@pytest.mark.slow
def test_a_copy_of_the_servers_files_that_was_masked_in_place_is_compared_with_its_source(
    desk: Desk, shop: TestDatabase, stand_by: StandBy
) -> None:
    copy = TestDatabase(stand_by(), shop.name, shop.password)
    with psycopg.connect(copy.admin_dsn, autocommit=True) as admin:
        admin.execute("SELECT pg_promote()")
    done = desk.run("sanitize", "--in-place", copy.dsn, "--yes")
    assert done.returncode == 0, done.stderr

    found = desk.run("verify", "--dsn", copy.admin_dsn, "--source", shop.admin_dsn, "--json")

    assert found.returncode == 1, found.stderr
    roads = {road["road"]: road for road in json.loads(found.stdout)["roads"]}
    assert {name for name, road in roads.items() if road["status"] == "FAIL"} == {"passwords"}
    assert any("has the password that it has on the source" in problem for problem in roads["passwords"]["problems"])
