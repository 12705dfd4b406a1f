"""Schema x masking policy → masking plan, or every reason why not. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sanitizers.decisions import BY_NAME, Classes, Decision, Decisions, decide, shadowed_notes
from sanitizers.errors import PlanError
from sanitizers.persons import Draws, find_draws, person_of_each_row
from sanitizers.policy import MaskingPolicy
from sanitizers.pools import FALLBACK, Locales
from sanitizers.problems.find import find_problems
from sanitizers.rules import EVERY_ROW, TableRule
from sanitizers.schema import Column, ColumnRef, ForeignKey, Schema, Table
from sanitizers.strategies import Residue, Strategy
from sanitizers.strategies.encrypt import Encrypt
from sanitizers.strategies.scrub import Scrub
from sanitizers.subset import Subset
from sanitizers.wanted import Rows, Wanted, sampled
from sanitizers.widths import narrow

ROW = "t"
"""Alias of the row that a condition is about."""


@dataclass(frozen=True)
class ColumnPlan:
    """A column and how it is masked."""

    column: Column
    strategy: Strategy
    origin: str = BY_NAME
    """Which part of the policy says so."""
    root: ColumnRef | None = None
    """The column that its references lead to in the end, where it has any: equal values of both are encrypted alike."""

    @property
    def masked(self) -> bool:
        """Whether anything happens to the values at all."""
        return self.strategy.masks

    @property
    def inside(self) -> bool:
        """Whether the elements of an array are masked one by one."""
        return self.strategy.inside(self.column)

    @property
    def residue(self) -> Residue:
        """How originals of this column are to be searched for; see `strategies.strategy`."""
        return self.strategy.residue_in(self._values)

    def producible(self, locales: Sequence[str]) -> Collection[str]:
        """The texts that masking can put into this column by chance; needed where `residue` is "pool"."""
        return self.strategy.producible(self._values, locales)

    @property
    def _values(self) -> Column:
        """The column, or its elements where those are masked."""
        return (self.column.inner if self.inside else None) or self.column


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
    rows: Rows = field(default_factory=Rows)
    """Which rows are taken, where not all are."""
    parents: tuple[Parent, ...] = ()
    """The tables that its rows refer to, where a text may hold originals of theirs."""

    @cached_property
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
        return self.empty or self.rows != Rows() or any(c.masked for c in self.columns)

    @property
    def divisible(self) -> bool:
        """Whether parts of the table can be masked one by one, and that is worth it."""
        return not self.parents and not any(c.strategy.whole_table for c in self.columns)

    @property
    def streamed(self) -> bool:
        """Whether Python makes some of its values, so that its rows must pass through here."""
        return any(c.strategy.streamed for c in self.columns)

    @cached_property
    def draws(self) -> Draws:
        """The digests that the fakes of a row are drawn by."""
        return find_draws(self)


@dataclass(frozen=True)
class Parent:
    """A table that another one refers to."""

    key: ForeignKey
    plan: TablePlan


@dataclass(frozen=True)
class DatabasePlan:
    """All tables of a database."""

    database: str
    schema: Schema
    tables: tuple[TablePlan, ...]
    allow_connections: tuple[str, ...] = ()
    """Patterns for objects whose definitions may hold a connection string."""


@dataclass(frozen=True)
class MaskingPlan:
    """A complete plan: every column of every table is covered."""

    databases: tuple[DatabasePlan, ...]
    digest: str
    """SHA-256 (hex) over the schemas' digests and the policy's."""
    notes: tuple[str, ...] = ()
    """What is no problem of the policy and may still not be meant, a sentence each."""

    @property
    def column_count(self) -> int:
        """Columns that the policy covers."""
        return sum(len(table.columns) for database in self.databases for table in database.tables)

    @property
    def masked_count(self) -> int:
        """Columns whose values are changed."""
        return sum(c.masked for database in self.databases for table in database.tables for c in table.columns)


def compile_plan(schemas: Sequence[Schema], policy: MaskingPolicy, classes: Classes | None = None) -> MaskingPlan:
    """Compile the plan. Raises PlanError with a sentence for every problem there is; never half a plan."""
    draft = draft_plan(schemas, policy, classes)
    if draft.plan is None:
        raise PlanError(draft.problems)
    return draft.plan


@dataclass(frozen=True)
class Draft:
    """What the policy makes of the schemas, with its problems: to be looked at and tried, never to be run."""

    databases: tuple[DatabasePlan, ...]
    """Tables with the columns that are covered. Every row is taken where there are problems."""
    digest: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    """As those of the plan."""

    @property
    def plan(self) -> MaskingPlan | None:
        """The plan, if nothing is wrong."""
        return None if self.problems else MaskingPlan(self.databases, self.digest, self.notes)

    @property
    def sound(self) -> tuple[DatabasePlan, ...]:
        """The same without tables that a problem names."""
        return tuple(
            replace(d, tables=tuple(t for t in d.tables if not self._named(f"{d.database}.{t.table.qualified}")))
            for d in self.databases
        )

    def _named(self, place: str) -> bool:
        return any(place in problem for problem in self.problems)


def draft_plan(schemas: Sequence[Schema], policy: MaskingPolicy, classes: Classes | None = None) -> Draft:
    """Compile as far as it goes.

    Args:
        schemas: of every database that is to be copied.
        policy: what the team decided.
        classes: what a detector found, for rules that speak of classes.
    """
    schemas, decisions = narrow(schemas, decide(schemas, policy, classes))
    problems = find_problems(schemas, policy, decisions)
    whole = [_plan_database(schema, policy, decisions) for schema in schemas]
    subsets = [_subset(database, policy) for database in whole]
    problems += tuple(problem for subset in subsets for problem in subset.problems)
    if policy.share is not None and not any(subset.restricts for subset in subsets):
        problems += ('no table has a row for each person, so that nothing says what to sample: give rows = "5%"',)
    parts = sorted([schema.database, schema.digest] for schema in schemas)
    digest = hashlib.sha256(json.dumps([parts, policy.digest]).encode()).hexdigest()
    restricted = whole if problems else [_restricted(d, s) for d, s in zip(whole, subsets, strict=True)]
    notes = (*shadowed_notes(decisions), *_whole_notes(whole, subsets, policy))
    return Draft(tuple(restricted), digest, tuple(problems), notes)


def _whole_notes(plans: Sequence[DatabasePlan], subsets: Sequence[Subset], policy: MaskingPolicy) -> Iterator[str]:
    """Tables of people's data that a sample takes whole although nobody said so."""
    if policy.share is None:
        return
    for plan, subset in zip(plans, subsets, strict=True):
        people = (t for t in plan.tables if t.masked and not t.rule.says_rows)
        whole = [t.table.qualified for t in people if not subset.limits(t.table)]
        if whole:
            yield (
                f"{plan.database}: the sample takes {', '.join(whole)} whole, since nothing says whose their rows are:"
                ' say rows = "5%" or rows = "all" in a [[tables]] rule'
            )


def _subset(plan: DatabasePlan, policy: MaskingPolicy) -> Subset:
    wanted = {}
    for table in plan.tables:
        person = person_of_each_row(table)
        asked = policy.share if person is not None and not table.rule.says_rows else None
        share = table.rule.share or asked
        source = sampled(table.table, person) if share else None
        wanted[table.table.schema, table.table.name] = Wanted(table.rule, share, source)
    return Subset(plan.schema, wanted, tuple(_links(plan.database, policy)), ROW)


def _links(database: str, policy: MaskingPolicy) -> Iterator[tuple[tuple[str, str], ForeignKey]]:
    """The policy's links within one database, as what they stand for; by the table that refers."""
    for link in policy.links:
        (of, schema, table, column), (to, *parent, target) = link.ends
        if of == to == database:
            yield (schema, table), ForeignKey((column,), parent[0], parent[1], (target,))


def _restricted(plan: DatabasePlan, subset: Subset) -> DatabasePlan:
    tables = (replace(t, rows=subset.rows((t.table.schema, t.table.name))) for t in plan.tables)
    return replace(plan, tables=tuple(tables))


def _plan_database(schema: Schema, policy: MaskingPolicy, decisions: Decisions) -> DatabasePlan:
    tables = tuple(_plan_table(schema.database, table, policy, decisions) for table in schema.tables)
    by_name = {(t.table.schema, t.table.name): t for t in tables}
    linked = tuple(replace(t, parents=_parents(t, by_name)) for t in tables)
    return DatabasePlan(schema.database, schema, linked, policy.allow_connections)


def _parents(table: TablePlan, by_name: Mapping[tuple[str, str], TablePlan]) -> tuple[Parent, ...]:
    """Whose masked values a text of the table's rows may hold."""
    if not any(isinstance(c.strategy, Scrub) for c in table.columns):
        return ()
    found = (Parent(key, by_name[key.schema, key.table]) for key in table.table.foreign_keys if not key.period)
    return tuple(p for p in found if p.plan.columns and any(c.masked for c in p.plan.columns))


def _plan_table(database: str, table: Table, policy: MaskingPolicy, decisions: Decisions) -> TablePlan:
    place = (database, table.schema, table.name)
    paths = {column.name: (*place, column.name) for column in table.columns}
    columns = tuple(
        _plan_column(column, decision, (ColumnRef(*paths[column.name][1:]), decisions.root(paths[column.name])))
        for column in table.columns
        if (decision := decisions.by_column.get(paths[column.name]))
    )
    linked = frozenset(name for name, path in paths.items() if path in decisions.linked)
    return TablePlan(table, columns, policy.table_rule(*place), linked, policy.locale)


def _plan_column(column: Column, decision: Decision, places: tuple[ColumnRef, ColumnRef | None]) -> ColumnPlan:
    """`places`: the column's own, and that of the column that its references lead to."""
    own, root = places
    told = isinstance(decision.strategy, Encrypt) and root not in {None, own}
    origin = f"{decision.origin}; encrypted as {root}, which it refers to" if told else decision.origin
    return ColumnPlan(column, decision.strategy, origin, root)
