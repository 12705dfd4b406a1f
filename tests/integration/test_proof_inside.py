"""The proof looks into values: parts of lists are searched for, what the policy names or keeps inside is not."""

from __future__ import annotations

from collections.abc import Callable

from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import make_case

MakeDatabase = Callable[[], TestDatabase]

SHOP = """
CREATE TABLE people (id int PRIMARY KEY, mails text, attrs jsonb, tags text[], seen json);
CREATE TABLE notes (id int PRIMARY KEY, kind text, body text);
INSERT INTO people SELECT n, format('ann%s@corp.invalid; bob%s@corp.invalid', n, n),
  jsonb_build_array(jsonb_build_object('key', 'email', 'value', format('cy%s@corp.invalid', n))),
  ARRAY[format('dan%s@corp.invalid', n), 'ops@team.invalid'], '["eve@corp.invalid", "OPS@team.invalid"]'
FROM generate_series(1, 20) n;
INSERT INTO people (id, mails) VALUES (21, ' day@team.invalid;night@team.invalid ');
INSERT INTO notes VALUES (1, 'email', 'nothing'), (2, 'email', 'nothing');
"""
LIST = {"strategy": "list", "of": "email", "separator": ";"}
KEPT = {"strategy": "email", "keep_values": ["ops@team.invalid", "day@team.invalid", "night@team.invalid"]}


def test_each_part_of_a_list_is_searched_for(make_database: MakeDatabase) -> None:
    case = make_case(make_database, SHOP, {"public.people.mails": LIST})
    case.copy()
    clean = case.verify()
    case.execute("UPDATE notes SET body = 'Bob7@corp.invalid' WHERE id = 1")

    proof = case.verify()

    database = case.plan.database
    assert clean.problems == ()
    assert clean.searched == 20 * 3 + 3
    assert proof.problems == (f"{database}.public.notes.body holds 1 original value of {database}.public.people.mails",)


def test_an_unmasked_part_of_a_list_is_found_where_it_stands(make_database: MakeDatabase) -> None:
    case = make_case(make_database, SHOP, {"public.people.mails": LIST})
    case.copy()
    case.execute("UPDATE people SET mails = 'x1@example.com; ann3@corp.invalid' WHERE id = 3")

    problems = case.verify().problems

    place = f"{case.plan.database}.public.people.mails"
    assert problems == (f"{place} holds 1 original value of {place}",)


def test_what_a_path_names_is_nobodys_data(make_database: MakeDatabase) -> None:
    paths = {"strategy": "json", "paths": {"[key=email].value": "email"}}
    case = make_case(make_database, SHOP, {"public.people.attrs": paths})
    case.copy()
    clean = case.verify()
    case.execute("UPDATE notes SET body = 'cy7@corp.invalid' WHERE id = 1")

    assert clean.problems == ()
    assert clean.searched == 20
    assert len(case.verify().problems) == 1


def test_parts_that_the_policy_keeps_are_no_residue_and_others_still_are(make_database: MakeDatabase) -> None:
    masked = {
        "public.people.mails": LIST | {"of": KEPT},
        "public.people.tags": KEPT,
        "public.people.seen": {"strategy": "json", "paths": {"[*]": KEPT}},
    }
    case = make_case(make_database, SHOP, masked)
    case.copy()
    clean = case.verify()
    case.execute("UPDATE notes SET body = 'dan7@corp.invalid'")

    problems = case.verify().problems

    assert case.rows("SELECT tags[2], seen ->> 1 FROM people WHERE id = 1") == [
        ("ops@team.invalid", "OPS@team.invalid")
    ]
    assert clean.problems == ()
    assert {c.column.rpartition(".")[2]: c.searched for c in clean.columns} == {"mails": 60, "tags": 20, "seen": 1}
    assert len(problems) == 1
