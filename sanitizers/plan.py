"""Schema x masking policy → masking plan, or every reason why not. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from sanitizers.decisions import BY_NAME, Classes, Decisions, decide
from sanitizers.errors import PlanError
from sanitizers.persons import Draws, find_draws
from sanitizers.plan_problems import find_problems
from sanitizers.policy import MaskingPolicy
from sanitizers.pools import FALLBACK, Locales
from sanitizers.rules import EVERY_ROW, TableRule
from sanitizers.schema import Column, Schema, Table
from sanitizers.strategies import Residue, Strategy


@dataclass(frozen=True)
class ColumnPlan:
    """A column and how it is masked."""

    column: Column
    strategy: Strategy
    origin: str = BY_NAME
    """Which part of the policy says so."""

    @property
    def masked(self) -> bool:
        """Whether anything happens to the values at all."""
        return self.strategy.masks

    @property
    def residue(self) -> Residue:
        """How originals of this column are to be searched for; see `strategies.strategy`."""
        return self.strategy.residue_in(self.column)

    def producible(self, locales: Sequence[str]) -> Collection[str]:
        """The texts that masking can put into this column by chance; needed where `residue` is "pool"."""
        return self.strategy.producible(self.column, locales)


@dataclass(frozen=True)
class TablePlan:
    """A table with every column that is copied, in the catalog's order; generated ones are not."""

    table: Table
    columns: tuple[ColumnPlan, ...]
    rule: TableRule = EVERY_ROW
    linked: frozenset[str] = frozenset()
    """Columns that refer to another one or are referred to."""
    locale: str = FALLBACK
    """The policy's; rows may have their own."""

    @property
    def locales(self) -> Locales:
        """Where the fakes come from."""
        return self.rule.of(self.locale)

    @property
    def empty(self) -> bool:
        """Whether no row is taken at all."""
        return self.rule.rows == "none"

    @property
    def masked(self) -> bool:
        """Whether the table differs from the original's in any way: values or rows."""
        return self.empty or bool(self.rule.condition) or any(c.masked for c in self.columns)

    @property
    def divisible(self) -> bool:
        """Whether parts of the table can be masked one by one."""
        return not any(c.strategy.whole_table for c in self.columns)

    @cached_property
    def draws(self) -> Draws:
        """The digests that the fakes of a row are drawn by."""
        return find_draws(self)


@dataclass(frozen=True)
class DatabasePlan:
    """All tables of a database."""

    database: str
    schema: Schema
    tables: tuple[TablePlan, ...]

    @property
    def locales(self) -> tuple[str, ...]:
        """Every locale that fakes may come from."""
        return tuple(dict.fromkeys(name for table in self.tables for name in table.locales.all))


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


def compile_plan(schemas: Sequence[Schema], policy: MaskingPolicy, classes: Classes | None = None) -> MaskingPlan:
    """Compile the plan. `classes` is what a detector found, for rules that speak of classes.

    Raises:
        PlanError: with a sentence for every problem there is; never half a plan.
    """
    decisions = decide(schemas, policy, classes)
    problems = find_problems(schemas, policy, decisions)
    if problems:
        raise PlanError(problems)
    parts = [[schema.database, schema.digest] for schema in schemas]
    digest = hashlib.sha256(json.dumps([sorted(parts), policy.digest]).encode()).hexdigest()
    return MaskingPlan(tuple(_plan_database(schema, policy, decisions) for schema in schemas), digest)


def _plan_database(schema: Schema, policy: MaskingPolicy, decisions: Decisions) -> DatabasePlan:
    tables = tuple(_plan_table(schema.database, table, policy, decisions) for table in schema.tables)
    return DatabasePlan(schema.database, schema, tables)


def _plan_table(database: str, table: Table, policy: MaskingPolicy, decisions: Decisions) -> TablePlan:
    place = (database, table.schema, table.name)
    paths = {column.name: (*place, column.name) for column in table.columns}
    columns = tuple(
        ColumnPlan(column, decision.strategy, decision.origin)
        for column in table.columns
        if (decision := decisions.by_column.get(paths[column.name]))
    )
    linked = frozenset(name for name, path in paths.items() if path in decisions.linked)
    return TablePlan(table, columns, policy.table_rule(*place), linked, policy.locale)
