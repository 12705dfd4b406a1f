"""Schema x masking policy → masking plan, or every reason why not. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sanitizers.errors import PlanError
from sanitizers.plan_problems import find_problems
from sanitizers.policy import MaskingPolicy
from sanitizers.pools import Pools
from sanitizers.schema import Column, Schema, Table
from sanitizers.strategies import Residue, Strategy


@dataclass(frozen=True)
class ColumnPlan:
    """A column and how it is masked."""

    column: Column
    strategy: Strategy

    @property
    def masked(self) -> bool:
        """Whether anything happens to the values at all."""
        return self.strategy.masks

    @property
    def residue(self) -> Residue:
        """How originals of this column are to be searched for; see `strategies.strategy`."""
        return self.strategy.residue_in(self.column)

    def producible(self, pools: Pools) -> Collection[str]:
        """The texts that masking can put into this column by chance; needed where `residue` is "pool"."""
        return self.strategy.producible(self.column, pools)


@dataclass(frozen=True)
class TablePlan:
    """A table with every column that is copied, in the catalog's order; generated ones are not."""

    table: Table
    columns: tuple[ColumnPlan, ...]


@dataclass(frozen=True)
class DatabasePlan:
    """All tables of a database. `locale` says which pools it draws from."""

    database: str
    schema: Schema
    tables: tuple[TablePlan, ...]
    locale: str = "en_US"


@dataclass(frozen=True)
class MaskingPlan:
    """A complete plan: every column of every table is covered."""

    databases: tuple[DatabasePlan, ...]
    digest: str
    """SHA-256 (hex) over the schemas' digests and the policy's."""

    @property
    def column_count(self) -> int:
        """Columns that the policy covers."""
        return sum(len(table.columns) for database in self.databases for table in database.tables)

    @property
    def masked_count(self) -> int:
        """Columns whose values are changed."""
        return sum(c.masked for database in self.databases for table in database.tables for c in table.columns)


def compile_plan(schemas: Sequence[Schema], policy: MaskingPolicy) -> MaskingPlan:
    """Compile the plan.

    Raises:
        PlanError: with a sentence for every problem there is; never half a plan.
    """
    problems = find_problems(schemas, policy)
    if problems:
        raise PlanError(problems)
    parts = [[schema.database, schema.digest] for schema in schemas]
    digest = hashlib.sha256(json.dumps([sorted(parts), policy.digest]).encode()).hexdigest()
    return MaskingPlan(tuple(_plan_database(schema, policy) for schema in schemas), digest)


def _plan_database(schema: Schema, policy: MaskingPolicy) -> DatabasePlan:
    tables = tuple(_plan_table(schema.database, table, policy) for table in schema.tables)
    return DatabasePlan(schema.database, schema, tables, policy.locale)


def _plan_table(database: str, table: Table, policy: MaskingPolicy) -> TablePlan:
    decided = ((c, policy.strategy((database, table.schema, table.name, c.name))) for c in table.columns)
    return TablePlan(table, tuple(ColumnPlan(c, s) for c, s in decided if s is not None))
