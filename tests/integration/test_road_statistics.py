"""Postgres hides statistics from whoever may not read the column: to such a role there seem to be none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from sanitizers.proof.roads.road import Status
from sanitizers.proof.roads.statistics import Statistics
from tests.fix_postgres import TestDatabase
from tests.integration.looked_case import PEOPLE, PERSONS, look_alone


@pytest.fixture
def stranger(database: TestDatabase) -> Iterator[TestDatabase]:
    """A database as a role that may connect, and no more."""
    role = sql.Identifier(f"stranger_{database.name}")
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(database.password))
        admin.execute(made)
        admin.execute((PEOPLE + PERSONS.format(rows=20)).encode())
        admin.execute("CREATE INDEX people_upper ON people (upper(name)); ANALYZE people")
        yield replace(database, owner=f"stranger_{database.name}")
        admin.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(role, role))


@pytest.mark.parametrize(
    ("rights", "unseen"),
    [
        ("", ["people", "people_upper"]),
        ("GRANT SELECT (id, name) ON people TO {}", ["people", "people_upper"]),
        ("GRANT SELECT ON people TO {}", ["people_upper"]),
        (
            "GRANT SELECT ON people TO {}; DROP INDEX people_upper; ALTER TABLE people ENABLE ROW LEVEL SECURITY",
            ["people"],
        ),
    ],
)
def test_statistics_that_the_role_may_not_see_are_said_to_be_unseen(
    stranger: TestDatabase, rights: str, unseen: list[str]
) -> None:
    with psycopg.connect(stranger.admin_dsn) as admin:
        admin.execute(rights.format(stranger.owner).encode() or b"SELECT")

    found = look_alone(Statistics(), stranger)

    assert found.status is Status.UNKNOWN
    names = [f"the statistics of {stranger.name}.public.{name}" for name in unseen]
    assert [what for what in found.unseen if what.startswith("the ")] == names


def test_a_database_without_statistics_passes(stranger: TestDatabase) -> None:
    with psycopg.connect(stranger.admin_dsn) as admin:
        admin.execute("DROP TABLE people")

    assert look_alone(Statistics(), stranger).status is Status.PASS
