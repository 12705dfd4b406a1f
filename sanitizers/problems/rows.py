"""What speaks against a policy's word on the rows of a table, one sentence each. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sanitizers.conditions import condition_problem
from sanitizers.decisions import Decisions
from sanitizers.policy import MaskingPolicy
from sanitizers.rules import TableRule
from sanitizers.schema import Table


def find_row_problems(database: str, table: Table, policy: MaskingPolicy, decisions: Decisions) -> Iterator[str]:
    """Every problem of the table's rule and of the conditions on its columns."""
    rule = policy.table_rule(database, table.schema, table.name)
    place = f"{database}.{table.qualified}"
    yield from _names(place, table, rule)
    yield from _conditions(database, table, rule, decisions)
    yield from _rows_that_are_referred_to(database, table, policy, decisions)
    path = (database, table.schema, table.name)
    torn = [
        c.name for c in table.columns if (*path, c.name) in decisions.linked and _masked(decisions, (*path, c.name))
    ]
    if rule.keep_rows and torn:
        yield (
            f"{place}: keep_rows would tear {', '.join(torn)} from the columns that they refer to or that refer to"
            " them: use keep_values at both ends."
        )


def _masked(decisions: Decisions, path: tuple[str, str, str, str]) -> bool:
    strategy = decisions.strategy(path)
    return strategy is not None and strategy.masks


def _names(place: str, table: Table, rule: TableRule) -> Iterator[str]:
    for name in (
        *rule.person,
        *filter(None, (rule.locale_column,)),
        *(n for names in rule.quasi_identifiers for n in names),
    ):
        if table.column(name) is None:
            yield f"{place} has no column {name}, which its [[tables]] rule names: correct the rule."


def _conditions(database: str, table: Table, rule: TableRule, decisions: Decisions) -> Iterator[str]:
    place = f"{database}.{table.qualified}"
    names = tuple(column.name for column in table.columns)
    for what, text in (("rows", rule.condition), ("keep_rows", rule.keep_rows)):
        if text and (problem := condition_problem(text, names)):
            yield f"{place}: {what}: {problem}."
    for column in table.columns:
        strategy = decisions.strategy((database, table.schema, table.name, column.name))
        if strategy is not None and strategy.keep_if and (problem := condition_problem(strategy.keep_if, names)):
            yield f"{place}.{column.name}: keep_if: {problem}."


def _rows_that_are_referred_to(
    database: str, table: Table, policy: MaskingPolicy, decisions: Decisions
) -> Iterator[str]:
    """A row that stays must not refer to one of a table that becomes empty."""
    if policy.table_rule(database, table.schema, table.name).rows == "none":
        return
    for column in table.columns:
        strategy = decisions.strategy((database, table.schema, table.name, column.name))
        if strategy is not None and strategy.kind == "null":
            continue
        for ref in column.references:
            if policy.table_rule(database, ref.schema, ref.table).rows == "none":
                yield (
                    f"{database}.{table.qualified}.{column.name} refers to {ref.schema}.{ref.table}, of which no row is"
                    ' taken: give this table rows = "none" as well, or make the column null.'
                )
