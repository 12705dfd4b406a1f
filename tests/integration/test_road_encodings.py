"""Next to a source in another encoding the same text has other bytes: roads that compare hashes never pass there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from emulator.postgres import Server
from sanitizers.proof.roads.columns import Columns
from sanitizers.proof.roads.containment import Containment
from sanitizers.proof.roads.road import Status
from sanitizers.proof.roads.same_key import SameKey
from tests.fix_postgres import OWNER, TestDatabase
from tests.integration.looked_case import make_alike
from tests.integration.stream_case import Case

SCHEMA = "CREATE TABLE people (id int PRIMARY KEY, name text); CREATE TABLE notes (id int PRIMARY KEY, body text);"
ROWS = """
INSERT INTO people SELECT n, 'Zoé Brontë Müller' || n FROM generate_series(1, 20) AS n;
INSERT INTO people VALUES (21, 'Theodora Zqmeyer');
INSERT INTO notes VALUES (1, 'nothing at all');
"""
ROADS = (Columns(), Containment(), SameKey())
MakeIn = Callable[[str], TestDatabase]


@pytest.fixture
def make_in(postgres: Server, database: TestDatabase) -> Iterator[MakeIn]:
    """Encoding → an empty database in it."""
    made: list[TestDatabase] = []

    def make(encoding: str) -> TestDatabase:
        fresh = TestDatabase(postgres, f"{database.name}_{len(made)}", database.password)
        create = "CREATE DATABASE {} OWNER {} ENCODING {} LOCALE 'C' TEMPLATE template0"
        with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
            admin.execute(sql.SQL(create).format(*map(sql.Identifier, (fresh.name, OWNER)), sql.Literal(encoding)))
        made.append(fresh)
        return fresh

    yield make
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        for one in made:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(one.name)))


def shop(make_in: MakeIn, *encodings: str) -> Case:
    """A source and a masked target."""
    left = iter(encodings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGCLIENTENCODING", "UTF8")
        case = make_alike(lambda: make_in(next(left)), SCHEMA, ROWS, {"public.people.name": "full_name"})
        case.copy()
    return case


def statuses(case: Case) -> dict[str, Status]:
    proof = case.verify(roads=ROADS)
    assert not [road for road in proof.roads if road.status is Status.UNKNOWN and "LATIN1" not in road.unseen[0]]
    return {road.road: road.status for road in proof.roads}


def test_where_encodings_differ_no_road_that_compares_texts_passes(make_in: MakeIn) -> None:
    case = shop(make_in, "LATIN1", "UTF8")
    clean = statuses(case)
    case.execute("UPDATE notes SET body = 'Theodora Zqmeyer'")
    planted = statuses(case)

    assert clean == dict.fromkeys(("columns", "containment", "same-key"), Status.UNKNOWN)
    assert planted == clean | {"columns": Status.FAIL}


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1"])
def test_where_both_have_one_encoding_all_of_it_is_compared(make_in: MakeIn, encoding: str) -> None:
    case = shop(make_in, encoding, encoding)
    clean = statuses(case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGCLIENTENCODING", "UTF8")
        case.execute("UPDATE notes SET body = 'Zoé Brontë Müller7'")

    assert set(clean.values()) == {Status.PASS}
    assert statuses(case)["columns"] is Status.FAIL
