"""Fakes of one row's columns say nothing about one another, although one digest draws them all."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.schema import Column
from sanitizers.strategies import KINDS, Inputs, MaskingStrategy
from tests.fix_postgres import TestDatabase
from tests.integration.select_case import Masked, masked

__all__ = ["masked"]

TEXT, DAY, ADDRESS = Column("v", "text", max_length=None), Column("v", "date"), Column("v", "inet")
PERSONS: dict[str, tuple[MaskingStrategy, Column, str]] = {
    **{
        kind: (KINDS[kind].model_validate({}), TEXT, "x")
        for kind in ("first_name", "last_name", "street", "city", "postcode", "company", "job", "user_agent")
    },
    "phone": (KINDS["phone"].model_validate({"digits": 16}), TEXT, "x"),
    "date_shift": (KINDS["date_shift"].model_validate({"days": 365}), DAY, "2000-01-01"),
}
"""What a row says of its person, each drawn by bits of its own."""
FRONT = (KINDS["national_id"].model_validate({"country": "in"}), TEXT, "x")
MACHINE = (KINDS["ip"].model_validate({}), ADDRESS, "fe80::1")

# 256 digests, each with another bit turned.
TURNED = """
SELECT i, {fake}::text <> {usual}::text FROM (SELECT i, {value}::{type} AS v, d, set_bit(d, i, 1 - get_bit(d, i)) AS t
FROM (SELECT sha256('\\x00') AS d) AS q CROSS JOIN generate_series(0, 255) AS i OFFSET 0) AS s ORDER BY i
"""


def bits(conn: psycopg.Connection[Any], strategy: MaskingStrategy, column: Column, value: str) -> set[int]:
    """The bits of a digest that the fake depends on."""

    def fake(digest: str) -> sql.Composable:
        reference = sql.Identifier("s", digest)
        return sql.SQL("({})").format(
            strategy.expression(column, Inputs(sql.Identifier("s", "v"), reference, reference))
        )

    query = sql.SQL(TURNED).format(fake=fake("t"), usual=fake("d"), value=sql.Literal(value), type=sql.SQL(column.type))
    return {bit for bit, changes in conn.execute(query).fetchall() if changes}


def test_no_bit_of_a_digest_decides_two_columns_of_a_person(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        used = {kind: bits(conn, *case) for kind, case in PERSONS.items()}

    assert all(used.values())
    assert {(a, b) for a, b in combinations(used, 2) if used[a] & used[b]} == set()


def test_neither_national_numbers_nor_addresses_of_machines_tell_of_the_rest(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        front, machine = bits(conn, *FRONT), bits(conn, *MACHINE)
        names = {kind: bits(conn, *PERSONS[kind]) for kind in PERSONS}

    assert len(front) == 12
    assert {kind for kind, used in names.items() if used & front} == set()
    assert {kind for kind, used in names.items() if used & machine} == {"phone"}  # of which it writes a remainder


@pytest.mark.parametrize(("first", "second"), [("company", "job"), ("job", "company")])
def test_people_of_one_company_do_different_things(masked: Masked, first: str, second: str) -> None:
    ddl = """
    CREATE TABLE people (email text PRIMARY KEY, company text NOT NULL, job text NOT NULL);
    INSERT INTO people SELECT 'p' || n || '@x.test', n::text, n::text FROM generate_series(1, 2000) AS n;
    """
    drawn = '{ strategy = "%s", by = "person" }'
    policy = f'[public.people]\nemail = "email"\ncompany = {drawn % "company"}\njob = {drawn % "job"}'

    people: dict[str, list[str]] = {}
    for row in masked(ddl, policy)["people"]:
        people.setdefault(row[first], []).append(row[second])

    several = [group for group in people.values() if len(group) > 1]
    assert len(several) > 50
    assert sum(len(set(group)) > 1 for group in several) > 0.9 * len(several)
