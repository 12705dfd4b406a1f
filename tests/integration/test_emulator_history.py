"""Branches of the emulator as of a moment of their parent's past."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.server import Tuning, running
from tests.fix_daemon import SMALL
from tests.fix_emulator import Api

pytestmark = pytest.mark.postgres


def body(api: Api, **past: Any) -> dict[str, Any]:
    branch = {"name": "then", "parent_id": api.branch("production")["id"], **past}
    return {"branch": branch, "endpoints": [{"type": "read_write"}]}


def refused(api: Api, **past: Any) -> tuple[int, str]:
    answer = api.send("POST", "/branches", body(api, **past))
    return answer.status_code, answer.json()["message"]


def written_over(api: Api) -> tuple[str, datetime]:
    """Rows that are gone by now: the LSN of a copy that was made while they were there, and the time."""
    api.sql("production", "CREATE TABLE t (n int)", "INSERT INTO t SELECT generate_series(1, 1000)")
    lsn = str(api.create("dev")["parent_lsn"])
    api.change("DELETE", f"/branches/{api.branch('dev')['id']}")
    at = datetime.now(UTC)
    time.sleep(0.05)
    api.sql("production", "DELETE FROM t WHERE n > 3", "VACUUM FULL t", "CREATE TABLE later (n int)")
    return lsn, at


def test_a_child_at_an_lsn_has_the_rows_of_then(api: Api) -> None:
    lsn, _ = written_over(api)

    then = api.create("then", parent_lsn=lsn)

    assert then["parent_lsn"] == lsn
    assert api.sql("then", "SELECT count(*), to_regclass('later') IS NULL FROM t") == [(1000, True)]
    assert api.sql("production", "SELECT count(*) FROM t") == [(3,)]
    api.sql("then", "DELETE FROM t")
    assert api.sql("then", "SELECT count(*) FROM t") == [(0,)]


def test_a_child_at_a_time_has_the_rows_of_then_while_the_parent_runs(api: Api) -> None:
    _, at = written_over(api)

    then = api.create("then", parent_timestamp=at.isoformat())

    assert api.sql("then", "SELECT count(*) FROM t") == [(1000,)]
    assert datetime.fromisoformat(then["parent_timestamp"]) <= at


def test_moments_that_are_not_kept_are_refused(api: Api) -> None:
    lsn, at = written_over(api)

    assert refused(api, parent_timestamp=(at - timedelta(days=2)).isoformat())[0] == 400
    assert refused(api, parent_lsn="FF/1")[0] == 400
    assert refused(api, parent_lsn="0/1")[0] == 400
    assert refused(api, parent_lsn="nonsense")[0] == 400
    assert refused(api, parent_lsn=lsn, init_source="schema-only")[0] == 400


def test_what_was_written_over_leaves_the_history_after_its_time(templates: Path) -> None:
    later = timedelta()

    def clock() -> datetime:
        return datetime.now(UTC) + later

    tuning = Tuning(templates=templates, housekeeping=0.1, clock=clock)
    with running("empty", tuning=tuning) as neon, Api(neon) as api:
        lsn, _ = written_over(api)
        now = str(api.create("dev")["parent_lsn"])
        later = timedelta(days=2)

        assert refused(api, parent_lsn=lsn) == (400, "the requested moment is outside of the history that is kept")
        assert api.create("then", parent_lsn=now)["parent_lsn"] == now


def test_only_the_root_of_the_seed_has_a_past(api: Api) -> None:
    api.create("dev")
    api.sql("dev", "CREATE TABLE t (n int)")

    status, message = refused(api, parent_id=api.branch("dev")["id"], parent_lsn="0/1")

    assert status == 422
    assert "of no other branch" in message


def test_the_past_outlives_a_restart(templates: Path, fresh_folder: Path) -> None:
    tuning = Tuning(templates=templates, housekeeping=0.1)
    with running(SMALL, data=fresh_folder / "data", tuning=tuning) as neon, Api(neon) as api:
        lsn, _ = written_over(api)
    with running(data=fresh_folder / "data", tuning=tuning) as neon, Api(neon) as api:
        api.sql("production", "DROP TABLE t")
        api.create("then", parent_lsn=lsn)

        assert api.sql("then", "SELECT count(*) FROM t") == [(1000,)]
