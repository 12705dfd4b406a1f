"""Everything that keeps schemas and a policy from making a plan, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sanitizers.decisions import Decisions
from sanitizers.policy import MaskingPolicy
from sanitizers.problems.crowds import find_crowd_problems
from sanitizers.problems.keys import find_key_problems
from sanitizers.problems.links import find_link_problems
from sanitizers.problems.place import Place
from sanitizers.problems.rows import find_row_problems
from sanitizers.problems.shapes import find_shape_problems
from sanitizers.rules import ColumnPath, matches
from sanitizers.schema import Column, Schema

REMEDY = "add it to the policy, or run branchwarden detect --write"


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
            rule = policy.table_rule(schema.database, table.schema, table.name)
            place = Place(schema.database, table, decisions, rule)
            problems += [*_columns(place), *find_key_problems(place)]
            problems += find_link_problems(place.database, table, known, decisions)
            problems += find_crowd_problems(place)
            problems += find_row_problems(place.database, table, policy, decisions)
            problems += find_shape_problems(place)
    return (*problems, *_unknown(schemas, policy), *_unused(schemas, policy, decisions, known))


def _columns(place: Place) -> Iterator[str]:
    for column in place.table.columns:
        strategy = place.strategy(column.name)
        if strategy is not None and (problem := strategy.fits(column)):
            yield f"{place}.{column.name}: {strategy.kind} does not fit: {problem}."
        elif strategy is None and not column.generated:
            yield f"{place}.{column.name} is not covered: {REMEDY}."


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
