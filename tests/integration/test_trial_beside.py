"""Several connections share the tables of a trial: the same problems in the same order, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from sanitizers.engines.rebuild import prepare_session
from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import parse_policy
from sanitizers.schema import read_schema
from sanitizers.trial import try_plan
from tests.fix_postgres import TestDatabase

TABLES = 12
TABLE = "CREATE TABLE t{n} (id int, v text CHECK (v LIKE 'Zq%')); INSERT INTO t{n} VALUES (1, 'Zq{n}');"
POLICY = 'version = 1\n[[columns]]\nmatch = "*.v"\nstrategy = "digest"\n[[columns]]\nmatch = "*"\nstrategy = "keep"\n'

Conns = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]


@pytest.fixture
def conns(database: TestDatabase) -> Iterator[Conns]:
    with psycopg.connect(database.dsn) as one, psycopg.connect(database.dsn) as other:
        one.execute("".join(TABLE.format(n=n) for n in range(TABLES)).encode())
        one.commit()
        yield one, other


def plan_of(conn: psycopg.Connection[Any]) -> DatabasePlan:
    (plan,) = compile_plan([read_schema(conn)], parse_policy(POLICY, "masking.toml")).databases
    conn.rollback()
    return plan


def test_problems_come_in_the_order_of_the_tables(conns: Conns) -> None:
    one, other = conns
    plan = plan_of(one)

    shared = try_plan(one, plan, beside=[other])

    assert shared == try_plan(one, plan)
    assert len(shared) == TABLES
    assert {conn.info.transaction_status for conn in conns} == {TransactionStatus.IDLE}


def test_a_connection_that_is_lost_ends_the_trial(conns: Conns) -> None:
    one, other = conns
    plan = plan_of(one)
    other.close()

    with pytest.raises(psycopg.OperationalError):
        try_plan(one, plan, beside=[other])

    assert one.info.transaction_status == TransactionStatus.IDLE


def test_no_session_of_a_run_compiles_its_statements(conns: Conns) -> None:
    one, _ = conns
    one.execute("SET jit = on")
    one.commit()

    prepare_session(one)

    assert one.execute("SHOW jit").fetchone() == ("off",)
