"""`scrub`: texts and documents of a real table, with the fakes that the row's and its parents' columns get."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.fix_postgres import TestDatabase
from tests.integration.fields_case import MODES, masked, rows

MakeDatabase = Callable[[], TestDatabase]

SCRIPT = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text, phone text, city text, secret text);
CREATE TABLE tickets (
  id int PRIMARY KEY, person int REFERENCES people, by text, body text, extra jsonb, short varchar(20));
INSERT INTO people VALUES
  (1, 'Anna Meyer', 'Anna@corp.test', '+49 30 123456', 'Bremen', 'asthma'), (2, 'Bob Ray', NULL, NULL, NULL, NULL);
INSERT INTO tickets VALUES
  (1, 1, 'carl@corp.test',
   E'Anna Meyer (Anna@corp.test, +4930123456)\\tof Bremen has asthma;\\ncarl@corp.test: see Meyer.',
   '{"from": "anna@corp.test", "n": 4930123456, "Anna Meyer": ["Bremen", 1.50, true]}', 'a@b.c'),
  (2, 2, NULL, 'Bob Ray rang eve@other.test from 10.1.2.3', NULL, NULL),
  (3, NULL, 'dora@corp.test', 'Anna Meyer is nobody here', '[]', ''),
  (4, 1, NULL, NULL, 'null', 'nothing in it');
INSERT INTO tickets SELECT n, 1, NULL, 'Anna Meyer ' || n, NULL, NULL FROM generate_series(5, 1300) AS n;
"""
STRATEGIES = {
    "public.people.name": "full_name",
    "public.people.email": "email",
    "public.people.phone": "phone",
    "public.people.city": "null",
    "public.people.secret": "encrypt",
    "public.tickets.by": "email",
    "public.tickets.body": "scrub",
    "public.tickets.extra": "scrub",
    "public.tickets.short": "scrub",
}


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
def test_texts_get_the_fakes_of_their_row_and_of_the_row_that_it_refers_to(
    mode: str, make_database: MakeDatabase
) -> None:
    database = masked(mode, make_database, SCRIPT, STRATEGIES)

    name, mail, phone = rows(database, "SELECT name, email, phone FROM people WHERE id = 1")[0]
    query = "SELECT id, by, body, extra::text, short FROM tickets WHERE id < 5"
    tickets = {number: tuple(texts) for number, *texts in rows(database, query)}
    by, body, extra, short = tickets[1]
    assert f"{name} ({mail}, {phone})\tof [removed] has [encrypted];\n{by}: see {name.split()[1]}." == body
    document = json.loads(extra)
    assert document == {"from": document["from"], "n": int(phone[1:]), name: ["[removed]", 1.5, True]}
    assert document["from"].lower() == mail.lower()
    assert len(short) == 20
    assert tickets[3][1:] == ("Anna Meyer is nobody here", "[]", "")
    assert tickets[4] == (None, None, "null", "nothing in it")
    assert rows(database, f"SELECT count(*) FROM tickets WHERE id > 4 AND body = '{name} ' || id") == [(1296,)]


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
def test_what_only_looks_personal_goes_as_well(mode: str, make_database: MakeDatabase) -> None:
    database = masked(mode, make_database, SCRIPT, STRATEGIES)

    ((bob,),) = rows(database, "SELECT name FROM people WHERE id = 2")
    ((body,),) = rows(database, "SELECT body FROM tickets WHERE id = 2")
    assert body.startswith(f"{bob} rang ")
    assert "eve@" not in body
    assert "10.1.2.3" not in body
    assert "@example." in body


@pytest.mark.postgres
@pytest.mark.parametrize("mode", MODES)
def test_a_row_that_refers_to_another_of_its_table_takes_its_fakes(mode: str, make_database: MakeDatabase) -> None:
    script = """
    CREATE TABLE staff (id int PRIMARY KEY, boss int REFERENCES staff, name text, note text);
    INSERT INTO staff VALUES (1, NULL, 'Anna Meyer', 'Anna Meyer'), (2, 1, 'Bob Ray', 'Bob Ray for Anna Meyer');
    """

    database = masked(mode, make_database, script, {"public.staff.name": "full_name", "public.staff.note": "scrub"})

    (anna, first), (bob, second) = rows(database, "SELECT name, note FROM staff ORDER BY id")
    assert (first, second) == (anna, f"{bob} for {anna}")
