"""Arrays are masked element by element, on real Postgres."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from sanitizers.errors import PlanError
from sanitizers.schema import read_schema
from tests.integration.shapes_case import Masked, conn, make_plan, masked

__all__ = ["conn", "masked"]

HOSTILE = ["a\\b", 'quo"te', "{curly, comma}", "NULL", "", " blank ", "日本", "it's", "\t"]


def test_an_element_gets_the_fake_of_the_same_value_in_a_column(masked: Masked) -> None:
    rows = masked(
        """CREATE TABLE t (id int PRIMARY KEY, mail text, mails text[], town varchar(7), towns varchar(7)[],
          ns bigint[]);
        INSERT INTO t VALUES (1, 'A@Corp.test', '{b@corp.test,A@Corp.test,NULL}', 'Ulm', '{Ulm,Bonn}', '{4930123}')""",
        'id = "keep"\nmail = "email"\nmails = "email"\ntown = "city"\ntowns = "city"\nns = "phone"',
    )

    [row] = rows
    assert row["mails"][1:] == [row["mail"], None]
    assert row["mails"][0] not in {row["mail"], "b@corp.test"}
    assert row["towns"][0] == row["town"] != "Ulm"
    assert max(map(len, row["towns"])) <= 7
    assert str(row["ns"][0]).startswith("999")


def test_every_element_of_hostile_text_is_another_one(masked: Masked, conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE TABLE t (id int, words text[])")
    conn.execute("INSERT INTO t VALUES (1, %s)", (HOSTILE,))

    [row] = masked("", 'id = "keep"\nwords = "digest"')

    assert len(set(row["words"])) == len(HOSTILE)
    assert not set(row["words"]) & set(HOSTILE)


@pytest.mark.parametrize(
    ("before", "shape"),
    [
        (None, None),
        ("{}", "{}"),
        ("{NULL}", "{NULL}"),
        ("{NULL,x}", "{NULL,#}"),
        ("{{x,y,z},{NULL,w,x}}", "{{#,#,#},{NULL,#,#}}"),
        ("{{x}}", "{{#}}"),
        ("{{{x}}}", "{}"),
        ("[0:1]={x,y}", "{}"),
        ("[1:1][2:3]={{x,y}}", "{}"),
        ("[2:2][1:1]={{x}}", "{}"),
    ],
)
def test_shapes_are_kept_and_what_cannot_be_built_again_is_emptied(
    before: str | None, shape: str | None, masked: Masked, conn: psycopg.Connection[Any]
) -> None:
    conn.execute("CREATE TABLE t (id int, words text[])")
    conn.execute("INSERT INTO t VALUES (1, %s)", (before,))

    [row] = masked("", 'id = "keep"\nwords = "digest"')

    found = conn.execute("SELECT regexp_replace(%s::text[]::text, '[0-9a-f]{32}', '#', 'g')", (row["words"],))
    assert found.fetchone() == (shape,)


def test_arrays_of_domains_enums_documents_and_dates_are_masked_too(masked: Masked) -> None:
    rows = masked(
        """CREATE DOMAIN address AS varchar(40) CHECK (VALUE LIKE '%@%');
        CREATE DOMAIN addresses AS address[];
        CREATE TABLE t (id int, a address[], b addresses, days date[] NOT NULL, docs jsonb[], moods text[]);
        INSERT INTO t VALUES (1, '{a@x.test}', '{a@x.test}', '{2000-01-01,NULL}', ARRAY['{"id": 1, "s": 2}'::jsonb],
          '{glad}')""",
        'id = "keep"\na = "email"\nb = "email"\ndays = "date_shift"\n'
        'docs = { strategy = "json_only", members = ["id"] }\nmoods = { strategy = "constant", value = "{x}" }',
    )

    [row] = rows
    assert row["a"] == row["b"] != ["a@x.test"]
    assert row["days"][0].year in {1999, 2000}
    assert row["days"][1] is None
    assert row["docs"] == [{"id": 1}]
    assert row["moods"] == ["x"]


def test_values_that_stay_are_kept_element_by_element(masked: Masked) -> None:
    [row] = masked(
        "CREATE TABLE t (id int, mails text[]); INSERT INTO t VALUES (1, '{ada@corp.test,eve@home.test}')",
        'id = "keep"\nmails = { strategy = "email", keep_values = ["*@corp.test"] }',
    )

    assert row["mails"][0] == "ada@corp.test"
    assert row["mails"][1] != "eve@home.test"


def test_an_array_is_nobody_of_whom_the_rows_names_could_be(masked: Masked) -> None:
    rows = masked(
        """CREATE TABLE t (id int, name text, mails text[]);
        INSERT INTO t VALUES (1, 'Ada', '{a@b.test}'), (2, 'Ada', '{}')""",
        'id = "keep"\nname = "first_name"\nmails = "email"',
    )

    assert rows[0]["name"] == rows[1]["name"] != "Ada"


@pytest.mark.parametrize(
    ("column", "strategy", "problem"),
    [
        ("int[]", "email", "email does not fit: the column is integer[], not text"),
        ("text[] NOT NULL", "null", "null does not fit: the column is NOT NULL"),
        ("text[] UNIQUE", "city", "city does not fit"),
        ("text[] GENERATED ALWAYS AS ('{x}'::text[]) STORED", "city", "city does not fit: the column is generated"),
    ],
)
def test_what_does_not_fit_the_elements_is_refused(
    column: str, strategy: str, problem: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute(f"CREATE TABLE t (id int, c {column})")

    with pytest.raises(PlanError, match=problem.replace("[", r"\[").replace("]", r"\]")):
        make_plan(conn, f'id = "keep"\nc = "{strategy}"')


def test_the_catalog_says_what_types_are_made_of(conn: psycopg.Connection[Any]) -> None:
    conn.execute("""
        CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN "My Text" AS varchar(9) NOT NULL;
        CREATE TYPE pair AS (a "My Text"[], b numeric(5, 2)); CREATE TYPE span AS RANGE (SUBTYPE = "My Text");
        CREATE TABLE t (moods mood[], pairs pair[], one span, many tsmultirange, short char(3)[]);
    """)

    [table] = read_schema(conn).tables
    moods, pairs, one, many, short = table.columns

    assert moods.element
    assert moods.element.labels == ("sad", "glad")
    assert pairs.element
    assert [a.type for a in pairs.element.attributes] == ['public."My Text"[]', "numeric(5,2)"]
    inner = pairs.element.attributes[0].element
    assert inner
    assert (inner.max_length, inner.category, inner.not_null) == (9, "text", True)
    assert one.subtype
    assert (one.kind, one.subtype.type) == ("r", 'public."My Text"')
    assert many.subtype
    assert (many.kind, many.subtype.category) == ("m", "timestamp")
    assert short.element
    assert (short.element.max_length, short.element.type) == (3, "character(3)")
