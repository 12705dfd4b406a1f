"""What the tests of other projects' issues share: one script, masked by either engine, beside a twin that is not."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

import psycopg
import pytest

from emulator.binaries import Binaries
from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.engines.stream import CopyReport, CopyRun, copy_database
from sanitizers.errors import PlanError
from sanitizers.plan import DatabasePlan
from sanitizers.track import Progress
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import KEY, connector, plan_of

Engine = Literal["clean-room", "in-place"]
MakeDatabase = Callable[[], TestDatabase]

both_engines = pytest.mark.parametrize("engine", ["clean-room", "in-place"])
"""The test is about what is written, so it holds for either engine."""


@dataclass(frozen=True)
class Twins:
    """Two databases of one script: `original` keeps its rows, `masked` has the fakes once `run` was called."""

    engine: Engine
    original: TestDatabase
    masked: TestDatabase
    plan: DatabasePlan

    def run(self, progress: Callable[[Progress], None] = lambda _: None, **changes: Any) -> CopyReport:
        """Mask; changes are fields of the run."""
        common: dict[str, Any] = {"plan": self.plan, "key": KEY} | changes
        if self.engine == "clean-room":
            source, target = connector(self.original), connector(self.masked)
            return copy_database(CopyRun(**{"source": source, "target": target} | common), progress)
        return rewrite_database(RewriteRun(**{"connect": connector(self.masked)} | common), progress)

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Of the masked database."""
        return query_rows(self.masked, query)

    def originals(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Of the other one."""
        return query_rows(self.original, query)


def query_rows(database: TestDatabase, query: LiteralString) -> list[tuple[Any, ...]]:
    """As the superuser, whom nothing is hidden from."""
    with psycopg.connect(database.admin_dsn) as conn:
        return conn.execute(query).fetchall()


def execute(database: TestDatabase, script: str) -> None:
    """As the owner, a transaction for each paragraph."""
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        for part in script.split("\n\n"):
            conn.execute(part.encode())


def clone_schema(source: TestDatabase, target: TestDatabase) -> None:
    """Give the target the source's schema, by the newest programs: some packages of older versions have none."""
    tools = Binaries.find(18)
    script = tools.run("pg_dump", "--schema-only", source.admin_dsn)
    script = script.replace("CREATE SCHEMA public;", "CREATE SCHEMA IF NOT EXISTS public;")
    script = script.replace("SET transaction_timeout = 0;\n", "")  # versions before 17 do not know it
    tools.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", target.admin_dsn, script=script)


def make_twins(
    make_database: MakeDatabase, engine: Engine, script: str, strategies: Mapping[str, Any] | None = None
) -> Twins:
    """Run the script as the owner; keep every column but those given as `schema.table.column` → strategy."""
    original, masked = make_database(), make_database()
    execute(original, script)
    if engine == "clean-room":
        clone_schema(original, masked)
    else:
        execute(masked, script)
    return Twins(engine, original, masked, plan_of((original if engine == "clean-room" else masked).dsn, strategies))


def make_masked(
    make_database: MakeDatabase, engine: Engine, script: str, strategies: Mapping[str, Any] | None = None
) -> Twins:
    """The same, masked."""
    twins = make_twins(make_database, engine, script, strategies)
    twins.run()
    return twins


def refusal(database: TestDatabase, script: str, strategies: Mapping[str, Any]) -> str:
    """Why there is no plan for the script's database."""
    execute(database, script)
    with pytest.raises(PlanError) as caught:
        plan_of(database.dsn, strategies)
    return str(caught.value)


def everything_said(error: BaseException) -> str:
    """The error as the most talkative reporter shows it: causes, contexts, local variables of our own frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [repr(frame.locals) for frame in shown.stack if "sanitizers/" in frame.filename]
    return "\n".join([*shown.format_exception_only(), repr(error.__cause__), repr(error.__context__), *frames])
