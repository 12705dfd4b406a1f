"""A look at a branch whose server refuses the first statement: an error of ours, and no connection stays open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from daemon.checking import BranchCheck
from daemon.checking.branch import Known, check_branch
from daemon.errors import DatabaseUnreachableError
from daemon.model import DataClass, Lineage, Purpose
from daemon.progress import Connections, Watch
from sanitizers.proof.roads import Found, Status
from tests.faults.rig import Rig, rig

__all__ = ["rig"]


class Meddled(Connections):
    """Something happens as soon as a connection is there."""

    def __init__(self, change: Callable[[], object]) -> None:
        super().__init__()
        self.change, self.made = change, list[psycopg.Connection]()

    def add(self, connection: psycopg.Connection) -> None:
        self.made.append(connection)
        self.change()


def test_a_connection_that_may_not_set_its_path_is_closed(rig: Rig) -> None:
    branch = rig.named("production")
    rig.sql(branch, "SELECT 1")
    lines = (rig.neon.branch_folder(branch.id) / "postmaster.pid").read_text().splitlines()
    lineage = Lineage(data_class=DataClass.SANITIZED, reason="", production=False, purpose=Purpose.STAGING)
    known = Known(branch, lineage, None, Found("passwords", None, Status.PASS, {}, "Not compared here."))
    refuse = b"REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC"

    with psycopg.connect(
        host=lines[4], port=int(lines[3]), user="cloud_admin", dbname="neondb", autocommit=True
    ) as admin:
        connections = Meddled(lambda: admin.execute(refuse))
        watch = Watch(lambda _: None, connections=connections)
        with pytest.raises(DatabaseUnreachableError, match="SQLSTATE 42501"):
            check_branch(rig.client, known, BranchCheck(rig.request.policy), (watch, lambda: datetime.now(UTC)))

    assert [conn.closed for conn in connections.made] == [True]
