"""What of masked columns stays: what the policy keeps on purpose, counted by rule, and what came out as it was.

A policy that keeps everything masks nothing, and the search for originals would find nothing wrong with it. So the
values are counted before and after, and the proof says how many stayed and why. Numbers alone, never a value.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.proof.inside import kept_parts
from sanitizers.select import counted_select, kept_value
from sanitizers.strategies.null import Null
from sanitizers.track import Track

Numbers = tuple[int, ...]
"""Of one column: values that are not NULL, the sum of their hashes, values that stay, those that each rule keeps."""

Counted = Mapping[tuple[str, str, str], Numbers]
"""By schema, table and column."""

Wanted = Mapping[str, Sequence[sql.Composable]]
"""By column, SQL for its numbers."""

AT_ONCE = 250
"""Masked columns that one SELECT counts: of each up to six numbers, and a SELECT gives 1,664."""

_CONTENT = sql.SQL("coalesce(sum(hashtextextended({}::text, {})), 0)")
_LABEL = b"branchwarden content "
_KEPT = sql.SQL("count(*) FILTER (WHERE {} IS NOT NULL AND ({}))")


@dataclass(frozen=True)
class ColumnKept:
    """What the policy keeps of a masked column on purpose."""

    column: str
    values: int
    """Values that are not NULL."""
    kept: int
    """Those that stay as they are."""
    by_rule: Mapping[str, int]
    """The same by rule: `keep_rows`, `keep_if`, `keep_values`; a value may fall under several."""
    parts: tuple[str, ...] = ()
    """Names of the parts inside values that stay, or some of which do; those are not counted one by one."""

    def __str__(self) -> str:
        rules = ", ".join(f"{rule} {count:,}" for rule, count in self.by_rule.items() if count)
        sentences = [f"{self.kept:,} of {self.values:,} values of {self.column} ({rules})"] if self.kept else []
        if self.parts and self.values:
            sentences.append(f"{', '.join(self.parts)} in {self.values:,} values of {self.column}")
        return "; ".join(sentences)


def keeping(table: TablePlan, column: ColumnPlan) -> Mapping[str, sql.Composable]:
    """SQL for whether a value of row `t` is kept, by the rule that says so."""
    strategy = column.strategy
    found: dict[str, sql.Composable] = {}
    for rule, text in (("keep_rows", table.rule.keep_rows), ("keep_if", strategy.keep_if)):
        if text:  # people's SQL, vetted when the plan was compiled
            found[rule] = sql.SQL("(({}) IS TRUE)").format(sql.SQL(text))
    if strategy.keep_values and not column.inside:
        found["keep_values"] = kept_value(strategy.keep_values, _value(column))
    return found


@dataclass(frozen=True)
class Counts:
    """A database, counted."""

    rows: Mapping[tuple[str, str], int]
    """By schema and table."""
    columns: Counted
    """Every masked column."""

    def sealed(self, key: bytes) -> Counts:
        """The same fit to be written down: of a table with one row, the sum of its hashes is the hash of its value."""
        found = {name: (values, _seal(key, content), *kept) for name, (values, content, *kept) in self.columns.items()}
        return Counts(self.rows, found)


def count_before(plan: DatabasePlan, conn: psycopg.Connection, seed: int, track: Track) -> Counts:
    """Of the rows that are taken; the session needs its key, as for the masked SELECT."""

    def wanted(table: TablePlan) -> Wanted:
        return {c.column.name: [*_of(c, seed), *_kept(table, c)] for c in _masked(table)}

    return _count(plan, conn, Query(wanted, counted_select), track)


def count_after(plan: DatabasePlan, conn: psycopg.Connection, seed: int, track: Track) -> Counts:
    """Of the tables as they are now; what is kept cannot be told any more."""

    def wanted(table: TablePlan) -> Wanted:
        return {c.column.name: _of(c, seed) for c in _masked(table)}

    def select(table: TablePlan, more: Sequence[sql.Composable]) -> sql.Composed:
        name = sql.Identifier(table.table.schema, table.table.name)
        relation = name if table.table.partitioned else sql.SQL("ONLY {}").format(name)
        return sql.SQL("SELECT {} FROM {} AS t").format(sql.SQL(", ").join([sql.SQL("count(*)"), *more]), relation)

    return _count(plan, conn, Query(wanted, select), track)


def kept_on_purpose(plan: DatabasePlan, before: Counted) -> tuple[ColumnKept, ...]:
    """Every masked column of which the policy keeps something."""
    found = []
    for table, column in _columns(plan):
        values, _, kept, *by_rule = before[_key(table, column)]
        rules = dict(zip(keeping(table, column), by_rule, strict=True))
        found.append(ColumnKept(_name(table, column), values, kept, rules, kept_parts(column)))
    return tuple(one for one in found if one.kept or (one.parts and one.values))


def stayed(plan: DatabasePlan, before: Counted, after: Counted) -> Iterator[str]:
    """A sentence for every masked column that nothing was masked of."""
    for table, column in _columns(plan):
        values, content, kept, *_ = before[_key(table, column)]
        name = f"{plan.database}.{_name(table, column)}"
        if values and kept == values:
            yield f"{name} is masked by name alone: the policy keeps each of its {values:,} values"
        elif values and not column.strategy.whole_table and after[_key(table, column)][:2] == (values, content):
            yield f"{name} is masked, but its {values:,} values came out as they were"


@dataclass(frozen=True)
class Query:
    """What is counted of a table, and the SELECT of its rows and of numbers such as these."""

    wanted: Callable[[TablePlan], Wanted]
    select: Callable[[TablePlan, Sequence[sql.Composable]], sql.Composed]


def _count(plan: DatabasePlan, conn: psycopg.Connection, query: Query, track: Track) -> Counts:
    rows: dict[tuple[str, str], int] = {}
    columns: dict[tuple[str, str, str], Numbers] = {}
    for number, table in enumerate(plan.tables):
        track.say(table.table.qualified, number, len(plan.tables))
        name = (table.table.schema, table.table.name)
        for part in _parts(query.wanted(table)):
            select = query.select(table, [number for numbers in part.values() for number in numbers])
            rows[name], *numbers = map(int, conn.execute(select).fetchone() or ())
            left = iter(numbers)
            columns |= {(*name, column): tuple(next(left) for _ in found) for column, found in part.items()}
    return Counts(rows, columns)


def _parts(wanted: Wanted) -> Iterator[Wanted]:
    """The columns as many at a time as one SELECT can count, none if there are none."""
    columns = list(wanted.items())
    for first in range(0, max(1, len(columns)), AT_ONCE):
        yield dict(columns[first : first + AT_ONCE])


def _of(column: ColumnPlan, seed: int) -> list[sql.Composable]:
    value = _value(column)
    content = sql.SQL("0") if isinstance(column.strategy, Null) else _CONTENT.format(value, sql.Literal(seed))
    return [sql.SQL("count({})").format(value), content]


def _kept(table: TablePlan, column: ColumnPlan) -> list[sql.Composable]:
    conditions = list(keeping(table, column).values())
    whole = sql.SQL(" OR ").join(conditions) if conditions else sql.SQL("false")
    return [_KEPT.format(_value(column), condition) for condition in (whole, *conditions)]


def _seal(key: bytes, content: int) -> int:
    return int.from_bytes(hmac.digest(key, _LABEL + str(content).encode(), "sha256")[:8])


def _masked(table: TablePlan) -> list[ColumnPlan]:
    return [column for column in table.columns if column.masked]


def _columns(plan: DatabasePlan) -> Iterator[tuple[TablePlan, ColumnPlan]]:
    return ((table, column) for table in plan.tables for column in _masked(table))


def _value(column: ColumnPlan) -> sql.Identifier:
    return sql.Identifier("t", column.column.name)


def _key(table: TablePlan, column: ColumnPlan) -> tuple[str, str, str]:
    return (table.table.schema, table.table.name, column.column.name)


def _name(table: TablePlan, column: ColumnPlan) -> str:
    return ".".join(_key(table, column))
