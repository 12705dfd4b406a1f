"""The cheap hash of a value is that of its normal form, and what is looked at first lets every original through."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from sanitizers.proof.hashed import Known, Looks, rows
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


def test_what_looks_like_an_original_is_every_original_in_whatever_blanks(conn: psycopg.Connection) -> None:
    place = next(place for place in read_columns(conn) if place.column == "v")
    from_, (value,) = rows([place], Known((), {place.key}), small=True)
    looks = conn.execute(sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(value.looks), from_), {}).fetchone()
    assert looks is not None
    seen = Looks(*looks)
    conn.execute("UPDATE odd SET v = CASE ctid::text WHEN '(0,1)' THEN v ELSE upper(v) || E' \\t\\n' END")

    query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE {}) FROM {} WHERE {} IS NOT NULL")
    counts = conn.execute(query.format(value.like_one(seen), from_, value.v), {}).fetchone()

    assert counts == (len(ODD), len(ODD))
    assert seen.dates


def test_what_looks_like_none_is_left_out(conn: psycopg.Connection) -> None:
    place = next(place for place in read_columns(conn) if place.column == "v")
    from_, (value,) = rows([place], Known(()), small=True)
    query = sql.SQL("SELECT count(*) FILTER (WHERE {}) FROM {} WHERE s.v0 IN ('Anna', '302105550123', 'anna ')")

    only_four_letters = conn.execute(query.format(value.like_one(Looks(letters=1 << 4)), from_), {}).fetchone()

    assert only_four_letters == (2,)
