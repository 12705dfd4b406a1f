"""A document that repeats what the policy keeps in columns: those values are no originals of the document."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.witness import WitnessRun, witness_database
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import make_rewrite_case
from tests.integration.stream_case import KEY, connector, make_case

MakeDatabase = Callable[[], TestDatabase]

AUDITED = """
CREATE TABLE people (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, status text, plan_code text,
  worth bigint, born date, made_at timestamptz DEFAULT now(), settings jsonb);
CREATE TABLE audit (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, was jsonb, "is" jsonb);
INSERT INTO people (email, status, plan_code, worth, born, settings)
  SELECT format('zq%s@corp.invalid', n), 'waiting_for_approval', format('PLAN-%s', n), 1000000 + n,
    date '1950-01-01' + n, jsonb_build_object('theme', format('midnight %s', n))
  FROM generate_series(1, 300) AS n;
INSERT INTO audit ("is") SELECT to_jsonb(p) FROM people AS p;
ANALYZE;
"""
OTHER = """INSERT INTO audit (was) VALUES ('{"status": "aa7@corp.invalid", "name": "Wilhelmine"}');"""
EMPTY = {"strategy": "constant", "value": "{}"}
BORN = {"strategy": "date_shift", "days": 365}


class CutError(Exception):
    """A run ends here."""


def _cut() -> None:
    raise CutError


MASKED = {"public.people.email": "email", "public.people.born": BORN, "public.audit.is": EMPTY}
BY_PATH = {"strategy": "json", "rest": "keep", "paths": {"email": "email", "born": BORN}}


@pytest.mark.parametrize("document", [EMPTY, "null", BY_PATH], ids=["constant", "null", "paths"])
def test_an_audit_table_of_whole_rows_passes(make_database: MakeDatabase, document: Any) -> None:
    case = make_case(make_database, AUDITED, {**MASKED, "public.audit.is": document})
    case.copy()

    proof = case.verify()

    assert proof.problems == ()
    assert {c.column: c.searched > 0 for c in proof.columns} == {"public.people.email": True, "public.audit.is": True}


def test_what_is_repeated_is_counted(make_database: MakeDatabase) -> None:
    case = make_case(make_database, AUDITED, MASKED)
    case.copy()

    [audit] = [c for c in case.verify().columns if c.column == "public.audit.is"]

    codes, amounts, themes, statuses, ids = 300, 300, 300, 1, 300
    assert audit.repeated == codes + amounts + themes + statuses + ids


@pytest.mark.parametrize(
    "statement",
    [
        # an address counts wherever it stands, whatever the column is called
        "UPDATE people SET status = 'aa7@corp.invalid' WHERE worth = 1000007",
        # a text of a column of another name
        "UPDATE people SET plan_code = 'Wilhelmine' WHERE worth = 1000007",
    ],
)
def test_what_another_column_holds_of_a_document_is_found(make_database: MakeDatabase, statement: str) -> None:
    script = AUDITED + 'INSERT INTO audit (was) VALUES (\'{"status": "aa7@corp.invalid", "name": "Wilhelmine"}\');'
    case = make_case(make_database, script, {**MASKED, "public.audit.was": EMPTY})
    case.copy()
    clean = case.verify().problems
    case.execute(statement)

    [problem] = case.verify().problems

    assert clean == ()
    assert "holds 1 original value of " in problem
    assert problem.endswith("public.audit.was")


def test_an_original_of_a_column_is_found_although_a_document_repeats_it(make_database: MakeDatabase) -> None:
    script = AUDITED + "UPDATE people SET status = plan_code;"
    masked = {**MASKED, "public.people.plan_code": {"strategy": "digest"}}
    case = make_case(make_database, script, masked)
    case.copy()

    problems = case.verify().problems

    name = case.plan.database
    (told,) = (p for p in problems if p.startswith(f"{name}.public.people.status holds 300 original values of "))
    assert f" of {name}.public.people.plan_code" in told


@pytest.mark.parametrize("cut", [False, True], ids=["at once", "cut off"])
def test_in_place_it_is_the_same(database: TestDatabase, cut: bool) -> None:
    case = make_rewrite_case(database, AUDITED, MASKED)
    run = WitnessRun(connector(database), case.plan, KEY)
    proofs: list[DatabaseProof] = []
    if cut:
        with witness_database(run, lambda _: None) as earlier, pytest.raises(CutError):
            case.rewrite(look=earlier.look, prove=_cut)

    with witness_database(run, lambda _: None) as witness:
        case.rewrite(look=witness.look, prove=lambda: proofs.append(witness.judge()))

    [proof] = proofs
    assert proof.problems == ()
    assert sum(c.repeated for c in proof.columns) == 1201


def test_members_are_called_like_columns_however_words_are_joined(make_database: MakeDatabase) -> None:
    case = make_case(make_database, AUDITED, {**MASKED, "public.audit.was": EMPTY})
    document = json.dumps([{"deep": {"planCode": "PLAN-7", "plan-code": "PLAN-8"}}])
    case.execute(f"INSERT INTO audit (was) VALUES ('{document}')", of=case.source)
    case.copy()

    assert case.verify().problems == ()
