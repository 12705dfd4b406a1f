"""What an application wrote into a bytea is looked at as the text that it is; octets that are none are counted."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from sanitizers.proof import octets
from sanitizers.proof.places import read_columns
from sanitizers.proof.roads.containment import Containment
from sanitizers.proof.roads.detectors import Detectors
from sanitizers.proof.roads.road import Status
from sanitizers.proof.roads.substring import Substring
from tests.fix_postgres import TestDatabase
from tests.integration.roads_case import no_value_in, walk
from tests.integration.stream_case import Case, make_case

MakeDatabase = Callable[[], TestDatabase]

SHOP = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text);
CREATE DOMAIN scan AS bytea;
CREATE TABLE blobs (id int PRIMARY KEY, b bytea, s scan);
INSERT INTO people SELECT n, 'Zoë Zqmeyer' || n, 'zq' || n || '@corp.invalid' FROM generate_series(1, 40) n;
INSERT INTO blobs SELECT n, decode(md5('b' || n) || 'ff', 'hex'), decode(md5('s' || n) || '00', 'hex')
FROM generate_series(1, 40) n;
"""
MASKED = {"public.people.name": "full_name", "public.people.email": "email"}


@pytest.fixture
def shop(make_database: MakeDatabase) -> Case:
    case = make_case(make_database, SHOP, MASKED)
    case.copy()
    return case


@pytest.mark.parametrize("column", ["b", "s"])
@pytest.mark.parametrize(("value", "of"), [("zq7@corp.invalid", "email"), ("Zoë Zqmeyer7", "name")])
def test_an_original_is_found_in_octets(shop: Case, column: str, value: str, of: str) -> None:
    clean = shop.verify()
    with psycopg.connect(shop.target.dsn) as conn:
        conn.execute(f"UPDATE blobs SET {column} = convert_to(%s, 'UTF8') WHERE id = 3".encode(), (value,))

    proof = shop.verify()

    database = shop.plan.database
    assert clean.problems == ()
    assert proof.problems == (
        f"{database}.public.blobs.{column} holds 1 original value of {database}.public.people.{of}",
    )


@pytest.mark.parametrize(
    ("written", "of"),
    [
        ("convert_to('mail zq7@corp.invalid, or «Zqüx»', 'UTF8')", "email"),
        ("convert_to('dear Zoë Zqmeyer7!', 'UTF8')", "name"),
        (r"'\x0a03'::bytea || 'row\\022\\020zq7@corp.invalid'::bytea || '\x1205ff00'::bytea", "email"),
    ],
)
def test_a_part_of_octets_is_found(shop: Case, written: str, of: str) -> None:
    clean = walk(Containment(), shop)
    shop.execute(f"UPDATE blobs SET b = {written} WHERE id = 3")

    found, whole = walk(Containment(), shop), walk(Substring(), shop, full=True)

    database = shop.plan.database
    sentence = f"texts of {database}.public.blobs.b contain 1 original value of {database}.public.people.{of}"
    assert (clean.status, clean.numbers["octets"]) == (Status.PASS, 80)
    assert "80 values of octets are no text" in clean.sentence
    assert found.problems == whole.problems == (sentence,)
    no_value_in(found, "zq7", "zqmeyer")


def test_octets_that_are_masked_are_originals_as_text_and_as_they_are(make_database: MakeDatabase) -> None:
    script = r"""
    CREATE TABLE keys (id int PRIMARY KEY, b bytea);
    CREATE TABLE notes (id int PRIMARY KEY, body text, copy bytea);
    INSERT INTO keys VALUES (1, 'zq7@corp.invalid'), (2, '\x00ff1122334455667788');
    INSERT INTO notes VALUES (1, 'nothing', 'nothing');
    """
    case = make_case(make_database, script, {"public.keys.b": "digest"})
    case.copy()
    clean = case.verify()
    case.execute(r"UPDATE notes SET body = 'zq7@corp.invalid', copy = '\x00ff1122334455667788'")

    database = case.plan.database
    assert clean.problems == ()
    assert case.verify().problems[:2] == (
        f"{database}.public.notes.body holds 1 original value of {database}.public.keys.b",
        f"{database}.public.notes.copy holds 1 original value of {database}.public.keys.b",
    )


def test_detectors_read_octets_that_are_a_text(shop: Case) -> None:
    shop.execute("CREATE TABLE more AS SELECT 'anna@gmail.com'::bytea AS b")

    found = walk(Detectors(), shop)

    assert [problem.partition(":")[0] for problem in found.problems] == [
        f"{shop.plan.database}.public.more.b (email 1)"
    ]


def test_all_that_is_utf_8_and_nothing_else_is_a_text(make_database: MakeDatabase) -> None:
    edges = [
        0x7F,
        0x80,
        0x7FF,
        0x800,
        0xFFF,
        0x1000,
        0xCFFF,
        0xD7FF,
        0xE000,
        0xFFFF,
        0x10000,
        0x3FFFF,
        0x40000,
        0x10FFFF,
    ]
    texts = ["", "\\", "a\\303\\251", "\n", *map(chr, edges)]
    bad = [
        "00",
        "80",
        "bf",
        "c080",
        "c1bf",
        "c3",
        "c328",
        "e08080",
        "e09fbf",
        "eda080",
        "edbfbf",
        "f08fbfbf",
        "f4908080",
    ]
    bad += ["f5808080", "ff", "e282", "f09f98", "41ff", "c3a9c3"]
    with psycopg.connect(make_database().dsn) as conn:
        conn.execute("CREATE TABLE t (b bytea)")
        conn.cursor().executemany("INSERT INTO t VALUES (%s)", [(t.encode(),) for t in texts])
        query = octets.text_of(sql.Identifier("t", "b"))
        read = conn.execute(sql.SQL("SELECT {} FROM t").format(query)).fetchall()
        conn.execute("TRUNCATE t")
        conn.cursor().executemany("INSERT INTO t VALUES (%s)", [(bytes.fromhex(b),) for b in bad])
        others = conn.execute(sql.SQL("SELECT {} FROM t").format(query)).fetchall()
        (place,) = read_columns(conn)
        again = conn.execute(place.values()).fetchall()

    assert [row[0] for row in read] == texts
    assert {row[0] for row in others} == {None}
    assert [row[0] for row in again] == [f"\\x{b}" for b in bad]
