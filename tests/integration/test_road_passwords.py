"""What can be said of passwords where there is one server, a copy of its files, or nothing to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from emulator.postgres import Server
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.memory import Facts
from sanitizers.proof.roads import Found, Status
from sanitizers.proof.roads.passwords import Passwords
from sanitizers.proof.witness import WitnessRun, witness_database
from tests.fix_postgres import TestDatabase
from tests.integration.looked_case import PEOPLE, open_site
from tests.integration.rewrite_case import make_rewrite_case
from tests.integration.stream_case import KEY, connector
from tests.integration.test_stream_standby import StandBy, stand_by

__all__ = ["stand_by"]


@contextmanager
def role(server: Server) -> Iterator[None]:
    """A role that is in every copy of the server's files."""
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute("CREATE ROLE pw_copied LOGIN PASSWORD 'one'")
        try:
            yield
        finally:
            conn.execute("DROP ROLE pw_copied")


def look(source: str, target: str) -> Found:
    with open_site(target, source) as site:
        return Passwords().look(site)


@pytest.mark.slow
def test_a_copy_of_the_servers_files_has_its_passwords(postgres: Server, stand_by: StandBy) -> None:
    with role(postgres):
        copy = stand_by()
        while_it_follows = look(copy.dsn(), postgres.dsn())
        with psycopg.connect(copy.dsn(), autocommit=True) as conn:
            conn.execute("SELECT pg_promote()")

        alone = look(postgres.dsn(), copy.dsn())

    assert "role pw_copied has the password that it has on the source: ALTER ROLE … PASSWORD" in alone.problems
    assert while_it_follows.status is Status.UNKNOWN
    assert "with one password" in while_it_follows.unseen[0]
    assert "SCRAM" not in repr((alone, while_it_follows))


def test_a_run_in_place_says_that_it_changed_no_password(database: TestDatabase) -> None:
    case = make_rewrite_case(database, PEOPLE, {"public.people.email": "email"})
    proofs: list[DatabaseProof] = []
    with witness_database(WitnessRun(connector(database), case.plan, KEY), lambda _: None) as witness:
        case.rewrite(look=witness.look, prove=lambda: proofs.append(witness.judge()))

    [found] = [road for road in proofs[0].roads if road.road == "passwords"]

    assert (found.status, found.problems) == (Status.UNKNOWN, ())
    assert found.numbers["roles"] > 0
    assert "a server made from production's files, a base backup or a snapshot has them all" in found.unseen[0]


def test_a_role_that_may_not_read_verifiers_is_told_the_same(database: TestDatabase) -> None:
    found = look_in_place(database, "CREATE ROLE pw_nobody; SET LOCAL ROLE pw_nobody")

    assert (found.status, found.numbers) == (Status.UNKNOWN, {})
    assert "whether the passwords of the roles of this server are production's" in found.unseen[0]


def test_a_server_on_which_nobody_has_a_password_gives_none_away(database: TestDatabase) -> None:
    found = look_in_place(database, "UPDATE pg_authid SET rolpassword = NULL")

    assert (found.status, found.numbers) == (Status.PASS, {"roles": 0})
    assert found.sentence == "No role of this server has a password, so that none can have production's."


def look_in_place(database: TestDatabase, script: str) -> Found:
    """What the road says after a script of the superuser that is rolled back."""
    facts = Facts(seed=1, rows=(), counted=(), objects=(), problems=())
    with open_site(database.admin_dsn, remembered=facts) as site:
        site.target.execute(script.encode())
        found = Passwords().look(site)
        site.target.rollback()
    return found
