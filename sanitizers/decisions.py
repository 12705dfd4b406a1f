"""Masking policy x schema → the decision on every column, and where it comes from. Pure.

The column's own name wins, then the first `[[columns]]` rule that gives a pattern, then one that gives a class, then
one that gives a type. A column that none of them covers is not decided, and the plan refuses it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sanitizers.policy import MaskingPolicy
from sanitizers.rules import ColumnPath, ColumnRule
from sanitizers.schema import Column, ColumnRef, Schema
from sanitizers.strategies import Strategy

Classes = Mapping[ColumnPath, str]
"""Classes of personal data by column, as a detector found them; needed by rules that speak of classes alone."""

References = Mapping[ColumnPath, tuple[ColumnPath, ...]]
"""What each column refers to."""

BY_NAME = "its name"


@dataclass(frozen=True)
class Decision:
    """What becomes of a column, and the part of the policy that says so."""

    strategy: Strategy
    origin: str = BY_NAME


@dataclass(frozen=True)
class Decisions:
    """Every decision on the columns of some databases."""

    by_column: Mapping[ColumnPath, Decision]
    unused: tuple[ColumnRule, ...]
    """Rules that describe no column at all: a misspelt pattern must not pass for a decision."""
    shadowed: tuple[ColumnRule, ...]
    """Rules that decide no column, since others come before them wherever they fit."""
    linked: Collection[ColumnPath]
    """Columns that refer to another one, or that another one refers to."""
    references: References
    """By foreign keys and by the policy's links."""

    def strategy(self, path: ColumnPath) -> Strategy | None:
        """The strategy of a column, or None."""
        decision = self.by_column.get(path)
        return decision.strategy if decision else None

    def root(self, path: ColumnPath) -> ColumnRef | None:
        """The one column of all that references connect with this one under whose name they are encrypted, or None."""
        return ColumnRef(*self._roots[path][1:]) if path in self._roots else None

    @cached_property
    def _roots(self) -> Mapping[ColumnPath, ColumnPath]:
        """The first, by name, of those that refer to no other; in a circle the first of all."""
        groups = connected(self.references)
        firsts = (min([path for path in group if path not in self.references] or group) for group in groups)
        return {path: first for group, first in zip(groups, firsts, strict=True) for path in group}


def connected(references: References) -> list[set[ColumnPath]]:
    """Groups of columns that references connect, however many steps apart."""
    beside: dict[ColumnPath, set[ColumnPath]] = {}
    for child, parents in references.items():
        for parent in parents:
            beside.setdefault(child, set()).add(parent)
            beside.setdefault(parent, set()).add(child)
    groups: list[set[ColumnPath]] = []
    seen: set[ColumnPath] = set()
    for start in beside:
        if start in seen:
            continue
        group, waiting = set[ColumnPath](), [start]
        while waiting:
            path = waiting.pop()
            if path not in group:
                group.add(path)
                waiting += beside[path]
        seen |= group
        groups.append(group)
    return groups


def decide(schemas: Sequence[Schema], policy: MaskingPolicy, classes: Classes | None = None) -> Decisions:
    """Decide on every column that the policy covers."""
    rules = sorted(policy.columns, key=lambda rule: rule.rank)
    decided: dict[ColumnPath, Decision] = {}
    used, deciding = set[ColumnRule](), set[ColumnRule]()
    for path, column in _columns(schemas):
        own = policy.strategy(path)
        covering = [rule for rule in rules if rule.covers(path, column, (classes or {}).get(path))]
        used.update(covering)
        if own is not None:
            decided[path] = Decision(own)
        elif covering and not column.generated:
            decided[path] = Decision(covering[0].strategy, covering[0].words)
            deciding.add(covering[0])
    references = _references(schemas, policy)
    linked = {*references, *(target for targets in references.values() for target in targets)}
    for path in linked & decided.keys():
        decided[path] = _told(decided[path], path, policy, references)
    unused, shadowed = (tuple(r for r in rules if r not in some) for some in (used, deciding | (set(rules) - used)))
    return Decisions(decided, unused, shadowed, linked, references)


def shadowed_notes(decisions: Decisions) -> Iterator[str]:
    """A sentence for each rule that looks as if it decided something."""
    for rule in decisions.shadowed:
        yield f"[[columns]] {rule.words} decides no column: what it fits is decided by name or by a rule before it"


def _columns(schemas: Sequence[Schema]) -> Iterator[tuple[ColumnPath, Column]]:
    for schema in schemas:
        for table in schema.tables:
            yield from (((schema.database, table.schema, table.name, c.name), c) for c in table.columns)


def _told(decision: Decision, path: ColumnPath, policy: MaskingPolicy, references: References) -> Decision:
    """The decision, with a word on the locale where rows have their own: what is linked must join with any row."""
    if not policy.table_rule(*path[:3]).locale_column or not decision.strategy.needs:
        return decision
    other = min(references.get(path) or (child for child, targets in references.items() if path in targets))
    told = f"takes the policy's locale, since it is linked to {'.'.join(other)}"
    return replace(decision, origin=f"{decision.origin}; {told}")


def _references(schemas: Sequence[Schema], policy: MaskingPolicy) -> References:
    found: dict[ColumnPath, list[ColumnPath]] = {}
    for schema in schemas:
        for table in schema.tables:
            for column in table.columns:
                path = (schema.database, table.schema, table.name, column.name)
                targets = [(schema.database, ref.schema, ref.table, ref.column) for ref in column.references]
                found.setdefault(path, []).extend(targets)
    for link in policy.links:
        child, parent = link.ends
        found.setdefault(child, []).append(parent)
    return {path: tuple(targets) for path, targets in found.items() if targets}
