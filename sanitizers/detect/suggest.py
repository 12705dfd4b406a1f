"""A suggested strategy for every column, such that the suggestions together make a plan wherever one exists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sanitizers.detect.classify import Classified, classify
from sanitizers.detect.inside import composite_remedies
from sanitizers.detect.remedies import remedies
from sanitizers.detect.vocabulary import Vocabulary
from sanitizers.policy_file import Suggestion
from sanitizers.problems.crowds import crowded
from sanitizers.problems.links import same_fakes
from sanitizers.schema import Column, ColumnRef, Schema, Table
from sanitizers.strategies import Strategy
from sanitizers.strategies.json_only import JsonOnly
from sanitizers.strategies.shuffle import Shuffle
from sanitizers.widths import narrowed


@dataclass(frozen=True)
class Member:
    """A column with its table and class."""

    table: Table
    found: Classified

    @property
    def column(self) -> Column:
        """The column itself."""
        return self.found.column

    @property
    def ref(self) -> ColumnRef:
        """Its full name within the database."""
        return ColumnRef(self.table.schema, self.table.name, self.column.name)


def suggest(schemas: Sequence[Schema], vocabulary: Vocabulary) -> tuple[Suggestion, ...]:
    """Suggest a strategy for every column but the generated ones, in the order of the catalog."""
    return tuple(s for schema in schemas for s in _suggest_database(schema, vocabulary))


def _suggest_database(schema: Schema, vocabulary: Vocabulary) -> Iterator[Suggestion]:
    members = {
        member.ref: member
        for table in schema.tables
        for found in classify(table, vocabulary)
        if not (member := Member(table, found)).column.generated
    }
    decided = {ref: _decide(_as_planned(group), vocabulary) for group in _groups(members) for ref in group}
    for ref, member in members.items():
        if ref not in decided[ref]:
            continue
        strategy, reason = decided[ref][ref]
        yield Suggestion(schema.database, ref.schema, ref.table, ref.column, strategy, reason, member.found.pii_class)


def _groups(members: Mapping[ColumnRef, Member]) -> list[dict[ColumnRef, Member]]:
    """Columns that foreign keys tie together, directly or by way of others: they need one strategy."""
    group_of = {ref: {ref: member} for ref, member in members.items()}
    for ref, member in members.items():
        for target in member.column.references:
            if target in group_of and group_of[target] is not group_of[ref]:
                merged = group_of[target] | group_of[ref]
                group_of.update(dict.fromkeys(merged, merged))
    return list({id(group): group for group in group_of.values()}.values())


def _as_planned(group: Mapping[ColumnRef, Member]) -> Mapping[ColumnRef, Member]:
    """The columns as the plan takes them: texts that are tied together are as wide as the narrowest of them."""
    limits = [(m.column.max_length, ref) for ref, m in group.items() if _text(m) and m.column.max_length is not None]
    if not limits:
        return group
    width, narrowest = min(limits)
    parts = (narrowest.schema, narrowest.table, narrowest.column)
    return {
        ref: replace(m, found=replace(m.found, column=narrowed(m.column, width, parts))) if _text(m) else m
        for ref, m in group.items()
    }


def _text(member: Member) -> bool:
    return member.column.category == "text"


def _decide(group: Mapping[ColumnRef, Member], vocabulary: Vocabulary) -> dict[ColumnRef, tuple[Strategy, str]]:
    """The first strategy that fits every member, from the class of the first member that has one."""
    leader = next((m for m in group.values() if m.found.pii_class), next(iter(group.values())))
    for strategy in _candidates(leader, vocabulary):
        if isinstance(strategy, Shuffle) and not (len(group) == 1 and _loose(leader)):
            continue
        if all(_suits(strategy, m) for m in group.values()) and _alike(strategy, group.values()):
            return {ref: (strategy, _reason(m, leader, strategy)) for ref, m in group.items()}
    # Nothing is suggested: a column that the policy does not name refuses the run until a person has decided.
    return {}


def _candidates(member: Member, vocabulary: Vocabulary) -> Iterator[Strategy]:
    keys = tuple(_generating_keys(member)) if member.found.pii_class else ()
    if keys:
        yield JsonOnly(members=keys)
    if member.found.pii_class:
        yield from composite_remedies(member.column, vocabulary)
    yield from remedies(member.found.pii_class, member.column)


def _generating_keys(member: Member) -> Iterator[str]:
    """Members of a JSON column that key columns are generated from: without them the table has no keys."""
    name = re.escape(member.column.name)
    for column in member.table.columns:
        if column.generated_as and (column.unique or column.not_null):
            yield from re.findall(rf"\b{name}\"?\s*->>?\s*'([^']+)'", column.generated_as)


def _suits(strategy: Strategy, member: Member) -> bool:
    if strategy.fits(member.column) is not None:
        return False
    if crowded(member.table, member.column, strategy) is not None:
        return False
    return strategy.keeps_unique or not member.table.in_fragile_key(member.column.name)


def _loose(member: Member) -> bool:
    """Whether a value may come into another row: no key, nor what excludes rows, counts on the column beside others."""
    table, name = member.table, member.column.name
    keys = [key for key in table.unique_keys if len(key) > 1]
    rows = [columns for key in table.partial_keys for columns in (key.key, key.about)]
    excluded = [(*exclusion.equal, *exclusion.others) for exclusion in table.exclusions]
    return not member.column.references and not any(name in names for names in (*keys, *rows, *excluded))


def _alike(strategy: Strategy, members: Iterable[Member]) -> bool:
    columns = [m.column for m in members]
    return all(same_fakes(strategy, columns[0], column) for column in columns[1:])


def _reason(member: Member, leader: Member, strategy: Strategy) -> str:
    if member is leader:
        return _words(member)
    return f"as {leader.ref}, which a foreign key ties it to" if strategy.masks else _words(member)


def _words(member: Member) -> str:
    name = member.found.pii_class
    return f"{name.replace('_', ' ')}: {member.found.reason}" if name else member.found.reason
