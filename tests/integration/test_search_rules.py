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
}


@pytest.mark.parametrize("way", ["next to a source", "in place"])
@pytest.mark.parametrize("name", CASES)
def test_the_same_is_found_both_ways(make_database: MakeDatabase, name: str, way: Way) -> None:
    planted = CASES[name]

    proof = (
        _next_to_a_source(planted, make_database) if way == "next to a source" else _in_place(planted, make_database)
    )

    name = f"{proof.database}.public."
    problems = [problem.replace(name, "").split() for problem in proof.problems]
    assert tuple(f"{words[0]} of {words[-1]}" for words in problems) == planted.found


def _next_to_a_source(planted: Planted, make: MakeDatabase) -> DatabaseProof:
    case = make_case(make, planted.script, planted.masked)
    case.copy()
    case.execute(planted.plant)
    return case.verify()


def _in_place(planted: Planted, make: MakeDatabase) -> DatabaseProof:
    case, proofs = make_rewrite_case(make(), planted.script, planted.masked), list[DatabaseProof]()
    run = WitnessRun(connector(case.database), case.plan, KEY, roads=OF_THE_SEARCH)
    with witness_database(run, lambda _: None) as witness:

        def judge() -> None:
            case.execute(planted.plant)
            proofs.append(witness.judge())

        case.rewrite(look=witness.look, prove=judge)
    return proofs[0]
