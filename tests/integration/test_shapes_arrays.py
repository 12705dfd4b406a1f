"""Arrays are masked element by element, on real Postgres."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.errors import PlanError
from sanitizers.schema import read_schema
from sanitizers.select import masked_select, set_key
from tests.integration.shapes_case import KEY, Masked, conn, make_plan, masked, rows_of

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
        ("{{{x}}}", "{{{#}}}"),
        ("{{{x,y},{NULL,z}},{{x,y},{z,w}}}", "{{{#,#},{NULL,#}},{{#,#},{#,#}}}"),
        ("[0:1]={x,y}", "[0:1]={#,#}"),
        ("[1:1][2:3]={{x,y}}", "[1:1][2:3]={{#,#}}"),
        ("[2:2][-1:-1]={{x}}", "[2:2][-1:-1]={{#}}"),
    ],
)
def test_dimensions_and_bounds_are_kept(before: str | None, shape: str | None, conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE TABLE t (id int, words text[])")
    conn.execute("INSERT INTO t VALUES (1, %s)", (before,))

    found = as_text(conn, 'id = "keep"\nwords = "digest"')

    assert [value and re.sub("[0-9a-f]{32}", "#", value) for value in found] == [shape]


def test_elements_stay_in_their_places_in_any_shape(conn: psycopg.Connection[Any]) -> None:
    conn.execute("""CREATE TABLE t (id int, flat text[], words text[]);
    INSERT INTO t SELECT 1, array_agg(w), '[0:1][3:4][1:2]={{{a,b},{c,d}},{{e,f},{g,h}}}'
    FROM unnest('{a,b,c,d,e,f,g,h}'::text[]) AS w""")

    [row] = rows_of(conn, make_plan(conn, 'id = "keep"\nflat = "digest"\nwords = "digest"'))

    assert [word for half in row["words"] for two in half for word in two] == row["flat"]


def test_composite_elements_of_any_text_survive_in_any_shape(conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE TYPE pair AS (a text, b text); CREATE TABLE t (id int, words pair[])")
    conn.execute("INSERT INTO t SELECT 1, array_fill(ROW(%s, NULL)::pair, '{1,2}', '{0,0}')", ('a\\,"{}',))
    conn.execute("INSERT INTO t SELECT 1, array_fill(ROW(NULL, NULL)::pair, '{1,2}', '{0,0}')")
    before = [text for (text,) in conn.execute("SELECT words::text FROM t")]

    found = as_text(
        conn,
        'id = "keep"\nwords = { strategy = "composite", rest = "keep", attributes = { b = "email" } }',
    )

    assert found == before


def as_text(conn: psycopg.Connection[Any], policy: str) -> list[str | None]:
    """The masked arrays as Postgres writes them: with their bounds."""
    [table] = make_plan(conn, policy).tables
    set_key(conn, KEY)
    query = sql.SQL("SELECT words::text FROM ({}) AS m").format(masked_select(table))
    return [text for (text,) in conn.execute(query)]


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
        ("int[]", "email", "it masks each element by itself, and the column is integer, not text"),
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


@pytest.mark.parametrize(
    ("column", "strategy", "problem"),
    [
        ("text[]", "full_name", "the column is unique and these fakes repeat"),
        ("date[]", "date_shift", "the column is unique and these fakes repeat"),
        ("int[]", "digest", "the column is a unique integer: a digest of so few bits repeats"),
        ("varchar(10)[]", "digest", "the column holds 10 characters, 16 are needed"),
    ],
)
def test_an_array_that_must_stay_unique_and_cannot_is_refused_for_that_reason(
    column: str, strategy: str, problem: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute(f"CREATE TABLE t (c {column} UNIQUE)".encode())

    with pytest.raises(PlanError) as refused:
        make_plan(conn, f'c = "{strategy}"')

    assert f"{strategy} does not fit: it masks each element by itself, and {problem}" in str(refused.value)


def test_unique_arrays_of_fakes_that_differ_stay_unique(masked: Masked) -> None:
    rows = masked(
        "CREATE TABLE t (id int, c text[] UNIQUE);"
        "INSERT INTO t SELECT n, ARRAY[(n % 7)::text, (n / 7)::text] FROM generate_series(1, 49) AS n",
        'id = "keep"\nc = "digest"',
    )

    assert len({tuple(row["c"]) for row in rows}) == 49
