"""What the plan refuses of `encrypt` and `scrub`, before anybody looks at a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from sanitizers.plan import draft_plan
from sanitizers.policy import MaskingPolicy
from sanitizers.schema import Column, ColumnRef, ForeignKey, Schema, Table
from sanitizers.strategies import KINDS
from sanitizers.strategies.encrypt import Encrypt
from sanitizers.strategies.scrub import Scrub

SEALED = {"strategy": "encrypt", "deterministic": True}


def problems(columns: Mapping[str, tuple[Column, Any]], **rule: Any) -> tuple[str, ...]:
    """Of a table `t` beside a table `p` with a key `k`, which is encrypted so that equal values stay equal."""
    parent = Table("public", "p", (Column("k", "text", unique=True),), unique_keys=(("k",),))
    keys = tuple(
        ForeignKey((c.name,), ref.schema, ref.table, (ref.column,)) for c, _ in columns.values() for ref in c.references
    )
    table = Table("public", "t", tuple(c for c, _ in columns.values()), foreign_keys=keys)
    decided = {"t": {name: strategy for name, (_, strategy) in columns.items()}, "p": {"k": SEALED}}
    decided["t"] = {n: {"strategy": s} if isinstance(s, str) else s for n, s in decided["t"].items()}
    policy = {
        "version": 1,
        "databases": {"db": {"public": decided}},
        "tables": [{"match": "t", **rule}] if rule else [],
    }
    return draft_plan([Schema("db", (parent, table))], MaskingPolicy.model_validate(policy)).problems


def one(type_: str, strategy: Any = "encrypt", **more: Any) -> tuple[str, ...]:
    return problems({"c": (Column("c", type_, **more), strategy)})


@pytest.mark.parametrize("type_", ["text", "character varying(200)", "json", "jsonb", "bytea", "public.citext"])
def test_types_that_can_hold_a_token_are_fine(type_: str) -> None:
    assert one(type_) == ()


@pytest.mark.parametrize("type_", ["integer", "numeric", "date", "uuid", "inet", "boolean", "point", "name"])
def test_types_that_cannot_hold_a_token_are_named(type_: str) -> None:
    expected = f"encrypt does not fit: the column is {type_}, which cannot hold a token: make it text"
    assert expected in one(type_)[0]


@pytest.mark.parametrize(("deterministic", "shortest"), [(True, 69), (False, 106)])
def test_a_column_without_room_for_the_shortest_token_is_refused(deterministic: bool, shortest: int) -> None:
    strategy = {"strategy": "encrypt", "deterministic": deterministic}

    assert one(f"character varying({shortest})", strategy, max_length=shortest) == ()
    (problem,) = one("character varying(50)", strategy, max_length=shortest - 1)
    assert f"holds {shortest - 1} characters, the shortest token has {shortest}" in problem


@pytest.mark.parametrize("more", [{"generated": True}, {"identity": True}])
def test_what_postgres_computes_itself_is_not_encrypted(more: dict[str, bool]) -> None:
    assert len(one("text", **more)) == 1


def test_a_unique_column_is_fine_in_both_modes_and_no_text_is_scrubbed_there() -> None:
    assert one("text", unique=True) == ()
    assert one("text", SEALED, unique=True) == ()
    assert "unique" in one("text", "scrub", unique=True)[0]


def test_columns_of_a_reference_must_be_deterministic_and_of_one_case() -> None:
    ref = (ColumnRef("public", "p", "k"),)

    assert one("text", SEALED, references=ref) == ()
    torn, *_ = one("text", "encrypt", references=ref)
    assert "encrypt and encrypt would tear them apart" in torn
    assert any("citext" in problem for problem in one("public.citext", SEALED, references=ref))
    assert any("scrub would tear it" in problem for problem in one("text", "scrub", references=ref))


def test_a_link_alone_must_be_deterministic_too() -> None:
    policy = MaskingPolicy.model_validate(
        {
            "version": 1,
            "databases": {"db": {"public": {n: {"c": {"strategy": "encrypt"}} for n in ("a", "b")}}},
            "links": [{"from": "db.public.a.c", "to": "db.public.b.c"}],
        }
    )
    tables = tuple(Table("public", name, (Column("c", "text"),)) for name in ("a", "b"))

    found = draft_plan([Schema("db", tables)], policy).problems

    assert ["set deterministic = true" in problem for problem in found] == [True, True]


@pytest.mark.parametrize("strategy", ["encrypt", "scrub"])
def test_rows_that_stay_as_they_are_would_be_plaintext(strategy: str) -> None:
    (problem,) = problems({"c": (Column("c", "text"), strategy)}, keep_rows="c = 'x'")

    assert f"{strategy} is for all rows, and keep_rows would leave some as they are" in problem


@pytest.mark.parametrize("kind", [Encrypt, Scrub])
@pytest.mark.parametrize("more", [{"keep_values": ["x"]}, {"keep_if": "true"}])
def test_no_value_is_kept(kind: type[Encrypt | Scrub], more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="take no keep_if or keep_values"):
        kind(**more)


@pytest.mark.parametrize("strategy", ["encrypt", "scrub"])
def test_nothing_is_derived_from_what_is_not_made_yet(strategy: str) -> None:
    derived = {"strategy": "derived", "expression": "upper(c)"}

    found = problems({"c": (Column("c", "text"), strategy), "d": (Column("d", "text"), derived)})

    assert any("derived: " in problem for problem in found)


def test_the_root_of_references_is_the_column_that_refers_to_no_other() -> None:
    columns = (Column("a", "text"), Column("b", "text", references=(ColumnRef("public", "p", "k"),)))
    tables = (
        Table("public", "p", (Column("k", "text", unique=True),)),
        Table("public", "t", (columns[0], columns[1])),
        Table("public", "u", (Column("c", "text", references=(ColumnRef("public", "t", "b"),)),)),
    )
    decided = {t.name: {c.name: SEALED for c in t.columns} for t in tables}
    policy = MaskingPolicy.model_validate({"version": 1, "databases": {"db": {"public": decided}}})

    plans = draft_plan([Schema("db", tables)], policy).databases[0].tables

    roots = {c.column.name: c.root for plan in plans for c in plan.columns}
    assert roots == {"a": None} | dict.fromkeys("kbc", ColumnRef("public", "p", "k"))
    origins = {c.column.name: c.origin for plan in plans for c in plan.columns}
    assert origins == dict.fromkeys("ka", "its name") | dict.fromkeys(
        "bc", "its name; encrypted as public.p.k, which it refers to"
    )


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("d", ()),
        ("x", ("db.public.t.c: encrypt: of: there is no column x.",)),
        ("made", ("db.public.t.c: encrypt: of: Postgres generates the column made.",)),
    ],
)
def test_another_column_of_any_type_can_be_encrypted_but_it_must_be_there(of: str, expected: tuple[str, ...]) -> None:
    made = Column("made", "date", generated=True, generated_as="d")
    table = Table("public", "t", (Column("c", "text"), Column("d", "date"), made))
    decided = {"t": {"c": {"strategy": "encrypt", "of": of}, "d": {"strategy": "null"}}}
    policy = MaskingPolicy.model_validate({"version": 1, "databases": {"db": {"public": decided}}})

    assert draft_plan([Schema("db", (table,))], policy).problems == expected


def test_a_reference_takes_no_other_columns_values() -> None:
    child = Column("c", "text", references=(ColumnRef("public", "p", "k"),))

    found = problems({"c": (child, {**SEALED, "of": "d"}), "d": (Column("d", "date"), "null")})

    assert any("of would tear it from the columns" in problem for problem in found)


@pytest.mark.parametrize("kind", ["encrypt", "scrub"])
@pytest.mark.parametrize(
    "outer",
    [{"strategy": "json", "paths": {"a": "KIND"}}, {"strategy": "list", "of": "KIND"}],
)
def test_neither_stands_inside_another_strategy(kind: str, outer: dict[str, Any]) -> None:
    text = json.dumps(outer).replace("KIND", kind)

    with pytest.raises(ValidationError, match="it is for whole columns"):
        KINDS[outer["strategy"]].model_validate_json(text)
