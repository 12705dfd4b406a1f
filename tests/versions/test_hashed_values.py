"""The cheap hash of a value is that of its normal form."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from sanitizers.proof.hashed import Known, rows
from sanitizers.proof.places import normal, read_columns
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS

ODD = [
    *(
        "",
        " ",
        "  \t",
        "Anna",
        "anna ",
        " anna",
        "\tanna",
        "anna\t",
        "anna\n",
        "anna\r\n",
        "anna\n ",
        "an\nna",
        "ANNA  ",
    ),
    *("ÄÖÜ äöü", "Αθήνα ", "日本語のテキスト", "x" * 64, "x" * 5000, "+30 210 5550123", "-", "'; --", "100%", "É\t "),
    *("2020-01-02", "302105550123", "a@b.c", "~tilde~", "_under_", "{brace}", "[12345]", "\u00a0nbsp\u00a0"),
]
SEED = sql.Literal(7)


@pytest.fixture(params=VERSIONS)
def conn(
    request: pytest.FixtureRequest, make_database_on: Callable[[int], TestDatabase]
) -> Iterator[psycopg.Connection]:
    with psycopg.connect(make_database_on(request.param).dsn) as conn:
        conn.execute('CREATE TABLE odd (id int, v text, c char(8), w text COLLATE "C")')
        conn.execute("INSERT INTO odd (v, w) SELECT u, u FROM unnest(%s::text[]) AS u", (ODD,))
        conn.execute("INSERT INTO odd (id) VALUES (12345678), (-5), (NULL)")
        conn.execute("INSERT INTO odd (c) VALUES ('abc'), ('Abcdefgh')")
        yield conn


@pytest.mark.parametrize("few", [False, True])
def test_it_is_the_hash_of_the_normal_form(conn: psycopg.Connection, few: bool) -> None:
    places = read_columns(conn)
    for place in places:
        key = {place.key}
        from_, (value,) = rows([place], Known(key if few else (), key), small=True)
        query = sql.SQL("SELECT DISTINCT {} FROM {} WHERE {} IS NOT NULL").format(value.hash(SEED), from_, value.v)
        plain = sql.SQL("SELECT DISTINCT hashtextextended({}, {}) FROM odd AS t WHERE {} IS NOT NULL")
        column = sql.Identifier("t", place.column)
        text = normal(sql.SQL("{}::text").format(column))

        assert set(conn.execute(query, {})) == set(conn.execute(plain.format(text, SEED, column)))


def test_whether_some_look_like_a_date_is_told(conn: psycopg.Connection) -> None:
    place = next(place for place in read_columns(conn) if place.column == "v")
    from_, (value,) = rows([place], Known((), {place.key}), small=True)
    query = sql.SQL("SELECT {} FROM {}").format(value.dates, from_)

    before = conn.execute(query, {}).fetchone()
    conn.execute("DELETE FROM odd WHERE v = '2020-01-02'")

    assert (before, conn.execute(query, {}).fetchone()) == ((True,), (False,))
