"""What counts as found is the same next to a source and in a database that was masked where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.witness import WitnessRun, witness_database
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import make_rewrite_case
from tests.integration.stream_case import KEY, OF_THE_SEARCH, connector, make_case

MakeDatabase = Callable[[], TestDatabase]
Way = Literal["next to a source", "in place"]

SHOP = """
CREATE TABLE people (id int PRIMARY KEY, name text, phone text, profile jsonb);

CREATE TABLE notes (id int PRIMARY KEY, body text);

INSERT INTO people SELECT n, 'Theodora Zqmeyer' || n, '49151123456' || n,
  jsonb_build_object('phone', '49151123456' || n, 'balance', n + 0.5) FROM generate_series(10, 30) AS n;

INSERT INTO notes SELECT n, 'nothing ' || n FROM generate_series(1, 20) AS n;
"""


@dataclass(frozen=True)
class Planted:
    """What stands in the masked database, and which column (of `public`) it is an original of."""

    masked: Mapping[str, Any]
    plant: str
    found: tuple[str, ...] = ()
    """`place of column`, one for each problem."""
    script: str = SHOP


SUPPORT = """
CREATE TABLE people (id int PRIMARY KEY, name text);

CREATE TABLE tickets (id int PRIMARY KEY, person int REFERENCES people, body text, extra jsonb);

CREATE TABLE audit (id int PRIMARY KEY, "is" jsonb);

INSERT INTO people SELECT n, 'Theodora Zqmeyer' || n FROM generate_series(10, 30) AS n;

INSERT INTO tickets SELECT n, n, 'Theodora Zqmeyer' || n || ' waits for an answer', '{"state": "waiting for us"}'
FROM generate_series(10, 30) AS n;
"""
SCRUBBED = {"public.people.name": "full_name", "public.tickets.body": "scrub", "public.tickets.extra": "scrub"}

MOVED = {"strategy": "json", "paths": {"balance": "noise", "phone": "phone"}}
CASES = {
    "a leaf of a document whose amounts are moved is another column's original all the same": Planted(
        {"public.people.phone": "phone", "public.people.profile": MOVED},
        "UPDATE notes SET body = '4915112345617' WHERE id = 1",
        ("notes.body of people.phone",),
    ),
    "a moved amount says nothing of its own document": Planted(
        {"public.people.profile": MOVED}, "UPDATE notes SET body = '4915112345617' WHERE id = 1"
    ),
    "a scrubbed text that is another row's original as a whole is one": Planted(
        SCRUBBED,
        "UPDATE tickets SET body = 'Theodora Zqmeyer17' WHERE id = 12",
        ("tickets.body of people.name",),
        SUPPORT,
    ),
    "a leaf of a scrubbed document is one likewise": Planted(
        SCRUBBED,
        """UPDATE tickets SET extra = '{"by": "Theodora Zqmeyer17"}' WHERE id = 12""",
        ("tickets.extra of people.name",),
        SUPPORT,
    ),
    "what the planner sampled of a scrubbed text is not excused by the text": Planted(
        SCRUBBED,
        "",
        ("tickets.body of people.name", "the statistics of tickets.body of people.name"),
        SUPPORT + "INSERT INTO tickets VALUES (9, NULL, 'Theodora Zqmeyer17')",
    ),
    "what a masked document repeats of scrubbed texts is none of its originals": Planted(
        SCRUBBED | {"public.audit.is": {"strategy": "constant", "value": "{}"}},
        "",
        (),
        SUPPORT
        + 'INSERT INTO audit VALUES (1, \'{"body": "nothing at all", "extra": {"state": "waiting for us"}}\');\n\n'
        "INSERT INTO tickets VALUES (9, NULL, 'nothing at all')",
    ),
    "what a pool can produce proves nothing": Planted(
        {"public.people.name": "full_name"},
        "UPDATE notes SET body = 'Michael Johnson' WHERE id = 1",
        (),
        SHOP + "INSERT INTO people VALUES (9, 'Michael Johnson')",
    ),
    "what a public column says is no residue there": Planted(
        {"public.people.name": "full_name", "public.notes.body": {"strategy": "keep", "public": True}},
        "UPDATE notes SET body = 'Theodora Zqmeyer17' WHERE id = 1",
    ),
    "what the policy keeps is no original, all others are": Planted(
        {"public.people.name": {"strategy": "full_name", "keep_values": ["*Zqmeyer17"]}},
        "UPDATE notes SET body = 'Theodora Zqmeyer1' || id",
        ("notes.body of people.name",),
    ),
    "a few towns are words, a street full of them is a copy": Planted(
        {"public.people.name": "city"},
        "UPDATE notes SET body = 'Theodora Zqmeyer1' || id WHERE id < 3",
        (),
        SHOP.replace("'Theodora Zqmeyer' || n", "'Theodora Zqmeyer1' || n % 10"),
    ),
    "a label of an enum is a word of the schema": Planted(
        {"public.people.name": "digest"},
        "",
        (),
        SHOP
        + "CREATE TYPE kind AS ENUM ('document', 'other');\n\nCREATE TABLE kinds (id int PRIMARY KEY, kind kind);\n\n"
        "INSERT INTO kinds VALUES (1, 'document');\n\nINSERT INTO people VALUES (9, 'Document')",
    ),
    "a key of a document counts, capitals and blanks do not": Planted(
        {"public.people.phone": "phone", "public.people.name": "full_name", "public.people.profile": "null"},
        "UPDATE people SET profile = '{\"THEODORA zqmeyer17 \": 1}' WHERE id = 12",
        ("people.profile of people.name",),
    ),
}


@pytest.mark.parametrize("way", ["next to a source", "in place"])
@pytest.mark.parametrize("name", CASES)
def test_the_same_is_found_both_ways(make_database: MakeDatabase, name: str, way: Way) -> None:
    planted = CASES[name]

    proof = (
        _next_to_a_source(planted, make_database) if way == "next to a source" else _in_place(planted, make_database)
    )

    name = f"{proof.database}.public."
    problems = [problem.replace(name, "").partition(" holds ") for problem in proof.problems]
    assert tuple(f"{place} of {what.split()[-1]}" for place, _, what in problems) == planted.found


def _next_to_a_source(planted: Planted, make: MakeDatabase) -> DatabaseProof:
    case = make_case(make, planted.script, planted.masked)
    case.copy()
    case.execute(planted.plant or "SELECT")
    return case.verify()


def _in_place(planted: Planted, make: MakeDatabase) -> DatabaseProof:
    case, proofs = make_rewrite_case(make(), planted.script, planted.masked), list[DatabaseProof]()
    run = WitnessRun(connector(case.database), case.plan, KEY, roads=OF_THE_SEARCH)
    with witness_database(run, lambda _: None) as witness:

        def judge() -> None:
            case.execute(planted.plant or "SELECT")
            proofs.append(witness.judge())

        case.rewrite(look=witness.look, prove=judge)
    return proofs[0]
