"""Collations for which different texts are equal: a permutation keeps such texts apart by their bytes alone."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from sanitizers.digests import set_key
from sanitizers.select import masked_select
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.peers_case import refusal
from tests.integration.stream_case import KEY, plan_of

BLURRED = "CREATE COLLATION blurred (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
PERMUTE = {"public.t.code": "permute"}
REASON = "its collation holds different texts for equal"


@pytest.mark.parametrize(
    "ddl",
    [
        "code text COLLATE blurred UNIQUE",
        "code varchar(6) COLLATE blurred PRIMARY KEY",
        "code text COLLATE blurred, n int, UNIQUE (code, n)",
        "code text COLLATE blurred, n int); CREATE UNIQUE INDEX ON t (code) WHERE (n > 0",
        "code text); CREATE UNIQUE INDEX ON t (code COLLATE blurred",
    ],
)
def test_a_permutation_is_refused_where_its_fakes_may_be_equal_to_the_collation(
    make_database_on: Callable[[int], TestDatabase], ddl: str
) -> None:
    said = refusal(make_database_on(VERSIONS[-1]), f"{BLURRED};\n\nCREATE TABLE t ({ddl})", PERMUTE)

    assert REASON in said


def test_elements_of_unique_arrays_are_refused_alike(make_database_on: Callable[[int], TestDatabase]) -> None:
    ddl = "CREATE TABLE t (code text[] COLLATE blurred UNIQUE)"

    assert "permute does not fit" in refusal(make_database_on(VERSIONS[-1]), f"{BLURRED};\n\n{ddl}", PERMUTE)


def test_rows_of_an_exclusion_constraint_are_kept_apart_by_no_permutation_of_such_texts(
    make_database_on: Callable[[int], TestDatabase],
) -> None:
    ddl = """
    CREATE EXTENSION btree_gist; CREATE TABLE t (code text COLLATE blurred, days daterange,
      EXCLUDE USING gist (code WITH =, days WITH &&))
    """

    said = refusal(make_database_on(VERSIONS[-1]), f"{BLURRED};\n\n{ddl}", PERMUTE)

    assert "the fakes of code repeat: use keep or digest" in said


@pytest.mark.parametrize("major", VERSIONS)
def test_a_digest_keeps_such_texts_apart_and_a_permutation_is_free_where_nothing_is_unique(
    make_database_on: Callable[[int], TestDatabase], major: int
) -> None:
    database = make_database_on(major)
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        conn.execute(BLURRED)
        conn.execute("CREATE TABLE t (code text COLLATE blurred UNIQUE, plain text UNIQUE, free text COLLATE blurred)")
        conn.execute("INSERT INTO t SELECT 'aB' || n, 'aB' || n, 'aB' || n FROM generate_series(1, 3000) AS n")
        set_key(conn, KEY)
        strategies = {"public.t.code": "digest", "public.t.plain": "permute", "public.t.free": "permute"}
        [table] = plan_of(database.dsn, strategies).tables

        count = sql.SQL("SELECT count(DISTINCT code), count(DISTINCT plain) FROM ({}) AS m")
        found = conn.execute(count.format(masked_select(table))).fetchall()

    assert found == [(3000, 3000)]
