"""What our own strategies make is never somebody's, whatever the original was: every strategy, every type it fits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from emulator.postgres import Server
from sanitizers.digests import set_key
from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.proof.judged import judged
from sanitizers.proof.sightings import Tally
from sanitizers.schema import Column, Table
from sanitizers.select import masked_select
from sanitizers.strategies import KINDS, MaskingStrategy

KEY = bytes(range(32))
ROWS = 2000
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "national_id": [{"country": c} for c in ("us", "de", "pl", "fr", "ca", "nl", "kr", "it", "gb_nhs", "ro")],
    "iban": [{"country": c} for c in ("de", "at", "ch", "fr", "gb", "nl", "se", "dk", "ie")],
    "phone": [{}, {"digits": 4}, {"digits": 6}, {"digits": 16}],
    "card": [{}, {"unique": True}],
    "ip": [{}, {"unique": True}],
    "street": [{}, {"unique": True}],
    "full_name": [{}, {"unique": True}],
    "list": [{"of": "email"}, {"of": "phone"}],
}
"""Of strategies with forms that look different; the others as they are."""
MADE_OF_OTHERS = {"constant", "derived", "sql", "json", "json_only", "hstore", "composite"}
STRATEGIES = [
    KINDS[kind].model_validate({"strategy": kind, **parameters})
    for kind in sorted(KINDS.keys() - MADE_OF_OTHERS)
    for parameters in PARAMETERS.get(kind, [{}])
]
TYPES = ("text", "character varying(20)", "bigint", "inet")
LENGTHS = {"character varying(20)": 20}


def plan_of(strategy: MaskingStrategy, type_: str) -> ColumnPlan:
    return ColumnPlan(Column("v", type_, max_length=LENGTHS.get(type_)), strategy)  # type: ignore[arg-type]


CASES = [
    pytest.param(strategy, type_, id=f"{strategy!r}-{type_}")
    for strategy in STRATEGIES
    for type_ in TYPES
    if judged(plan := plan_of(strategy, type_)) and not strategy.fits(plan.column)
]


@pytest.fixture(scope="module")
def conn(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.dsn(), autocommit=True) as opened:
        opened.execute("DROP DATABASE IF EXISTS detectors")
        opened.execute("CREATE DATABASE detectors TEMPLATE template0 ENCODING 'UTF8'")
    with psycopg.connect(postgres.dsn(dbname="detectors"), autocommit=True) as opened:
        yield opened


def fakes(conn: psycopg.Connection[Any], strategy: MaskingStrategy, type_: str, originals: list[str]) -> list[str]:
    plan = plan_of(strategy, type_)
    table = TablePlan(Table("public", "t", (plan.column,)), (plan,))
    set_key(conn, KEY)
    conn.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (v {type_})".encode())
    conn.execute(f"INSERT INTO t SELECT u::{type_} FROM unnest(%s::text[]) u".encode(), (originals,))
    masked = sql.SQL("SELECT v::text FROM ({}) AS m WHERE v IS NOT NULL").format(masked_select(table))
    return [row[0] for row in conn.execute(masked)]


def originals_of(type_: str) -> list[str]:
    match type_:
        case "inet":
            return [f"81.2.{n // 256}.{n % 256}" for n in range(ROWS)]
        case "bigint":
            return [str(4_556_737_586_800_000 + n) for n in range(ROWS)]
        case _:
            return [f"{n}@corp.de +49 30 {n}" for n in range(ROWS)]


@pytest.mark.parametrize(("strategy", "type_"), CASES)
def test_no_fake_is_reported(conn: psycopg.Connection[Any], strategy: MaskingStrategy, type_: str) -> None:
    tally = Tally()
    for fake in fakes(conn, strategy, type_, originals_of(type_)):
        tally.add(fake)

    assert tally.found(judged(plan_of(strategy, type_))) == {}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))), min_size=1))
@pytest.mark.parametrize("kind", ["email", "phone", "full_name", "text", "url", "user_name", "digest"])
def test_no_fake_of_any_text_is_reported(conn: psycopg.Connection[Any], kind: str, texts: list[str]) -> None:
    strategy = KINDS[kind].model_validate({"strategy": kind})
    tally = Tally()

    for fake in fakes(conn, strategy, "text", texts):
        tally.add(fake)

    assert tally.found(judged(plan_of(strategy, "text"))) == {}
