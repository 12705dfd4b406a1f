"""A foreign table stops a run on Neon as it stops one on plain Postgres: nobody knows what it would show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from daemon.checking import BranchCheck
from daemon.checking.branch import Known, check_branch
from daemon.errors import RunRefusedError
from daemon.model import DataClass, Lineage, Purpose
from daemon.progress import Watch
from sanitizers.policy import parse_policy
from sanitizers.proof.roads import Found, Status
from tests.faults.rig import Rig, rig

__all__ = ["rig"]

AWAY = """
CREATE FOREIGN DATA WRAPPER away; CREATE SERVER far FOREIGN DATA WRAPPER away;
CREATE FOREIGN TABLE elsewhere (email text) SERVER far; ALTER FOREIGN TABLE elsewhere OWNER TO neondb_owner
"""
NAMED = """
[[tables]]
match = "neondb.public.elsewhere"
rows = "none"
"""


@pytest.mark.slow
def test_it_blocks_until_the_policy_names_it(rig: Rig) -> None:
    production = rig.named("production")
    rig.sql(production, "SELECT 1")
    lines = (rig.neon.branch_folder(production.id) / "postmaster.pid").read_text().splitlines()
    with psycopg.connect(host=lines[4], port=int(lines[3]), user="cloud_admin", dbname="neondb") as admin:
        admin.execute(AWAY.encode())

    with pytest.raises(RunRefusedError, match=r'neondb\.public\.elsewhere is a foreign table[^$]*rows = "none"'):
        rig.sanitize()
    text = rig.request.staging.policy.read_text(encoding="utf-8")
    named = replace(rig, request=replace(rig.request, policy=parse_policy(text + NAMED, "masking.toml")))
    published = named.sanitize()

    assert published.branch.name == "staging"
    assert named.last_run().policy_digest == named.request.policy.digest
    assert _links(named) is Status.PASS, "the policy says that it may be there"
    assert _links(replace(named, request=replace(named.request, policy=rig.request.policy))) is Status.FAIL


def _links(rig: Rig) -> Status:
    """What a later look at the branch says of what leads out of it."""
    staging, now = rig.named("staging"), datetime.now(UTC)
    lineage = Lineage(data_class=DataClass.SANITIZED, reason="", production=False, purpose=Purpose.STAGING)
    passwords = Found("passwords", None, Status.PASS, {}, "Not compared here.")
    known = Known(staging, lineage, None, passwords)
    checked = check_branch(rig.client, known, BranchCheck(rig.request.policy), (Watch(lambda _: None), lambda: now))
    return next(road.status for road in checked.roads if road.road == "links")
