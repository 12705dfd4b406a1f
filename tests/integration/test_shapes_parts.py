"""Composite types by attribute and hstore by key, and what has no strategy of its own, on real Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.errors import PlanError
from sanitizers.select import masked_select
from tests.fix_postgres import TestDatabase
from tests.integration.shapes_case import Masked, conn, make_plan, masked, rows_of

__all__ = ["conn", "masked"]

TYPES = """
CREATE TYPE address AS (street text, "Zip Code" varchar(5), lines text[], since date);
CREATE DOMAIN home AS address;
CREATE TABLE t (id int, at address, many address[], home home, street text);
INSERT INTO t VALUES
  (1, ROW('1 Elm', '12345', '{a,b}', '2000-01-01'), ARRAY[ROW('1 Elm', '1', NULL, NULL)::address, NULL],
   ROW('1 Elm', NULL, NULL, NULL), '1 Elm'),
  (2, NULL, '{}', NULL, NULL),
  (3, ROW(NULL, NULL, NULL, NULL), NULL, NULL, NULL);
"""
BY = '{ strategy = "composite", attributes = { street = "street", lines = "digest" } }'


def test_attributes_are_masked_as_columns_are_and_others_are_nulled(
    masked: Masked, conn: psycopg.Connection[Any]
) -> None:
    rows = masked(
        TYPES, f'id = "keep"\nat = {BY}\nmany = {BY}\nhome = {BY}\nstreet = {{ strategy = "street", by = "value" }}'
    )

    fake = rows[0]["street"]
    parts = conn.execute(
        'SELECT (x::address).street, (x::address).lines, (x::address)."Zip Code" FROM (VALUES (%s), (%s)) AS v (x)',
        (rows[0]["at"], rows[0]["home"]),
    ).fetchall()
    assert parts[0][0] == parts[1][0] == fake != "1 Elm"
    assert [len(line) for line in parts[0][1]] == [32, 32]
    assert parts[0][2] is None
    assert rows[0]["many"] == '{"(\\"' + fake + '\\",,,)",NULL}'
    assert (rows[1]["at"], rows[1]["many"], rows[2]["many"]) == (None, "{}", None)
    assert rows[2]["at"] == "(,,,)"


def test_the_rest_of_a_composite_can_be_kept(masked: Masked) -> None:
    rows = masked(
        TYPES,
        'id = "keep"\nmany = "null"\nhome = "null"\nstreet = "null"\n'
        'at = { strategy = "composite", rest = "keep", attributes."Zip Code" = { strategy = "constant", value = 0 } }',
    )

    assert rows[0]["at"] == '("1 Elm",0,"{a,b}",2000-01-01)'


@pytest.mark.parametrize(
    ("strategy", "problem"),
    [
        ('{ strategy = "composite", attributes = { nobody = "street" } }', "has no attribute nobody"),
        ('{ strategy = "composite", attributes = { since = "street" } }', "since: street does not fit"),
        ('"street"', "street does not fit"),
    ],
)
def test_attributes_that_do_not_fit_are_refused(strategy: str, problem: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(TYPES)

    with pytest.raises(PlanError, match=problem):
        make_plan(conn, f'id = "keep"\nmany = "null"\nhome = "null"\nstreet = "null"\nat = {strategy}')


@pytest.fixture
def contrib(make_database_on: Callable[[int], TestDatabase]) -> Iterator[psycopg.Connection[Any]]:
    """A database with hstore in a schema that is not on the search path."""
    database = make_database_on(17)
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute('CREATE SCHEMA "Odd Schema"')
        admin.execute('CREATE EXTENSION hstore SCHEMA "Odd Schema"')
        admin.execute('GRANT USAGE ON SCHEMA "Odd Schema" TO PUBLIC')
    with psycopg.connect(database.dsn, autocommit=True) as opened:
        yield opened


HSTORE = """
CREATE TABLE t (id int, h "Odd Schema".hstore NOT NULL, mail text);
INSERT INTO t VALUES
  (1, 'mail=>ada@corp.test, note=>"se\\"cr\\\\et", day=>2000-01-01, gone=>NULL, x=>soon', 'ada@corp.test'),
  (2, '', NULL);
"""


@pytest.mark.parametrize(
    ("rest", "others"),
    [
        ("", {}),
        (', rest = "keep"', {"note": 'se"cr\\et', "gone": None}),
        (', rest = { strategy = "constant", value = "R" }', {"note": "R", "gone": None}),
    ],
)
def test_hstore_is_masked_by_key(rest: str, others: dict[str, Any], contrib: psycopg.Connection[Any]) -> None:
    contrib.execute(HSTORE)
    shift = '{ strategy = "date_shift", days = 5 }'
    by = f'{{ strategy = "hstore", keys = {{ mail = "email", day = {shift}, x = {shift} }}{rest} }}'

    rows = rows_of(contrib, make_plan(contrib, f'id = "keep"\nmail = "email"\nh = {by}'))

    found = contrib.execute('SELECT "Odd Schema".hstore_to_json(%s::"Odd Schema".hstore)', (rows[0]["h"],)).fetchone()
    assert found
    pairs = found[0]
    assert pairs.pop("mail") == rows[0]["mail"]
    assert pairs.pop("day")[:3] in {"200", "199"}
    assert pairs.pop("x") is None
    assert pairs == others
    assert rows[1]["h"] == ""


def test_an_hstore_strategy_that_masks_no_text_is_refused(contrib: psycopg.Connection[Any]) -> None:
    contrib.execute(HSTORE)

    with pytest.raises(PlanError, match="h: hstore does not fit: a: it does not mask text"):
        make_plan(
            contrib,
            'id = "keep"\nmail = "keep"\nh = { strategy = "hstore", keys.a = { strategy = "noise", percent = 5 } }',
        )


def test_documents_of_xml_and_words_can_be_emptied(make_database_on: Callable[[int], TestDatabase]) -> None:
    database = make_database_on(17)
    with psycopg.connect(database.dsn, autocommit=True) as opened:
        opened.execute("CREATE TABLE t (id int, x xml NOT NULL, w tsvector, b bytea)")
        opened.execute("INSERT INTO t VALUES (1, '<a>secret</a>', 'secret', 'secret')")

        rows = rows_of(
            opened,
            make_plan(opened, 'id = "keep"\nx = { strategy = "constant", value = "<a/>" }\nw = "null"\nb = "null"'),
        )

    assert rows == [{"id": 1, "x": "<a/>", "w": None, "b": None}]


LABELLED = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TYPE state AS (who text, mood mood);
CREATE TYPE visit AS (state state, n int);
CREATE TABLE t (id int, c state, cs state[], v visit);
INSERT INTO t VALUES (1, ('Zq', 'glad'), ARRAY[('Zq', 'glad')::state, NULL], (('Zq', 'glad'), 7));
"""
MOOD = (
    '{{ strategy = "composite", rest = "keep", attributes = {{ mood = {{ strategy = "constant", value = "{}" }} }} }}'
)
INSIDE = '{{ strategy = "composite", rest = "keep", attributes = {{ state = {} }} }}'


def moods(label: str) -> str:
    mood = MOOD.format(label)
    return f'id = "keep"\nc = {mood}\ncs = {mood}\nv = {INSIDE.format(mood)}'


def test_labels_of_enums_inside_composite_values_are_replaced_by_labels(conn: psycopg.Connection[Any]) -> None:
    conn.execute(LABELLED.encode())
    conn.execute(sql.SQL("CREATE TABLE after AS {}").format(masked_select(make_plan(conn, moods("sad")).tables[0])))

    found = conn.execute("SELECT c::text, cs::text, v::text FROM after").fetchone()

    assert found == ("(Zq,sad)", '{"(Zq,sad)",NULL}', '("(Zq,sad)",7)')


def test_what_is_no_label_is_refused_inside_a_composite_value_as_well(conn: psycopg.Connection[Any]) -> None:
    conn.execute(LABELLED.encode())

    with pytest.raises(PlanError) as refused:
        make_plan(conn, moods("angry"))

    reason = "mood: constant does not fit: the value is no label of public.mood"
    assert [problem.partition(": ")[2] for problem in refused.value.problems] == [
        f"composite does not fit: {reason}.",
        f"composite does not fit: it masks each element by itself, and {reason}.",
        f"composite does not fit: state: composite does not fit: {reason}.",
    ]
