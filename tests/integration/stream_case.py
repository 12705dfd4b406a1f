"""What the tests of the clean-room engine share: a source, a target of the same schema, a plan, a run. No fixtures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sanitizers.engines.rebuild import Connect
from sanitizers.engines.stream import CopyReport, CopyRun, Progress, copy_database
from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import MaskingPolicy
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.roads import Road
from sanitizers.proof.roads.columns import Columns
from sanitizers.proof.roads.definitions import Definitions
from sanitizers.proof.roads.generated import Generated
from sanitizers.proof.roads.key import MaskingKeyRoad
from sanitizers.proof.roads.matviews import MaterializedViews
from sanitizers.proof.roads.shape import Shape
from sanitizers.proof.roads.statistics import Statistics
from sanitizers.proof.verify import VerifyRun, verify_database
from sanitizers.schema import read_schema
from tests.fix_postgres import TestDatabase

KEY = bytes(range(32))
OF_THE_SEARCH: tuple[Road, ...] = (
    Columns(),
    Statistics(),
    MaterializedViews(),
    Generated(),
    Definitions(),
    MaskingKeyRoad(),
    Shape(),
)
"""Roads that do not mind how a test has planted something; an UPDATE leaves dead rows."""
HARD_SCHEMA = Path(__file__).with_name("stream_hard_schema.sql")


PEOPLE = {
    "public.people.first_name": "first_name",
    "public.people.last_name": "last_name",
    "public.people.email": "email",
    "public.people.phone": "phone",
    "public.people.note": "null",
    "public.people.born": "date_shift",
    "public.people.tags": "null",
    "public.people.profile": "null",
    "public.people.home": "null",
    'public.Odd "Table".y.e.mail': "email",
    "sales.orders.note": "digest",
}


def connector(database: TestDatabase, passwords: Mapping[str, str] | None = None) -> Connect:
    """Connects as the run's role, or as an API role whose password is given."""

    def connect(role: str | None) -> psycopg.Connection:
        if role is None:
            return psycopg.connect(database.dsn)
        return psycopg.connect(database.server.dsn(user=role, password=(passwords or {})[role], dbname=database.name))

    return connect


def dump(database: TestDatabase) -> str:
    """The schema as pg_dump writes it, comments and its random tokens left out."""
    text = database.server.binaries.run("pg_dump", "--schema-only", database.admin_dsn)
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(("--", "\\")))


def clone_schema(source: TestDatabase, target: TestDatabase) -> None:
    """Give the target the source's schema, as a schema-only branch has it."""
    script = source.server.binaries.run("pg_dump", "--schema-only", source.admin_dsn)
    script = script.replace("CREATE SCHEMA public;", "CREATE SCHEMA IF NOT EXISTS public;")
    source.server.binaries.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", target.admin_dsn, script=script)


def make_plan(source: TestDatabase, strategies: Mapping[str, Any] | None = None) -> DatabasePlan:
    """Keep everything but the columns given as `schema.table.column` → strategy."""
    return plan_of(source.dsn, strategies)


def plan_of(dsn: str, strategies: Mapping[str, Any] | None = None) -> DatabasePlan:
    """The same by connection string."""
    with psycopg.connect(dsn) as conn:
        schema = read_schema(conn)
    chosen = dict(strategies or {})
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for table in schema.tables:
        columns = {
            c.name: _expand(chosen.pop(f"{table.qualified}.{c.name}", "keep")) for c in table.columns if not c.generated
        }
        tables.setdefault(table.schema, {})[table.name] = columns
    assert not chosen, chosen
    policy = MaskingPolicy.model_validate({"version": 1, "databases": {schema.database: tables}})
    return compile_plan([schema], policy).databases[0]


def _expand(strategy: Any) -> Any:
    return {"strategy": strategy} if isinstance(strategy, str) else strategy


class GivenUpError(Exception):
    """A test wanted no more."""


@dataclass
class Case:
    """A source with rows, a target with the same schema and none, and what to do."""

    source: TestDatabase
    target: TestDatabase
    plan: DatabasePlan
    passwords: Mapping[str, str] = field(default_factory=dict)

    def run(self, **changes: Any) -> CopyRun:
        arguments: dict[str, Any] = {
            "source": connector(self.source, self.passwords),
            "target": connector(self.target, self.passwords),
            "plan": self.plan,
            "key": KEY,
        }
        return CopyRun(**arguments | changes)

    def copy(self, **changes: Any) -> CopyReport:
        return copy_database(self.run(**changes), lambda _: None)

    def give_up(self, step: str, **changes: Any) -> None:
        """Copy up to a step."""

        def raise_at(progress: Progress) -> None:
            if progress.step == step:
                raise GivenUpError

        with pytest.raises(GivenUpError):
            copy_database(self.run(**changes), raise_at)

    def verify(self, **changes: Any) -> DatabaseProof:
        run = self.run()
        arguments: dict[str, Any] = {name: getattr(run, name) for name in ("source", "target", "plan", "key")}
        return verify_database(VerifyRun(**arguments | {"seed": 1, "roads": OF_THE_SEARCH} | changes), lambda _: None)

    def execute(self, script: str, *, of: TestDatabase | None = None) -> None:
        with psycopg.connect((of or self.target).dsn) as conn:
            conn.execute(script.encode())

    def rows(self, query: str, *, of: TestDatabase | None = None) -> list[tuple[Any, ...]]:
        with psycopg.connect((of or self.target).admin_dsn) as conn:
            return conn.execute(query).fetchall()


def make_case(
    make_database: Callable[[], TestDatabase], script: str, strategies: Mapping[str, Any] | None = None
) -> Case:
    """Run the script on a new source as its owner, clone the schema to a new target, and plan."""
    return fill_case(make_database(), make_database(), script, strategies)


def fill_case(
    source: TestDatabase, target: TestDatabase, script: str, strategies: Mapping[str, Any] | None = None
) -> Case:
    """The same with two databases that are there."""
    with psycopg.connect(source.dsn) as conn:
        conn.execute(script.encode())
    clone_schema(source, target)
    return Case(source, target, make_plan(source, strategies))
