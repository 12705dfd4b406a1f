"""Fields in a real Postgres: every base type there and back, nasty rows, the same fakes as columns have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sanitizers.fields.cipher import TOKEN, Context, decrypt, encrypt, is_token, longest_token
from sanitizers.fields.fakes import Fakes
from sanitizers.fields.keyring import FieldKey, Keyring
from sanitizers.fields.rows import Change, Layout, RowTransformer, alone
from sanitizers.fields.scrub import scrub
from tests.integration.value_case import KEY, Masker

Connection = psycopg.Connection[Any]
RING = Keyring([FieldKey("test", bytes(range(32)))])
VALUES: dict[str, list[str]] = {
    "smallint": ["-32768", "0"],
    "bigint": ["9223372036854775807"],
    "numeric": ["NaN", "Infinity", "-1e-200", "0.00", "12345678901234567890.5"],
    "numeric(12,2)": ["9999999999.99"],
    "real": ["-Infinity", "1e-45", "0.1"],
    "double precision": ["NaN", "2.2250738585072014e-308"],
    "money": ["-92233720368547758.08"],
    "boolean": ["t", "f"],
    "text": ["", " ", "\\N", "\\.", "a\tb\r\nc\\", "e\u0301", "\u00e9", "\U0001f600", "\x01\x7f", "NULL", "x" * 9000],
    "varchar(5)": ["äöü", ""],
    "char(8)": ["pad"],
    "bytea": ["\\x", "\\x00ff5c0a09"],
    "date": ["infinity", "-infinity", "4713-01-01 BC", "2024-02-29"],
    "timestamp": ["-infinity", "294276-12-31 23:59:59.999999"],
    "timestamptz": ["infinity", "2024-03-31 02:30:00+02"],
    "time": ["24:00:00"],
    "timetz": ["23:59:59.999999+15:59"],
    "interval": ["178000000 years", "-1 year +2 mons -3 days +04:05:06.789"],
    "json": ['{"a":1, "a":2, "n":1e400, "u":"\\u0000", "s":"\\ud83d\\ude00"}', " null "],
    "jsonb": ['{"a": [1, {"b": "x\\"y\\\\z"}], "": null}'],
    "text[]": ["{}", '{a,NULL,"NULL","","a,b","q\\"u\\\\"}', "[0:1]={x,y}", "{{a,b},{c,d}}"],
    "int4range": ["empty", "[1,5)", "(,)"],
    "int4multirange": ["{[1,2),[5,)}"],
    "uuid": ["00000000-0000-0000-0000-000000000000"],
    "inet": ["10.0.0.1/8", "fe80::1"],
    "macaddr": ["08:00:2b:01:02:03"],
    "point": ["(1.5,-Infinity)"],
    "polygon": ["((0,0),(1,1),(1,0))"],
    "bit varying": ["", "0101"],
    "tsvector": ["'fat':2A,4B 'it''s':1"],
    "pg_lsn": ["16/B374D848"],
}


@pytest.fixture
def conn(database: Any) -> Iterator[Connection]:
    with psycopg.connect(database.dsn, autocommit=True, options="-c client_encoding=UTF8") as opened:
        yield opened


def copied(conn: Connection, source: str, target: str, layout: Layout) -> None:
    transformer = RowTransformer(layout)
    with (
        conn.cursor() as cur,
        cur.copy(sql.SQL("COPY (SELECT * FROM {} ORDER BY n) TO STDOUT").format(_name(source))) as out,
    ):
        stream = b"".join(map(bytes, out))
    with conn.cursor() as cur, cur.copy(sql.SQL("COPY {} FROM STDIN").format(_name(target))) as into:
        for at in range(0, len(stream), 7):  # cut anywhere
            into.write(transformer.feed(stream[at : at + 7]))
    transformer.finish()


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(table)


def rows(conn: Connection, table: str) -> list[Any]:
    return conn.execute(sql.SQL("SELECT n, v::text FROM {} ORDER BY n").format(_name(table))).fetchall()


def protected(place: Context, deterministic: bool) -> tuple[Change, Change]:
    def seal(value: bytes) -> bytes:
        return encrypt(value.decode(), place, RING, deterministic=deterministic).encode()

    def open_(value: bytes) -> bytes:
        opened = decrypt(value.decode(), place, RING)
        assert isinstance(opened, str)
        return opened.encode()

    return alone(1, seal), alone(1, open_)


@pytest.mark.postgres
@pytest.mark.parametrize("type_", VALUES)
def test_values_of_every_base_type_come_back_exactly(conn: Connection, type_: str) -> None:
    conn.execute(
        f"CREATE TABLE plain (n int, v {type_}); CREATE TABLE sealed (n int, v text); CREATE TABLE opened (LIKE plain)"
    )
    with conn.cursor() as cur:
        cur.executemany(f"INSERT INTO plain VALUES (%s, (%s)::text::{type_})", list(enumerate([*VALUES[type_], None])))
    for deterministic in (True, False):
        seal, open_ = protected(Context("public", "plain", "v"), deterministic)
        conn.execute("TRUNCATE sealed, opened")

        copied(conn, "plain", "sealed", Layout(2, {1: seal}))
        copied(conn, "sealed", "opened", Layout(2, {1: open_}))

        assert rows(conn, "plain") == rows(conn, "opened")
        tokens = [v for _, v in rows(conn, "sealed")]
        assert tokens[-1] is None
        assert all(map(is_token, tokens[:-1]))


@pytest.mark.postgres
def test_rows_of_nasty_values_pass_unchanged(conn: Connection) -> None:
    conn.execute('CREATE TABLE plain (n int, v text, w bytea, "odd\tname" text[]); CREATE TABLE passed (LIKE plain)')
    conn.execute("CREATE TABLE longer (LIKE plain)")
    conn.execute(
        "INSERT INTO plain SELECT i, CASE WHEN i > 0 THEN repeat(chr(i) || '\\', 3) || chr(i) END,"
        " decode(md5(i::text), 'hex'), ARRAY[chr(92) || 'N', NULL, chr(9), ''] FROM generate_series(0, 700) AS i"
    )

    end = b"\\\t\n\\N"  # so that every value is written anew, there and back

    copied(conn, "plain", "longer", Layout(4, {1: alone(1, lambda value: value + end)}))
    copied(conn, "longer", "passed", Layout(4, {1: alone(1, lambda value: value.removesuffix(end))}))

    same = "SELECT count(*), (SELECT count(*) FROM passed) FROM (TABLE plain INTERSECT ALL TABLE passed) AS s"
    assert conn.execute(same).fetchone() == (701, 701)


@pytest.mark.postgres
def test_postgres_tells_tokens_from_plaintext_by_the_same_expression(conn: Connection) -> None:
    place = Context("s", "t", "c")
    tokens = [encrypt("x" * n, place, RING, deterministic=d) for n in range(70) for d in (True, False)]
    others = ["", "anna@corp.test", *(t[:-1] for t in tokens), *(t + "A" for t in tokens), *(t + "\n" for t in tokens)]

    def seen(texts: list[str]) -> set[Any]:
        test = "SELECT DISTINCT t ~ %s FROM unnest(%s::text[]) AS t"
        return {found for (found,) in conn.execute(test, (f"^(?:{TOKEN})$", texts))}

    assert seen(tokens) == {True}
    assert seen(others) == {False}


@pytest.mark.postgres
def test_the_longest_token_fits_and_one_byte_more_does_not(conn: Connection) -> None:
    place = Context("public", "t", "v")
    size = longest_token(31, RING.newest, deterministic=True)
    conn.execute(f"CREATE TABLE t (v varchar({size}))")

    conn.execute("INSERT INTO t VALUES (%s)", (encrypt("x" * 31, place, RING, deterministic=True),))
    with pytest.raises(psycopg.errors.StringDataRightTruncation):
        conn.execute("INSERT INTO t VALUES (%s)", (encrypt("x" * 32, place, RING, deterministic=True),))


# Fakes

MAILS = [
    "anna@corp.test",
    "Anna.Meyer@Corp.Test",
    "ANNA@CORP.TEST",
    "o'brien+news@x.ie",
    "josé@exämple.test",
    "Jose\u0301@corp.test",
    "अजय@डाटा.भारत",
    "ÄNNA@corp.test",
    "A\u0308NNA@Corp.test",
    "ΝΊΚΟΣ@corp.test",
    "ПЁТР@пример.рф",
    "jose\u0301@corp.test",
    "Anna.meyer@corp.test",
    "Anna.Meyer@corp.test",
    "Anna.Meyer@Corp.test",
    "O'Brien-2Nd@x.ie",
    "7Anna@x.ie",
    "ANNA@corp.test",
    "anna@Corp.test",
    "John@3Com.test",
    "12@Ab.ie",
    "Anna@x.Test",
    "A@X.IE",
    *("".join(c.upper() if n >> i & 1 else c for i, c in enumerate("a.b2c@d.ie")) for n in range(0, 1024, 7)),
    *(f"person{n}@Mail.invalid" for n in range(40)),
]
KINDS: dict[str, tuple[list[str], dict[str, Any], Callable[[Fakes], Callable[[str], str]]]] = {
    "email": (MAILS, {}, lambda fakes: fakes.email),
    "phone": ([f"+49 30 {n}" for n in range(40)], {}, lambda fakes: fakes.phone),
    "url": ([f"https://corp.test/{n}" for n in range(20)], {}, lambda fakes: fakes.url),
    "card": (["4532015112830366", "378282246310005"], {}, lambda fakes: fakes.card),
    "iban": ([f"FR76{n}" for n in range(40)], {}, lambda fakes: fakes.iban),
    "ip": (["10.1.2.3", *(f"fe80::{n:x}" for n in range(60))], {}, lambda fakes: fakes.ip),
    **{
        f"national_id {country}": (
            [f"{n:011}" for n in range(40)],
            {"country": country},
            lambda fakes, country=country: lambda number: fakes.national_id(number, country),
        )
        for country in ("us", "gb", "de", "it", "fi", "fr", "nl", "no", "pl", "se", "dk", "cn", "kr", "ro", "ee", "in")
    },
}


@pytest.mark.postgres
@pytest.mark.parametrize("what", KINDS)
def test_a_text_gets_the_fakes_that_a_column_gets(conn: Connection, what: str) -> None:
    values, parameters, maker = KINDS[what]

    columns = Masker(conn)("text", what.split(maxsplit=1)[0], values, **parameters)

    assert columns == list(map(maker(Fakes(KEY)), values))


@pytest.mark.postgres
def test_an_address_in_a_text_is_the_one_of_the_column(conn: Connection) -> None:
    columns = Masker(conn)("text", "email", MAILS)

    texts = [scrub(f"Mail to <{mail}>, please.", Fakes(KEY)) for mail in MAILS]

    assert [f"Mail to <{fake}>, please." for fake in columns] == texts
