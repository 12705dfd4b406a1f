"""What masking a row costs, and what a plan sees of a schema: see docs/explanation/what-others-met.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.schema import Schema, read_schema
from sanitizers.select import masked_select, set_key
from tests.fix_postgres import TestDatabase
from tests.integration.peers_case import execute
from tests.integration.stream_case import KEY, plan_of

PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, first text, last text, mail text NOT NULL UNIQUE, phone text, street text,
  born date, city text);
INSERT INTO people SELECT n, 'a', 'b', 'person' || n || '@mail.invalid', '1', 'c', '1970-01-01', 'd'
FROM generate_series(1, 2000) n;
ANALYZE people;
"""
PERSON = {
    "public.people.first": "first_name",
    "public.people.last": "last_name",
    "public.people.mail": "email",
    "public.people.phone": "phone",
    "public.people.street": "street",
    "public.people.born": "date_shift",
}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def test_six_columns_of_a_person_cost_one_fast_digest_and_no_look_up(database: TestDatabase) -> None:
    execute(database, PEOPLE)
    statement = masked_select(plan_of(database.dsn, PERSON).tables[0])

    with psycopg.connect(database.dsn) as conn:
        set_key(conn, KEY)
        row = conn.execute(sql.SQL("EXPLAIN (VERBOSE, FORMAT JSON) {}").format(statement)).fetchone()
    assert row

    found = list(nodes(row[0][0]["Plan"]))
    scans = [node for node in found if node.get("Relation Name")]
    per_row = [out for node in scans for out in node["Output"] if "sha256" in out]
    assert [node["Node Type"] for node in scans] == ["Seq Scan"]
    assert len(per_row) == 1
    assert "crypt" not in json.dumps(found)


KEYS = """
CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE, team int, UNIQUE (team, id), CHECK (team > 0),
  EXCLUDE USING btree (team WITH =) WHERE (team > 100));
CREATE UNIQUE INDEX ON people (lower(mail));
CREATE TABLE logins (mail text REFERENCES people (mail), team int, id int,
  FOREIGN KEY (team, id) REFERENCES people (team, id));
"""


@pytest.fixture
def reader(database: TestDatabase) -> Iterator[str]:
    """A role that may read the tables and owns nothing."""
    name = f"reader_{database.name}"
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE pg_read_all_data").format(sql.Identifier(name)))
    yield name
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_who_owns_nothing_sees_the_same_constraints(database: TestDatabase, reader: str) -> None:
    execute(database, KEYS)

    def seen(role: str | None) -> Schema:
        with psycopg.connect(database.admin_dsn) as conn:
            conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)) if role else "SELECT")
            return read_schema(conn)

    schema = seen(reader)

    assert schema.tables == seen(None).tables
    logins, people = schema.tables
    assert [key.targets for key in logins.foreign_keys] == [("mail",), ("team", "id")]
    assert {("id",), ("id", "team"), ("mail",)} <= {tuple(sorted(key)) for key in people.unique_keys}
