"""What blocks one database of a copy blocks the copy, before any other database of it is rewritten."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from daemon.errors import RunFailedError
from daemon.neon import Login
from sanitizers.policy import parse_policy
from tests.faults.rig import Rig, rig

__all__ = ["rig"]

TABLE = "CREATE TABLE visits (id int PRIMARY KEY, email text); INSERT INTO visits VALUES (1, 'jane@corp.invalid')"
WATCH = """
CREATE FUNCTION watching() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watching()
"""
POLICY = """
[zoo.public.visits]
id = "keep"
email = "email"
"""


def in_place(rig: Rig) -> Rig:
    """The rig with a second database, whose event trigger would see the run's statements."""
    production = rig.named("production")
    rig.post(f"branches/{production.id}/databases", {"database": {"name": "zoo", "owner_name": "neondb_owner"}})
    uri = rig.client.connection_uri(rig.project_id, Login(production.id, "zoo", "neondb_owner"))
    with psycopg.connect(uri) as conn:
        conn.execute(TABLE.encode())
    lines = (rig.neon.branch_folder(production.id) / "postmaster.pid").read_text().splitlines()
    with psycopg.connect(host=lines[4], port=int(lines[3]), user="cloud_admin", dbname="zoo") as admin:
        admin.execute(WATCH.encode())
    text = rig.request.staging.policy.read_text(encoding="utf-8")
    policy, how = parse_policy(text + POLICY, "masking.toml"), replace(rig.request.how, mode="in-place")
    return replace(rig, request=replace(rig.request, policy=policy, how=how))


@pytest.mark.slow
def test_no_database_is_rewritten_where_the_next_one_is_blocked(rig: Rig) -> None:
    blocked = in_place(rig)

    with pytest.raises(RunFailedError, match="zoo: Event trigger watch would run"):
        blocked.sanitize()

    assert any("copying production" in sentence for sentence in blocked.told)
    assert [sentence for sentence in blocked.told if "rewritten" in sentence] == []
