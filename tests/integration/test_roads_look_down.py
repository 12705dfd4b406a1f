"""Looking down roads on real Postgres: one that fails is UNKNOWN without a value, the next goes on, nothing stays."""

from __future__ import annotations

from threading import Event
from typing import ClassVar

import psycopg
import pytest

from sanitizers.proof.roads.road import Found, Road, Site, Status, look_down
from sanitizers.track import Track
from tests.fix_postgres import TestDatabase


class Counting(Road):
    name: ClassVar[str] = "counting"
    title: ClassVar[str] = "Counting"
    question: ClassVar[str] = "Can it count?"

    def look(self, site: Site) -> Found:
        site.target.execute("CREATE TABLE left_behind ()")
        return self.found(site, {"found": 0, "rows": 1}, "One was counted.")


class Casting(Road):
    name: ClassVar[str] = "casting"
    title: ClassVar[str] = "Casting"
    question: ClassVar[str] = "Can it cast?"

    def look(self, site: Site) -> Found:
        site.target.execute("SELECT 'zq-secret'::int")
        return self.found(site, {}, "Never said.")


class Losing(Counting):
    name: ClassVar[str] = "losing"

    def look(self, site: Site) -> Found:
        site.target.close()
        return super().look(site)


class Long(Counting):
    name: ClassVar[str] = "long"
    full_only: ClassVar[bool] = True


def site(conn: psycopg.Connection, *, full: bool = False) -> Site:
    return Site(conn, None, None, bytes(32), 1, full, Track(lambda _: None, Event()))


def test_a_road_the_server_refuses_is_unknown_and_the_next_goes_on(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        casting, counting = look_down([Casting(), Counting()], site(conn))

        assert casting.status is Status.UNKNOWN
        assert casting.unseen == ("the server refused it (InvalidTextRepresentation, SQLSTATE 22P02)",)
        assert "zq-secret" not in repr(casting)
        assert (counting.status, counting.database) == (Status.PASS, database.name)
        assert conn.execute("SELECT to_regclass('left_behind')").fetchone() == (None,)


def test_a_lost_connection_leaves_every_road_unknown(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        found = look_down([Counting(), Losing(), Counting()], site(conn))

    lost = ("the connection to the server was lost or refused",)
    assert [one.unseen for one in found] == [(), lost, lost]


@pytest.mark.parametrize(("full", "expected"), [(False, ["counting"]), (True, ["counting", "long"])])
def test_long_roads_are_looked_down_when_asked_for(database: TestDatabase, full: bool, expected: list[str]) -> None:
    with psycopg.connect(database.dsn) as conn:
        found = look_down([Counting(), Long()], site(conn, full=full))

    assert [one.road for one in found] == expected


def test_a_site_shows_no_key(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        assert repr(bytes(32)) not in repr(site(conn))
