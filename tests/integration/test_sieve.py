"""A sieve lets every hash through that it was made of, and few others; and the search finds as much with it."""

from __future__ import annotations

import psycopg
from psycopg import sql

from sanitizers.proof.sieve import LEAST, MOST, bits_for, make_sieve, with_parameters
from tests.fix_postgres import TestDatabase

_ALL = "SELECT hashtextextended(n::text, 7) FROM generate_series({}, {}) AS n"
EDGES = (0, 1, -1, 63, 64, -(2**63), 2**63 - 1)


def test_every_hash_it_was_made_of_gets_through_and_few_others(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TEMP TABLE known (hash bigint); CREATE TEMP TABLE passed (hash bigint)")
        conn.execute("INSERT INTO known SELECT unnest(%s::bigint[])", (list(EDGES),))
        conn.execute("INSERT INTO known " + _ALL.format(1, 5000))
        sieve = make_sieve(conn, sql.SQL("known"))
        strangers = sql.SQL("SELECT hashtextextended(n::text, 7) AS hash FROM generate_series(5001, 15000) AS n")
        for rows in (sql.SQL("SELECT hash FROM known"), strangers):
            lets = sieve.lets(sql.SQL("h.hash"))
            sieve.bring(conn, sql.SQL("SELECT h.hash FROM ({}) AS h WHERE {}").format(rows, lets), "passed")

        both = conn.execute("SELECT count(*) FROM passed WHERE hash IN (SELECT hash FROM known)").fetchone()
        all_ = conn.execute("SELECT count(*) FROM passed").fetchone()

    assert both == (5000 + len(EDGES),)
    assert all_ is not None
    assert 5000 + len(EDGES) < all_[0] < 5000 + 1000


def test_a_sieve_of_nothing_lets_nothing_through(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TEMP TABLE known (hash bigint); CREATE TEMP TABLE passed (hash bigint)")
        sieve = make_sieve(conn, sql.SQL("known"))
        query = sql.SQL("SELECT h FROM generate_series(-1000, 1000) AS h WHERE {}").format(
            sieve.lets(sql.SQL("h::bigint"))
        )
        sieve.bring(conn, query, "passed")

        assert conn.execute("SELECT count(*) FROM passed").fetchone() == (0,)
        assert len(sieve.bits) == LEAST // 8


def test_its_size_is_a_power_of_two_within_bounds() -> None:
    sizes = [bits_for(n) for n in (0, 1000, 1_000_000, 10**12)]

    assert sizes == [LEAST, 2**14, 2**24, MOST]
    assert MOST == 8 * 32 * 2**20


def test_a_percent_sign_in_a_query_is_not_taken_for_a_parameter(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn) as conn:
        query = with_parameters(sql.SQL("SELECT {} LIKE '1%'").format(sql.Literal("100%")), conn)

        assert conn.execute(query, {"sieve": b""}).fetchone() == (True,)
