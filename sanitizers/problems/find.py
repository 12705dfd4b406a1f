"""Everything that keeps schemas and a policy from making a plan, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sanitizers.decisions import Decisions
from sanitizers.policy import MaskingPolicy
from sanitizers.problems.links import find_link_problems
from sanitizers.problems.rows import find_row_problems
from sanitizers.problems.shapes import find_shape_problems
from sanitizers.rules import ColumnPath, matches
from sanitizers.schema import Column, Schema, Table
from sanitizers.strategies import Strategy

REMEDY = "add it to the policy, or run branchwarden detect --write"


@dataclass(frozen=True)
class Place:
    """A table with its database and the decisions on it."""

    database: str
    table: Table
    decisions: Decisions

    def path(self, column: str) -> ColumnPath:
        """The full name of a column."""
        return (self.database, self.table.schema, self.table.name, column)

    def strategy(self, column: str) -> Strategy | None:
        """What the policy says about a column, or None."""
        return self.decisions.strategy(self.path(column))

    def __str__(self) -> str:
        return f"{self.database}.{self.table.qualified}"


def find_problems(schemas: Sequence[Schema], policy: MaskingPolicy, decisions: Decisions) -> tuple[str, ...]:
    """Every problem, in a stable order; empty when there is a plan."""
    problems: list[str] = []
    known = {
        (schema.database, table.schema, table.name, column.name): column
        for schema in schemas
        for table in schema.tables
        for column in table.columns
    }
    for schema in schemas:
        for table in schema.tables:
            place = Place(schema.database, table, decisions)
            problems += [*_columns(place), *_keys(place)]
            problems += find_link_problems(place.database, table, known, decisions)
            problems += find_row_problems(place.database, table, policy, decisions)
            problems += find_shape_problems(place.database, table, decisions)
    return (*problems, *_unknown(schemas, policy), *_unused(schemas, policy, decisions, known))


def _columns(place: Place) -> Iterator[str]:
    for column in place.table.columns:
        strategy = place.strategy(column.name)
        if strategy is not None and (problem := strategy.fits(column)):
            yield f"{place}.{column.name}: {strategy.kind} does not fit: {problem}."
        elif strategy is None and not column.generated:
            yield f"{place}.{column.name} is not covered: {REMEDY}."


def _keys(place: Place) -> Iterator[str]:
    """A key of several columns can break, too, unless some of its members tell rows apart by themselves."""
    for key in place.table.unique_keys:
        columns = [column for name in key if (column := place.table.column(name))]
        if len(key) > 1 and not place.table.holds_anyway(key):
            yield from (_key_problem(place, c, key) for c in columns if _repeats(place, c))


def _key_problem(place: Place, column: Column, key: tuple[str, ...]) -> str:
    strategy = place.strategy(column.name)
    kind = strategy.kind if strategy else ""
    return (
        f"{place}.{column.name}: {kind} does not fit: its fakes repeat and the key ({', '.join(key)}) must stay unique."
    )


def _repeats(place: Place, column: Column) -> bool:
    strategy = place.strategy(column.name)
    return strategy is not None and not strategy.keeps_unique


def _unknown(schemas: Sequence[Schema], policy: MaskingPolicy) -> Iterator[str]:
    """What the policy names and the databases do not have; a missing table once, not with every column."""
    known = {schema.database: schema for schema in schemas}
    missing = dict.fromkeys(gap for path in policy.paths() if (gap := _gap(known, path)))
    for place, what in missing:
        yield f"{place} is in the policy, but there is no such {what}: take it out or correct the name."


def _gap(known: Mapping[str, Schema], path: tuple[str, str, str, str]) -> tuple[str, str] | None:
    """The first part of the path that is not there, and what it should be."""
    database, schema, table, column = path
    if database not in known:
        return database, "database"
    found = known[database].table(schema, table)
    if found is None:
        return f"{database}.{schema}.{table}", "table"
    return None if found.column(column) else (f"{database}.{schema}.{table}.{column}", "column")


def _unused(
    schemas: Sequence[Schema], policy: MaskingPolicy, decisions: Decisions, known: Mapping[ColumnPath, Column]
) -> Iterator[str]:
    """Rules that describe nothing: a misspelt one must not pass for a decision."""
    for rule in decisions.unused:
        yield f"[[columns]] {rule.words} describes no column: take it out or correct it."
    places = [(schema.database, table.schema, table.name) for schema in schemas for table in schema.tables]
    for table_rule in policy.tables:
        if not any(matches(table_rule.match, place) for place in places):
            yield f"[[tables]] {table_rule.match} describes no table: take it out or correct it."
    for link in policy.links:
        missing = (end for end in link.ends if end not in known)
        yield from (f"[[links]] {'.'.join(end)}: there is no such column: correct the name." for end in missing)
