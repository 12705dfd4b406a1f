"""What the tests of the in-place engine share: a database, a plan, a run, and all that must be the same after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from emulator.binaries import Binaries
from sanitizers.engines.rewrite import CopyReport, RewriteRun, rewrite_database
from sanitizers.plan import DatabasePlan, compile_plan
from sanitizers.policy import MaskingPolicy
from sanitizers.schema import Schema, read_schema
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import KEY, connector

HARD_SCHEMA = Path(__file__).with_name("rewrite_hard_schema.sql")

HARD = {
    "public.people.first_name": "first_name",
    "public.people.last_name": "last_name",
    "public.people.email": "email",
    "public.people.phone": "phone",
    "public.people.note": "null",
    "public.people.biography": "null",
    "public.kept.holder": "email",
    "public.cities.mayor": "full_name",
    "public.cards.holder": "first_name",
    "public.events.who": "full_name",
    "public.accounts.id": "digest",
    "public.lorries.driver": "full_name",
    "public.secrets.owner_name": "full_name",
}

USER_RELATION = "relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)"
NOT_IN_THE_DUMP = f"""
SELECT pubname, pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication ORDER BY 1;
SELECT oid::regclass::text, relkind, relreplident, relacl::text, reloptions, relrowsecurity, relforcerowsecurity,
  relispopulated, pg_get_userbyid(relowner), obj_description(oid, 'pg_class')
FROM pg_class WHERE {USER_RELATION} ORDER BY 1;
SELECT a.attrelid::regclass::text, a.attnum, a.attname, a.attstattarget, a.attstorage, a.attcompression, a.attnotnull,
  a.attcollation, a.attacl::text, a.attoptions, a.attidentity, a.attislocal, a.attinhcount,
  col_description(a.attrelid, a.attnum)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.{USER_RELATION} ORDER BY 1, 2;
SELECT conrelid::regclass::text, conname, contype, convalidated, condeferrable, condeferred, conislocal, coninhcount,
  obj_description(oid, 'pg_constraint'), pg_get_constraintdef(oid)
FROM pg_constraint WHERE conparentid = 0 AND conrelid > 16384 ORDER BY 1, 2;
SELECT i.indexrelid::regclass::text, i.indisclustered, i.indisvalid, i.indisreplident, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.{USER_RELATION} ORDER BY 1;
SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger
WHERE NOT tgisinternal OR (tgparentid <> 0 AND tgname !~ '^RI_') ORDER BY 1, 2;
SELECT ev_class::regclass::text, rulename, ev_enabled FROM pg_rewrite WHERE oid > 16384 ORDER BY 1, 2;
SELECT stxname, stxstattarget, pg_get_userbyid(stxowner), obj_description(oid, 'pg_statistic_ext'),
  pg_get_statisticsobjdef(oid) FROM pg_statistic_ext ORDER BY 1;
SELECT nspname, nspacl::text, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1;
SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2
"""


@dataclass
class RewriteCase:
    """A database that is masked where it is."""

    database: TestDatabase
    plan: DatabasePlan
    passwords: Mapping[str, str] = field(default_factory=dict)

    def run(self, **changes: Any) -> RewriteRun:
        arguments: dict[str, Any] = {
            "connect": connector(self.database, self.passwords),
            "plan": self.plan,
            "key": KEY,
            "roles": tuple(self.passwords),
        }
        return RewriteRun(**arguments | changes)

    def rewrite(self, **changes: Any) -> CopyReport:
        return rewrite_database(self.run(**changes), lambda _: None)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.admin_dsn) as conn:
            return conn.execute(query.encode()).fetchall()

    def execute(self, script: str) -> None:
        with psycopg.connect(self.database.dsn) as conn:
            conn.execute(script.encode())

    def looks(self) -> list[Any]:
        """Everything about the schema and its settings, from a dump and beside it."""
        return [self._dump(), *(self.rows(query) for query in NOT_IN_THE_DUMP.split(";"))]

    def _dump(self) -> list[str]:
        # By the newest pg_dump, which reads every older server: some packages have none.
        text = Binaries.find(18).run("pg_dump", "--schema-only", self.database.admin_dsn)
        return [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]

    def contents(self) -> dict[str, list[str]]:
        """Every row of every table and materialized view as text, sorted."""
        names = self.rows(
            "SELECT oid::regclass::text FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace"
            " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')"
            " AND (relkind = 'r' OR (relkind = 'm' AND relispopulated)) ORDER BY 1"
        )
        return {
            name: sorted(str(row[0]) for row in self.rows(f"SELECT t::text FROM ONLY {name} t")) for (name,) in names
        }

    def statistics(self) -> list[str]:
        """All that the planner remembers of values, by the column that they are of."""
        columns = (
            "SELECT format('%s %s %s', starelid::regclass, staattnum, s) FROM pg_statistic s WHERE starelid > 16384"
        )
        extended = "SELECT format('%s %s', stxdmcv, stxdexpr) FROM pg_statistic_ext_data"
        return [row[0] for query in (columns, extended) for row in self.rows(query)]


def make_rewrite_case(database: TestDatabase, script: str, strategies: Mapping[str, Any] | None = None) -> RewriteCase:
    """Run the script as the database's owner, a transaction for each paragraph, and plan."""
    with psycopg.connect(database.dsn, autocommit=True) as conn:
        for part in script.split("\n\n"):
            conn.execute(part.encode())
    with psycopg.connect(database.dsn) as conn:
        return RewriteCase(database, plan_of(read_schema(conn), strategies or {}))


def plan_of(schema: Schema, strategies: Mapping[str, Any]) -> DatabasePlan:
    """Keep everything but the columns given as `schema.table.column` → strategy."""
    tables: dict[str, dict[str, Any]] = {}
    for table in schema.tables:
        chosen = {c.name: strategies.get(f"{table.qualified}.{c.name}", "keep") for c in table.columns}
        columns = {name: {"strategy": s} if isinstance(s, str) else s for name, s in chosen.items()}
        generated = {c.name for c in table.columns if c.generated}
        tables.setdefault(table.schema, {})[table.name] = {n: s for n, s in columns.items() if n not in generated}
    policy = MaskingPolicy.model_validate({"version": 1, "databases": {schema.database: tables}})
    return compile_plan([schema], policy).databases[0]
