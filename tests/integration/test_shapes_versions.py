"""Every structured type on every Postgres from 14 to 18: the plan is tried, and the rows are the same on all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from sanitizers.trial import try_plan
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.shapes_case import make_plan, rows_of

DDL = """
CREATE TYPE pair AS (a text, b int);
CREATE TABLE t (id int PRIMARY KEY, mails text[] CHECK (cardinality(mails) < 3), doc json, pairs pair[],
  stays datemultirange, during tsrange, size int, title text, words tsvector, room int);
INSERT INTO t SELECT i, ARRAY['u' || i || '@x.test', NULL], '{"a": [{"b": "x\\u00e9"}, 1], "a\\\\/": null}',
  ARRAY[ROW('x', i)::pair], '{[2000-01-01,2000-01-05)}', '[2000-01-01 10:00,2000-01-02 11:00)', i % 3,
  'secret', 'secret', 1
FROM generate_series(1, 20) AS i;
"""
POLICY = """
id = "keep"
mails = "email"
doc = { strategy = "json", paths = { "a[*].b" = "digest", "**" = "keep" }, rest = "drop" }
pairs = { strategy = "composite", attributes = { a = "city" }, rest = "keep" }
stays = "range_shift"
during = { strategy = "range_shift", per = ["room"] }
size = "shuffle"
title = "city"
words = { strategy = "derived", expression = "to_tsvector('simple', title)" }
room = { strategy = "sql", expression = "value * 2" }
"""
FIRST: dict[str, Any] = {}


@pytest.mark.parametrize("major", VERSIONS)
def test_shapes_are_masked_alike_on_every_version(major: int, make_database_on: Callable[[int], TestDatabase]) -> None:
    with psycopg.connect(make_database_on(major).dsn, autocommit=True) as conn:
        conn.execute(DDL.encode())
        plan = make_plan(conn, POLICY)

        problems, rows = try_plan(conn, plan), rows_of(conn, plan)

    assert problems == ()
    assert "secret" not in str(rows)
    assert rows == FIRST.setdefault("rows", rows)
