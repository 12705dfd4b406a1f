"""People's SQL, derived columns and shuffled ones, on real Postgres."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg
import pytest

from sanitizers.errors import PlanError, PolicyError
from sanitizers.select import Slice, masked_select
from tests.integration.shapes_case import Masked, conn, make_plan, masked, rows_of

__all__ = ["conn", "masked"]

PEOPLE = """
CREATE TABLE t (id int PRIMARY KEY, email text, postcode varchar(9), title text NOT NULL, words tsvector, "value" int,
  size numeric(4, 1), up text GENERATED ALWAYS AS (upper(title)) STORED);
INSERT INTO t SELECT i, 'u' || i || '@corp.test', 'AB' || i, 'secret' || i, to_tsvector('english', 'secret' || i), i,
  i % 7 FROM generate_series(1, 200) AS i;
"""
KEPT = 'id = "keep"\nemail = "keep"\npostcode = "keep"\ntitle = "keep"\nwords = "keep"\nvalue = "keep"\nsize = "keep"\n'


def policy(**columns: str) -> str:
    lines = [line for line in KEPT.splitlines() if line.split(" = ")[0] not in columns]
    return "\n".join([*lines, *(f"{name} = {text}" for name, text in columns.items())])


def sql(expression: str, more: str = "") -> str:
    return f'{{ strategy = "sql", expression = """{expression}"""{more} }}'


def test_an_expression_sees_the_originals_and_the_columns_own_value(masked: Masked) -> None:
    rows = masked(
        PEOPLE,
        policy(
            postcode=sql("left(postcode, 2) || '00'"),
            title=sql("split_part(email, '@', 2) || '/' || value"),
            value=sql("value + id"),
            email='"email"',
        ),
    )

    assert {row["postcode"] for row in rows} == {"AB00"}
    assert rows[4]["title"] == "corp.test/secret5"
    assert rows[4]["value"] == 10


def test_null_is_the_expressions_own_affair_and_kept_rows_stay(masked: Masked) -> None:
    rows = masked(
        "CREATE TABLE t (id int, a text, b text); INSERT INTO t VALUES (1, NULL, NULL), (2, 'x', 'x')",
        f"id = 'keep'\na = {sql('upper(a)')}\nb = " + sql("coalesce(value, 'none') || '!'", ', keep_if = "id = 2"'),
    )

    assert rows == [{"id": 1, "a": None, "b": "none!"}, {"id": 2, "a": "X", "b": "x"}]


def test_a_declared_function_may_be_called(masked: Masked) -> None:
    [row] = masked(
        """CREATE FUNCTION "My Mask"(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'f' || length($1) $$;
        CREATE TABLE t (a text); INSERT INTO t VALUES ('abc')""",
        "a = " + sql('public."My Mask"(a)', ', functions = ["public.My Mask"]'),
    )

    assert row == {"a": "f3"}


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("(SELECT rolpassword FROM pg_authid LIMIT 1)", "sql: SELECT cannot stand"),
        ("nobody", "sql: there is no column nobody"),
        ("pg_sleep(1)::text", r"sql: pg_sleep\(\) is not one of"),
        ("email; DROP TABLE t", "sql: ';' cannot stand"),
        ("public.f(email)", "sql: public.f cannot stand"),
    ],
)
def test_what_is_no_harmless_expression_is_refused(
    expression: str, problem: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute(PEOPLE)

    with pytest.raises(PlanError, match=problem):
        make_plan(conn, policy(title=sql(expression)))
    with pytest.raises(PlanError, match=problem.replace("sql", "derived", 1)):
        make_plan(conn, policy(title=sql(expression).replace('"sql"', '"derived"')))


def test_derived_columns_are_computed_from_the_masked_row(masked: Masked, conn: psycopg.Connection[Any]) -> None:
    conn.execute(PEOPLE)

    rows = masked(
        "",
        policy(
            title='{ strategy = "city", keep_if = "id = 3" }',
            words="""{ strategy = "derived", expression = "to_tsvector('english', title)" }""",
            postcode="""{ strategy = "derived", expression = "left(title, 3)" }""",
        ),
    )

    assert all(row["postcode"] == row["title"][:3] for row in rows)
    assert "secret" not in "".join(row["words"] for row in rows if row["id"] != 3)
    assert rows[2]["words"] == "'secret3':1"
    for row in rows:
        assert conn.execute("SELECT to_tsvector('english', %s)::text", (row["title"],)).fetchone() == (row["words"],)


@pytest.mark.parametrize("name", ["words", "up", "other"])
def test_a_derived_column_reads_neither_itself_nor_what_is_computed(name: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(PEOPLE)
    text = f'{{ strategy = "derived", expression = "lower({name}::text)::tsvector" }}'

    with pytest.raises(PlanError, match=f"derived: there is no column {name}"):
        make_plan(conn, policy(words=text))


def test_shuffled_values_are_all_there_in_another_order_which_the_key_decides(conn: psycopg.Connection[Any]) -> None:
    conn.execute(PEOPLE)
    conn.execute("UPDATE t SET postcode = NULL WHERE id <= 20")
    before = conn.execute("SELECT id, size, postcode, email FROM t ORDER BY id").fetchall()
    plan = make_plan(
        conn,
        policy(
            size='"shuffle"',
            postcode='{ strategy = "shuffle", with = ["email"] }',
            email='{ strategy = "shuffle", with = ["postcode"] }',
        ),
    )

    rows = rows_of(conn, plan)
    conn.execute("UPDATE t SET id = id + 0 WHERE id % 3 = 0")  # other places on disk

    assert rows == rows_of(conn, plan)
    assert Counter(row["size"] for row in rows) == Counter(size for _, size, _, _ in before)
    assert Counter((r["postcode"], r["email"]) for r in rows) == Counter((p, e) for _, _, p, e in before)
    stayed = [r["id"] for r, (_, _, p, e) in zip(rows, before, strict=True) if (r["postcode"], r["email"]) == (p, e)]
    assert len(stayed) < 10
    assert [r["size"] for r in rows] != [r["size"] for r in sorted(rows, key=lambda r: r["email"])]


def test_a_shuffle_takes_part_in_nothing_that_names_columns(conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE TABLE t (a text, t text, c text); INSERT INTO t SELECT i, i, i FROM generate_series(1, 9) i")

    rows = rows_of(conn, make_plan(conn, 'a = "shuffle"\nt = "shuffle"\nc = ' + sql("a || '/' || t")))

    assert {row["c"] for row in rows} == {f"{i}/{i}" for i in range(1, 10)}
    assert {row["a"] for row in rows} == {row["t"] for row in rows} == {str(i) for i in range(1, 10)}


def test_a_table_with_a_shuffle_is_masked_as_a_whole(conn: psycopg.Connection[Any]) -> None:
    conn.execute(PEOPLE)
    plan = make_plan(conn, policy(size='"shuffle"'))

    assert not plan.tables[0].divisible
    with pytest.raises(ValueError, match="part by part"):
        masked_select(plan.tables[0], Slice(blocks=(0, 1)))


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"size": '{ strategy = "shuffle", with = ["email"] }'}, "with names email, which is not shuffled together"),
        ({"size": '{ strategy = "shuffle", with = ["nobody"] }'}, "with names nobody"),
    ],
)
def test_columns_that_do_not_move_together_are_refused(
    columns: dict[str, str], problem: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute(PEOPLE)

    with pytest.raises(PlanError, match=problem):
        make_plan(conn, policy(**columns))


def test_columns_that_are_referred_to_are_not_torn_from_their_references(conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE TABLE p (m text PRIMARY KEY); CREATE TABLE t (m text REFERENCES p, o text)")
    torn = {"shuffle": '"shuffle"', "derived": '{ strategy = "derived", expression = "o" }', "sql": sql("value || o")}

    for kind, strategy in torn.items():
        with pytest.raises(PlanError, match=f"{kind}.* tear it from"):
            make_plan(conn, f'[db.public.p]\nm = "keep"\n[db.public.t]\no = "keep"\nm = {strategy}')


@pytest.mark.parametrize("kind", ["shuffle", "derived"])
def test_what_stays_cannot_be_asked_of_shuffled_and_derived_columns(kind: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(PEOPLE)
    expression = ', expression = "id"' if kind == "derived" else ""

    with pytest.raises(PolicyError, match="size"):
        make_plan(conn, policy(size=f'{{ strategy = "{kind}", keep_if = "id = 1"{expression} }}'))


@pytest.mark.parametrize(
    ("ddl", "strategy", "problem"),
    [
        ("CREATE TYPE mood AS ENUM ('glad'); CREATE TABLE t (c mood)", 'constant", value = "sad', "no label of"),
        ("CREATE TABLE t (c text) PARTITION BY LIST (c)", "city", "may have none to go to"),
        ("CREATE TABLE t (c date) PARTITION BY RANGE (c)", "date_shift", "may have none to go to"),
        ("CREATE TABLE t (c int GENERATED ALWAYS AS IDENTITY)", "digest", "identity"),
        ("CREATE TABLE t (c int PRIMARY KEY)", "null", "NOT NULL"),
    ],
)
def test_what_the_schema_forbids_is_refused(
    ddl: str, strategy: str, problem: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute(ddl)

    with pytest.raises(PlanError, match=problem):
        make_plan(conn, f'c = {{ strategy = "{strategy}" }}')


def test_with_a_default_partition_every_fake_has_a_place(conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE TABLE t (c text) PARTITION BY LIST (c); CREATE TABLE d PARTITION OF t DEFAULT")
    conn.execute("CREATE TABLE one PARTITION OF t FOR VALUES IN ('a') PARTITION BY HASH (c)")

    assert make_plan(conn, 'c = "city"')
