"""Of large tables some rows are looked at: the road says how many, and addresses of all rows are looked for even so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sanitizers.proof.roads.containment import Containment
from sanitizers.proof.roads.key import MaskingKeyRoad
from sanitizers.proof.roads.road import Found, Status
from tests.fix_postgres import TestDatabase
from tests.integration.roads_case import no_value_in, walk
from tests.integration.stream_case import KEY, Case, make_case

SHOP = """
CREATE TABLE people (id int PRIMARY KEY, email text, phone text, about text) WITH (fillfactor = 20);
CREATE TABLE notes (id int PRIMARY KEY, body text) WITH (fillfactor = 20);
CREATE TABLE mails (id int PRIMARY KEY, body text);
INSERT INTO people SELECT n, 'zq' || n || '@corp.invalid', '+30 210 555' || lpad(n::text, 5, '0'),
  'Zqdoctor of Letters' || n FROM generate_series(1, 30000) n;
INSERT INTO notes SELECT n, 'nothing happened on day ' || n FROM generate_series(1, 30000) n;
INSERT INTO mails SELECT n, 'nothing' FROM generate_series(1, 300) n;
ANALYZE;
"""
MASKED = {"public.people.email": "email", "public.people.phone": "phone", "public.people.about": "digest"}


@pytest.fixture
def shop(make_database: Callable[[], TestDatabase]) -> Case:
    case = make_case(make_database, SHOP, MASKED)
    case.copy()
    return case


def look(case: Case, *, full: bool = False) -> Found:
    (found,) = case.verify(roads=(Containment(),), full=full).roads
    return found


def test_how_much_was_looked_at_is_said(shop: Case) -> None:
    part, whole = look(shop), look(shop, full=True)

    assert (part.status, whole.status) == (Status.SAMPLED, Status.PASS)
    assert part.numbers["rows"] == whole.numbers["rows"] == whole.numbers["rows-looked-at"] == 60_300
    assert 2 * 5_000 < part.numbers["rows-looked-at"] < 2 * 20_000
    assert part.numbers["rows-of-originals"] == part.numbers["rows-of-addresses-looked-at"] == 30_000
    assert 2_000 < part.numbers["rows-of-originals-looked-at"] < 10_000
    assert "drawn at random" in part.sentence
    assert "drawn at random" not in whole.sentence


def test_what_leaks_everywhere_is_found_in_a_part(shop: Case) -> None:
    shop.execute(
        "UPDATE notes SET body = 'a visit of Zqdoctor of Letters' || id || ', +30 210 555' || lpad(id::text, 5, '0')"
    )

    found = look(shop)

    about, phone = (problem for problem in found.problems if "notes.body" in problem)
    assert ("people.about" in about) != ("people.about" in phone)
    assert found.numbers["found"] > 100
    no_value_in(found, "zqdoctor")


def test_an_address_of_any_row_is_found_in_a_text(shop: Case) -> None:
    shop.execute("UPDATE mails SET body = 'Write to zq' || id * 100 || '@corp.invalid, please'")

    found = look(shop)

    database = shop.plan.database
    assert found.problems == (
        f"texts of {database}.public.mails.body contain 300 original values of {database}.public.people.email",
    )


def test_one_text_of_many_is_found_when_all_are_looked_at(shop: Case) -> None:
    shop.execute("UPDATE notes SET body = 'call 0030-210-555-29999 soon' WHERE id = 15000")

    found = look(shop, full=True)

    database = shop.plan.database
    assert found.problems == (
        f"texts of {database}.public.notes.body contain 1 original value of {database}.public.people.phone",
    )


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("text", "encode(k, 'hex')"),
        ("text", "'see ' || encode(k, 'base64')"),
        ("bytea", "k"),
        ("bytea", "encode(k, 'hex')::bytea"),
        ("jsonb", "jsonb_build_object('k', upper(encode(k, 'hex')))"),
    ],
)
def test_the_key_is_found_in_a_column(make_database: Callable[[], TestDatabase], kind: str, written: str) -> None:
    script = f"CREATE TABLE t (id int, v {kind}); CREATE TABLE many (id int, v text); INSERT INTO t VALUES (1, NULL)"
    case = make_case(make_database, script, {})
    case.copy()
    small = walk(MaskingKeyRoad(), case)
    case.execute(f"UPDATE t SET v = {written} FROM (SELECT '\\x{KEY.hex()}'::bytea) AS s (k)")
    found = walk(MaskingKeyRoad(), case)
    case.execute("TRUNCATE t; INSERT INTO many SELECT n, 'nothing' FROM generate_series(1, 60000) n; ANALYZE many")
    large = walk(MaskingKeyRoad(), case)

    assert small.status is Status.PASS
    assert found.problems == ("the masking key is written in column public.t.v",)
    assert (large.status, large.numbers["rows-looked-at"] < 20_000) == (Status.SAMPLED, True)
    assert walk(MaskingKeyRoad(), case, full=True).status is Status.PASS
