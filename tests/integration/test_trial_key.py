"""A plan is tried with the key of the run, so that what passes the trial passes the run."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg
import pytest

from sanitizers.trial import try_plan
from tests.integration.shapes_case import conn, make_plan

__all__ = ["conn"]

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def fake(original: str) -> str:
    """What `digest` makes of it under KEY, by the recipe of the docs."""
    subkey = hashlib.sha256(KEY + b"digest").digest()[:16]
    return hashlib.sha256(subkey + original.encode()).hexdigest()[:32]


@pytest.mark.parametrize(("key", "fits"), [(KEY, True), (OTHER, False), (None, False)])
def test_fakes_are_tried_that_the_run_will_draw(conn: psycopg.Connection[Any], key: bytes | None, fits: bool) -> None:
    conn.execute(f"CREATE TABLE t (c text CHECK (c IN ('a', '{fake('a')}'))); INSERT INTO t VALUES ('a')".encode())

    problems = try_plan(conn, make_plan(conn, 'c = "digest"'), key)

    assert (problems == ()) is fits
