"""`encrypt` in real tables: references, keys, partitions, widths, samples, and what the proof says of plaintext."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.errors import FieldError
from sanitizers.fields.cipher import Context, decrypt, encrypt, is_token
from sanitizers.tokens import plaintext_problems
from sanitizers.trial import try_plan
from tests.fix_postgres import TestDatabase
from tests.integration.fields_case import MODES, RING, masked, rows
from tests.integration.stream_case import KEY, connector, make_plan
from tests.integration.value_case import Masker

MakeDatabase = Callable[[], TestDatabase]
SEALED = {"strategy": "encrypt", "deterministic": True}


def opened(token: str, *place: str) -> bytes | str | None:
    return decrypt(token, Context(*place), RING)


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
def test_references_hold_and_equal_values_have_equal_tokens(mode: str, make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE p (k text PRIMARY KEY, n int);
    CREATE TABLE c (id int PRIMARY KEY, k text REFERENCES p);
    CREATE TABLE g (id int PRIMARY KEY, loose varchar(300));
    INSERT INTO p SELECT 'key ' || n, n FROM generate_series(1, 700) AS n;
    INSERT INTO c SELECT n, CASE WHEN n % 7 > 0 THEN 'key ' || n END FROM generate_series(1, 700) AS n;
    INSERT INTO g SELECT n, 'same' FROM generate_series(1, 5) AS n;
    """

    database = masked(
        mode, make_database, script, {"public.p.k": SEALED, "public.c.k": SEALED, "public.g.loose": "encrypt"}
    )

    assert rows(database, "SELECT count(*), count(*) FILTER (WHERE n = id) FROM c JOIN p USING (k)") == [(600, 600)]
    assert rows(database, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated") == [(1,)]
    ((token,),) = rows(database, "SELECT k FROM c WHERE id = 1")
    assert opened(token, "public", "p", "k") == "key 1"
    tokens = [text for (text,) in rows(database, "SELECT loose FROM g")]
    assert len(set(tokens)) == 5
    assert {opened(text, "public", "g", "loose") for text in tokens} == {"same"}


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
def test_partitions_children_and_generated_columns_come_along(mode: str, make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE parts (id int, v text, w int GENERATED ALWAYS AS (length(v)) STORED) PARTITION BY RANGE (id);
    CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10);
    CREATE TABLE high PARTITION OF parts FOR VALUES FROM (10) TO (30);
    CREATE TABLE mother (id int, gone int, v text); ALTER TABLE mother DROP COLUMN gone;
    CREATE TABLE daughter (extra text) INHERITS (mother);
    INSERT INTO parts SELECT n, 'value ' || n FROM generate_series(0, 29) AS n;
    INSERT INTO mother VALUES (1, 'mine'); INSERT INTO daughter VALUES (2, 'hers', 'x');
    """
    strategies = dict.fromkeys(("public.parts.v", "public.mother.v", "public.daughter.v"), "encrypt")

    database = masked(mode, make_database, script, strategies)

    found = rows(database, "SELECT id, v, w, tableoid::regclass::text FROM parts ORDER BY id")
    assert [(f"value {n}", len(v)) for n, v, *_ in found] == [
        (opened(v, "public", "parts", "v"), w) for _, v, w, _ in found
    ]
    assert [name for *_, name in found] == ["low"] * 10 + ["high"] * 20
    assert opened(rows(database, "SELECT v FROM ONLY mother")[0][0], "public", "mother", "v") == "mine"
    assert opened(rows(database, "SELECT v FROM daughter")[0][0], "public", "daughter", "v") == "hers"


@pytest.mark.postgres
@pytest.mark.parametrize(("size", "fits"), [(31, True), (32, False)])
def test_a_column_is_refused_where_the_longest_token_has_no_room(database: TestDatabase, size: int, fits: bool) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(
            "CREATE TABLE t (v varchar(90)); INSERT INTO t VALUES ('a'), (repeat('é', 15) || 'x'), (NULL)".encode()
        )
        conn.execute("INSERT INTO t VALUES (repeat('x', %s))", (size,))
    plan = make_plan(database, {"public.t.v": SEALED})

    with psycopg.connect(database.dsn, autocommit=True) as conn:
        found = try_plan(conn, plan, KEY)

    sentence = (
        f"{database.name}.public.t: v: encrypt does not fit: the longest value has 32 bytes, so that its token has 112"
        " characters, and the column holds 90: make it text."
    )
    assert found == (() if fits else (sentence,))


@pytest.mark.postgres
def test_a_check_that_tokens_break_is_found_before_a_row_moves(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE t (v text CONSTRAINT mail CHECK (v ~ '@')); INSERT INTO t VALUES ('a@b.c')")
    plan = make_plan(database, {"public.t.v": "encrypt"})

    with psycopg.connect(database.dsn, autocommit=True) as conn:
        (problem,) = try_plan(conn, plan, KEY)

    assert "check mail would be broken by v (encrypt) in 1 of 1 rows" in problem


@pytest.mark.postgres
def test_without_a_field_key_nothing_is_touched(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'secret')")
    plan = make_plan(database, {"public.t.v": "encrypt"})

    with pytest.raises(FieldError, match="there is no field key"):
        rewrite_database(RewriteRun(connector(database), plan, KEY), lambda _: None)

    assert rows(database, "SELECT v FROM t") == [("secret",)]


@pytest.mark.postgres
def test_plaintext_where_the_policy_says_encrypt_is_counted_by_column(make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE t (id int PRIMARY KEY, a text, b jsonb, c bytea, d text[], e varchar(200), f json[]);
    INSERT INTO t SELECT n, 'a', '{"a": 1}', 'c', '{d,e}', 'e', ARRAY['1'::json] FROM generate_series(1, 3) AS n;
    INSERT INTO t VALUES (4);
    """
    database = masked("in-place", make_database, script, {f"public.t.{name}": "encrypt" for name in "abcdef"})
    plan = make_plan(database, {f"public.t.{name}": "encrypt" for name in "abcdef"})

    def problems() -> list[str]:
        with psycopg.connect(database.dsn) as conn:
            return list(plaintext_problems(conn, plan))

    assert problems() == []
    with psycopg.connect(database.dsn) as conn:
        conn.execute(
            "UPDATE t SET a = '', b = '\"x\"', c = '\\x00ff', d = d || d, e = left(e, -1), f = '{}' WHERE id <= 1"
        )
        conn.execute("UPDATE t SET b = '{}' WHERE id = 2")
    counts = {"a": 1, "b": 2, "c": 1, "d": 1, "e": 1, "f": 1}
    assert problems() == [
        f"{database.name}.public.t.{name} holds {'1 value that is' if n == 1 else f'{n} values that are'} no token, and"
        " the policy says encrypt"
        for name, n in counts.items()
    ]


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
def test_more_rows_than_are_taken_at_once_arrive_each_once(mode: str, make_database: MakeDatabase) -> None:
    script = "CREATE TABLE t (id int PRIMARY KEY, v text, w text);"
    script += "INSERT INTO t SELECT n, repeat('x', n % 300), E'\\\\N\\t' || n FROM generate_series(1, 3001) AS n"

    database = masked(mode, make_database, script, {"public.t.v": "encrypt"})

    found = rows(database, "SELECT id, v, w FROM t ORDER BY id")
    assert [n for n, *_ in found] == list(range(1, 3002))
    assert all(is_token(v) for _, v, _ in found)
    assert [w for *_, w in found] == [f"\\N\t{n}" for n in range(1, 3002)]


@pytest.mark.postgres
@pytest.mark.parametrize("deterministic", [True, False])
def test_what_stands_in_for_a_token_is_as_long_and_is_none(database: TestDatabase, deterministic: bool) -> None:
    values = ["é" * n for n in range(0, 80, 3)]
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        stand_ins = Masker(conn)("text", "encrypt", values, deterministic=deterministic)

    tokens = [encrypt(value, Context("s", "t", "c"), RING, deterministic=deterministic) for value in values]
    assert list(map(len, stand_ins)) == list(map(len, tokens))
    assert not any(map(is_token, stand_ins))
