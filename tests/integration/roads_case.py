"""What the tests of roads share: look down one road of a masked copy. No fixtures."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Event

import psycopg
import pytest

from sanitizers.proof.roads.road import Found, Road, Site, look_down
from sanitizers.proof.verify import open_reader
from sanitizers.select import set_key
from sanitizers.track import Track
from tests.integration.stream_case import KEY, Case, connector

SEED = 20261122


def walk(road: Road, case: Case, *, full: bool = False, with_source: bool = True) -> Found:
    """What the road says of the case's target."""
    with ExitStack() as stack:
        target = open_reader(connector(case.target), lambda _: None, stack)
        source = _source(case, stack) if with_source else None
        track = Track(lambda _: None, Event())
        (found,) = look_down([road], Site(target, source, case.plan, KEY, SEED, full, track))
        return found


def _source(case: Case, stack: ExitStack) -> psycopg.Connection:
    source = open_reader(connector(case.source), lambda _: None, stack)
    set_key(source, KEY)
    return source


def no_value_in(found: Found, *values: str) -> None:
    """Fail where what a road says holds a value."""
    said = repr(found).lower()
    leaked = [number for number, value in enumerate(values) if value.lower() in said]
    if leaked:
        pytest.fail(f"the answer of {found.road} holds the values number {leaked}")
