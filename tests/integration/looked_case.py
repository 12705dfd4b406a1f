"""What the tests of the roads share: a site of databases that are there, and a table of people. No fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any

import psycopg

from sanitizers.plan import DatabasePlan
from sanitizers.proof.roads.road import Found, Road, Site, look_down
from sanitizers.proof.verify import open_reader
from sanitizers.select import set_key
from sanitizers.track import Track
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import KEY, Case, make_plan

PEOPLE = "CREATE TABLE people (id int PRIMARY KEY, name text, email text);"
PERSONS = """
INSERT INTO people SELECT n, 'Theodora Papadimitriou' || n, 'theodora' || n || '@mail.invalid'
FROM generate_series(1, {rows}) n;
"""
MASKED = {"public.people.name": "full_name", "public.people.email": "email"}


@contextmanager
def open_site(
    target: str, source: str | None = None, plan: DatabasePlan | None = None, **changes: Any
) -> Iterator[Site]:
    """By connection strings."""
    with ExitStack() as stack:
        here = open_reader(lambda _: psycopg.connect(target), lambda _: None, stack)
        there = open_reader(lambda _: psycopg.connect(source), lambda _: None, stack) if source else None
        if there is not None:
            set_key(there, KEY)
        arguments: dict[str, Any] = {"key": KEY, "seed": 1, "full": False, "track": Track(lambda _: None, Event())}
        yield Site(here, there, plan, **arguments | changes)


def make_alike(make: Callable[[], TestDatabase], schema: str, rows: str = "", masked: Any = None) -> Case:
    """Two databases made by one script, for versions without pg_dump; only the source gets rows."""
    source, target = make(), make()
    for database, script in ((source, schema + rows), (target, schema)):
        with psycopg.connect(database.dsn) as conn:
            conn.execute(script.encode())
    return Case(source, target, make_plan(source, masked))


def look(road: Road, case: Case, *, admin: bool = False, source: bool = True, **changes: Any) -> Found:
    """Down one road of a case, as the owner or as the superuser."""
    target = case.target.admin_dsn if admin else case.target.dsn
    with open_site(target, case.source.dsn if source else None, case.plan, **changes) as site:
        (found,) = look_down([road], site)
    return found


def look_alone(road: Road, database: TestDatabase, *, admin: bool = False, **changes: Any) -> Found:
    """Down one road of a database of which nothing else is known."""
    with open_site(database.admin_dsn if admin else database.dsn, **changes) as site:
        (found,) = look_down([road], site)
    return found


def said(found: Found) -> Mapping[str, int]:
    """The numbers that are not 0."""
    return {name: count for name, count in found.numbers.items() if count}
