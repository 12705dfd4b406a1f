"""The proof tells how much a policy keeps on purpose, by which rule, and which masked columns nothing was masked of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest

from sanitizers.plan import DatabasePlan
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.witness import WitnessRun, witness_database
from sanitizers.rules import TableRule
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import make_rewrite_case
from tests.integration.stream_case import KEY, connector, make_case

MakeDatabase = Callable[[], TestDatabase]
Prove = Callable[..., DatabaseProof]

PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text, code text, born date, staff bool NOT NULL, about jsonb,
  tags text[]);
INSERT INTO people SELECT n, 'Theodora Papadimitriou' || n, 'zq' || n || '@corp.invalid', 'x' || n,
  date '2000-01-01' + n, n <= 3, '{"city": "Heraklion", "note": "private"}', ARRAY['zqtag']
FROM generate_series(1, 20) n;
INSERT INTO people (id, staff) VALUES (21, true);
"""


def in_place(make_database: MakeDatabase, change: Callable[[DatabasePlan], DatabasePlan], masked: Any) -> DatabaseProof:
    case = make_rewrite_case(make_database(), PEOPLE, masked)
    case.plan = change(case.plan)
    run = WitnessRun(connector(case.database), case.plan, KEY)
    proofs: list[DatabaseProof] = []
    with witness_database(run, lambda _: None) as witness:
        case.rewrite(look=witness.look, prove=lambda: proofs.append(witness.judge()))
    return proofs[0]


def clean_room(
    make_database: MakeDatabase, change: Callable[[DatabasePlan], DatabasePlan], masked: Any
) -> DatabaseProof:
    case = make_case(make_database, PEOPLE, masked)
    case.plan = change(case.plan)
    case.copy()
    return case.verify()


@pytest.fixture(params=[clean_room, in_place], ids=["clean room", "in place"])
def prove(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Prove:
    def run(masked: Mapping[str, Any], change: Callable[[DatabasePlan], DatabasePlan] = lambda plan: plan) -> Any:
        return request.param(make_database, change, {f"public.people.{name}": how for name, how in masked.items()})

    return run


def keep_rows(plan: DatabasePlan, condition: str) -> DatabasePlan:
    rule = TableRule(match="*", keep_rows=condition)
    return replace(plan, tables=tuple(replace(table, rule=rule) for table in plan.tables))


def test_values_that_are_kept_are_counted_by_the_rule_that_keeps_them(prove: Prove) -> None:
    email = {"strategy": "email", "keep_values": ["zq1@*", "zq9@*"], "keep_if": "id IN (9, 10)"}

    proof = prove({"name": "full_name", "email": email}, lambda plan: keep_rows(plan, "staff"))

    assert proof.problems == proof.warnings == ()
    assert [asdict(column) for column in proof.kept] == [
        {"column": "public.people.name", "values": 20, "kept": 3, "by_rule": {"keep_rows": 3}, "parts": ()},
        {
            "column": "public.people.email",
            "values": 20,
            "kept": 5,
            "by_rule": {"keep_rows": 3, "keep_if": 2, "keep_values": 2},
            "parts": (),
        },
    ]
    assert tuple(remark for remark in proof.remarks if "not looked at" not in remark) == (
        "kept on purpose: 3 of 20 values of public.people.name (keep_rows 3)",
        "kept on purpose: 5 of 20 values of public.people.email (keep_rows 3, keep_if 2, keep_values 2)",
    )
    assert "zq" not in json.dumps(asdict(proof))


def test_parts_that_are_kept_inside_values_are_named(prove: Prove) -> None:
    about = {"strategy": "json", "paths": {"city": "keep", "note": "digest"}}
    tags = {"strategy": "digest", "keep_values": ["other"]}

    proof = prove({"about": about, "tags": tags})

    assert tuple(remark for remark in proof.remarks if "not looked at" not in remark) == (
        "kept on purpose: city in 20 values of public.people.about",
        "kept on purpose: elements in 20 values of public.people.tags",
    )


@pytest.mark.parametrize(
    ("column", "how"),
    [
        ("email", {"strategy": "email", "keep_if": "true"}),
        ("email", {"strategy": "email", "keep_values": ["*"]}),
        ("born", {"strategy": "date_shift", "keep_if": "id > 0"}),
    ],
)
def test_a_column_of_which_everything_is_kept_is_a_warning(prove: Prove, column: str, how: Any) -> None:
    proof = prove({column: how, "name": "full_name"})

    name = f"{proof.database}.public.people.{column}"
    assert proof.warnings == (f"{name} is masked by name alone: the policy keeps each of its 20 values",)
    assert f"warning: {proof.warnings[0]}" in proof.remarks


@pytest.mark.parametrize(
    ("column", "how"),
    [
        ("born", {"strategy": "sql", "expression": "value"}),
        ("code", {"strategy": "sql", "expression": "value || ''"}),
        ("about", {"strategy": "json", "paths": {"$": "keep"}}),
    ],
)
def test_a_column_that_comes_out_as_it_was_is_a_warning(prove: Prove, column: str, how: Any) -> None:
    proof = prove({column: how, "name": "full_name"})

    name = f"{proof.database}.public.people.{column}"
    assert proof.warnings == (f"{name} is masked, but its 20 values came out as they were",)


def test_a_shuffled_column_and_one_that_is_masked_in_part_are_none(prove: Prove) -> None:
    shift = {"strategy": "date_shift", "keep_if": "id > 1"}

    proof = prove({"code": "shuffle", "born": shift, "name": "null"})

    assert proof.warnings == ()
