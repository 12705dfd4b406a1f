"""What a policy is refused for by connection string, it is refused for through the API, before anything is created."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from daemon.neon import ApiColumn, ApiConstraint, ApiTable
from daemon.policies import draft_policy
from daemon.staging.api_schema import api_schema
from daemon.staging.dump import read_dump
from emulator.binaries import Binaries
from sanitizers.policy import parse_policy
from sanitizers.schema import Schema, read_schema
from tests.fix_postgres import TestDatabase

SCRIPT = """
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE DOMAIN word AS text COLLATE ci;
CREATE TABLE t (id int PRIMARY KEY, a text, b text, c varchar(40) COLLATE ci UNIQUE, d text, e word UNIQUE, f text,
  g text, UNIQUE {equal} (a));
CREATE UNIQUE INDEX few ON t (b) WHERE f = 'open';
CREATE UNIQUE INDEX loose ON t (d COLLATE ci);
CREATE UNIQUE INDEX nulls ON t (g) {equal};
"""
POLICY = """version = 1
[{}.public.t]
id = "keep"
a = "null"
b = "permute"
c = "permute"
d = "permute"
e = "permute"
f = "digest"
g = "null"
"""


def through_the_api(database: TestDatabase, found: Schema) -> Schema:
    """The schema out of a dump, and the answer that lists columns and constraints."""
    text = Binaries.find(18).run("pg_dump", "--schema-only", database.admin_dsn)
    keys = (("primary_key", ("id",)), ("unique", ("a",)), ("unique", ("c",)), ("unique", ("e",)))
    tables = [
        ApiTable(
            table.schema,
            table.name,
            tuple(ApiColumn(c.name, c.type, nullable=not c.not_null, generated=False) for c in table.columns),
            tuple(ApiConstraint(kind, "_".join(columns), columns) for kind, columns in keys),
        )
        for table in found.tables
    ]
    return api_schema(found.database, tables, read_dump(text))


@pytest.mark.parametrize(("major", "equal"), [(14, ""), (16, "NULLS NOT DISTINCT"), (18, "NULLS NOT DISTINCT")])
def test_keys_that_a_fake_would_break_are_told_alike(
    major: int, equal: str, make_database_on: Callable[[int], TestDatabase]
) -> None:
    database = make_database_on(major)
    with psycopg.connect(database.dsn) as conn:
        conn.execute(SCRIPT.format(equal=equal).encode())
        found = read_schema(conn)
    told = through_the_api(database, found)
    policy = parse_policy(POLICY.format(database.name), "masking.toml")

    by_dsn, by_api = (draft_policy((schema,), policy).problems for schema in (found, told))

    assert by_api == by_dsn
    named = {problem.partition(": ")[0].rpartition(".")[2] for problem in by_api}
    assert named == {"c", "d", "e", "f"} | ({"a", "g"} if equal else set())
