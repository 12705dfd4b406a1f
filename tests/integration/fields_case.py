"""What the tests of encrypted and scrubbed columns share: one database, masked by either engine. No fixtures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.engines.stream import CopyRun, copy_database
from sanitizers.fields.keyring import FieldKey, Keyring
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import KEY, clone_schema, connector, make_plan

RING = Keyring([FieldKey("20260101T000000-0000", bytes(range(32)))])
MODES = ("clean-room", "in-place")


def masked(
    mode: str, make_database: Callable[[], TestDatabase], script: str, strategies: Mapping[str, Any]
) -> TestDatabase:
    """A database that was made by the script and then masked."""
    database = make_database()
    with psycopg.connect(database.dsn) as conn:
        conn.execute(script.encode())
    if mode == "in-place":
        run = RewriteRun(connector(database), make_plan(database, strategies), KEY, keyring=RING)
        rewrite_database(run, lambda _: None)
        return database
    target = make_database()
    clone_schema(database, target)
    copy = CopyRun(connector(database), connector(target), make_plan(database, strategies), KEY, keyring=RING)
    copy_database(copy, lambda _: None)
    return target


def rows(database: TestDatabase, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with psycopg.connect(database.dsn) as conn:
        return conn.execute(query.encode()).fetchall()
