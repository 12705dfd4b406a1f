"""The masked SELECT: one per table, computed by the source itself, which needs no object of ours for it.

    SELECT (...[the pool's element at two bytes of s.d0])::text AS "first_name", ...
    FROM (SELECT t."id" AS c0, ..., sha256((SELECT subkey) || folded t."email") AS d0, ...
          FROM ONLY "public"."customers" AS t OFFSET 0) AS s

The inner SELECT computes each digest once per row; OFFSET 0 keeps the planner from pulling it up, which would repeat
the digest at every place that uses a byte of it. No name depends on the search path but those that people wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from psycopg import sql

from sanitizers.conditions import read_expression
from sanitizers.digests import set_key
from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.shuffled import find_shuffled
from sanitizers.strategies import Inputs
from sanitizers.strategies.nested import kept_value, masked_array

__all__ = ["WHOLE", "Slice", "counted_select", "kept_value", "masked_select", "set_key"]

INNER, OUTER, MASKED = "t", "s", "m"
"""Aliases: the table itself, its rows with their digests, and the masked rows that columns are derived from."""


VALUE = "value"
"""What people's expressions call the column's own value."""


@dataclass(frozen=True)
class Slice:
    """A part of a table: of one leaf partition (schema, name), or of some blocks (from, before; None: to the end)."""

    leaf: tuple[str, str] | None = None
    blocks: tuple[int, int | None] | None = None


WHOLE = Slice()


def masked_select(
    table: TablePlan, part: Slice = WHOLE, more: Mapping[str, sql.Composable] = MappingProxyType({})
) -> sql.Composed:
    """SELECT every column of the plan, masked, in its order and by its name; fit for COPY (...) TO STDOUT.

    Behind them comes `more`, by name: SQL over rows `s` with the originals, which are c0, c1 and so on.
    """
    derived = {p.column.name: text for p in table.columns if (text := p.strategy.masked_expression)}
    columns = [_output(table, n, plan) for n, plan in enumerate(table.columns) if plan.column.name not in derived]
    columns += [sql.SQL("{} AS {}").format(value, sql.Identifier(name)) for name, value in more.items()]
    outer = sql.SQL(", ").join(columns)
    inner = sql.SQL(", ").join(_inner(table))
    masked = sql.SQL("SELECT {} FROM (SELECT {} FROM {}{}) AS {}").format(
        outer,
        inner,
        _source(table, part),
        sql.SQL(" OFFSET 0" if table.draws.sources else ""),
        sql.Identifier(OUTER),
    )
    whole = _with_derived(table, derived, masked, tuple(more)) if derived else masked
    return _given(table, whole)


def _given(table: TablePlan, select: sql.Composed) -> sql.Composed:
    """The SELECT with the rows of other tables that it is chosen with."""
    if not table.rows.given:
        return select
    return sql.SQL("WITH {} {}").format(sql.SQL(", ").join(table.rows.given), select)


def _with_derived(
    table: TablePlan, derived: Mapping[str, str], masked: sql.Composed, more: Sequence[str]
) -> sql.Composed:
    """One SELECT more, over the masked rows: there are no originals left that an expression could take."""
    columns = [
        sql.SQL("({})::{} AS {}").format(sql.SQL(derived[name]), sql.SQL(plan.column.type), sql.Identifier(name))
        if (name := plan.column.name) in derived
        else sql.SQL("{} AS {}").format(sql.Identifier(MASKED, name), sql.Identifier(name))
        for plan in table.columns
    ]
    columns += [sql.SQL("{}").format(sql.Identifier(MASKED, name)) for name in more]
    return sql.SQL("SELECT {} FROM ({} OFFSET 0) AS {}").format(
        sql.SQL(", ").join(columns), masked, sql.Identifier(MASKED)
    )


def _source(table: TablePlan, part: Slice) -> sql.Composable:
    """The rows as `t`; where columns are shuffled, those of the other order beside them."""
    rows = sql.SQL("{} AS {}{}{}").format(
        _relation(table, part), sql.Identifier(INNER), table.rows.joins or sql.SQL(""), _where(table, part)
    )
    shuffled = find_shuffled(table)
    if shuffled is None:
        return rows
    if part != WHOLE:
        raise ValueError("a table with shuffled columns cannot be masked part by part")
    return shuffled.source(rows)


def counted_select(table: TablePlan, more: Sequence[sql.Composable] = ()) -> sql.Composed:
    """SELECT how many rows the masked SELECT gives, and `more` aggregates over rows `t`; the session needs its key."""
    numbers = sql.SQL(", ").join([sql.SQL("count(*)"), *more])
    counted = sql.SQL("SELECT {} FROM {} AS {}{}{}").format(
        numbers, _relation(table, WHOLE), sql.Identifier(INNER), table.rows.joins or sql.SQL(""), _where(table, WHOLE)
    )
    return _given(table, counted)


def _inner(table: TablePlan) -> Iterator[sql.Composable]:
    """Every value, every digest, and which values and rows are kept."""
    for number, plan in enumerate(table.columns):
        yield sql.SQL("{} AS {}").format(_original(plan), sql.Identifier(f"c{number}"))
        if plan.strategy.keep_if:
            yield _condition(plan.strategy.keep_if, f"k{number}")
        if (computed := _computed(table, number, plan)) is not None:
            yield sql.SQL("{} AS {}").format(computed, sql.Identifier(f"e{number}"))
    for number, source in enumerate(table.draws.sources):
        yield sql.SQL("{} AS {}").format(source.expression(INNER), sql.Identifier(f"d{number}"))
    if table.rule.keep_rows:
        yield _condition(table.rule.keep_rows, "kept")
    shuffled = find_shuffled(table)
    for number, plan in enumerate(table.columns):
        if (name := plan.column.name) in table.rows.cut:
            leads = shuffled.leads(name) if shuffled else table.rows.cut[name]
            yield sql.SQL("{} AS {}").format(leads, sql.Identifier(f"x{number}"))


def _computed(table: TablePlan, number: int, plan: ColumnPlan) -> sql.Composable | None:
    """What a strategy asked the row for: people's SQL, vetted by `conditions`, or the value of another row."""
    text = plan.strategy.row_expression
    if not text:
        shuffled = find_shuffled(table)
        return shuffled.value(number) if shuffled else None
    names = {VALUE, *(column.name for column in table.table.columns)}
    if VALUE not in read_expression(text, names, plan.strategy.row_functions).columns:
        return sql.SQL("({})").format(sql.SQL(text))
    own = sql.Identifier(INNER, plan.column.name)
    return sql.SQL("(SELECT ({}) FROM (SELECT {} AS {}) AS v)").format(sql.SQL(text), own, sql.Identifier(VALUE))


def _original(plan: ColumnPlan) -> sql.Composable:
    """The value; as text that can be searched, which a nondeterministic collation of the column's own forbids."""
    value = sql.Identifier(INNER, plan.column.name)
    if plan.masked and plan.column.category == "text":
        return sql.SQL('{} COLLATE "default"').format(value)
    return value


def _condition(text: str, name: str) -> sql.Composable:
    # People's SQL, vetted by `conditions`; it may name columns, so it stands where they are in scope.
    return sql.SQL("(({}) IS TRUE) AS {}").format(sql.SQL(text), sql.Identifier(name))


def _output(table: TablePlan, number: int, plan: ColumnPlan) -> sql.Composable:
    value = sql.Identifier(OUTER, f"c{number}")
    name = sql.Identifier(plan.column.name)
    if plan.column.name in table.rows.cut:
        leads = sql.Identifier(OUTER, f"x{number}")
        return sql.SQL("CASE WHEN {} THEN {} END AS {}").format(leads, _masked(table, number, plan, value), name)
    return sql.SQL("{} AS {}").format(_masked(table, number, plan, value), name)


def _masked(table: TablePlan, number: int, plan: ColumnPlan, value: sql.Composable) -> sql.Composable:
    if not plan.masked:
        return value
    inputs = _inputs(table, number, value)
    fake = _fake(plan, inputs)
    # The type is Postgres' own spelling out of the catalog, quoted where it must be.
    typed = sql.SQL("({})::{}").format(fake, sql.SQL(plan.column.type))
    return _unless_kept(table, number, plan, typed)


def _fake(plan: ColumnPlan, inputs: Inputs) -> sql.Composable:
    inner = plan.column.inner if plan.inside else None
    if inner is not None:
        return masked_array(plan.strategy, inner, inputs)
    return plan.strategy.expression(plan.column, inputs)


def _inputs(table: TablePlan, number: int, value: sql.Composable) -> Inputs:
    name = table.columns[number].column.name
    draw = table.draws.of.get(name)
    digest, mark = (f"d{draw.digest}", f"d{draw.mark}") if draw else ("", "")
    spoken = None if name in table.linked else _spoken(table)
    return Inputs(
        value=value,
        digest=sql.Identifier(OUTER, digest) if draw else sql.SQL("NULL"),
        mark=sql.Identifier(OUTER, mark) if draw else sql.SQL("NULL"),
        locales=table.locales,
        locale=None if spoken is None else sql.Identifier(OUTER, f"c{spoken}"),
        computed=sql.Identifier(OUTER, f"e{number}"),
    )


def _spoken(table: TablePlan) -> int | None:
    """The number of the column that names a row's locale. What is linked draws without it, to join with any row."""
    return next((n for n, c in enumerate(table.columns) if c.column.name == table.locales.column), None)


def _unless_kept(table: TablePlan, number: int, plan: ColumnPlan, fake: sql.Composable) -> sql.Composable:
    """The fake, or the original where the policy keeps this row or value, or where there is none."""
    value = sql.Identifier(OUTER, f"c{number}")
    reasons = list(_reasons(table, number, plan, value))
    if reasons:
        return sql.SQL("(CASE WHEN {} THEN {} ELSE {} END)").format(sql.SQL(" OR ").join(reasons), value, fake)
    return fake


def _reasons(table: TablePlan, number: int, plan: ColumnPlan, value: sql.Composable) -> Iterator[sql.Composable]:
    draw = table.draws.of.get(plan.column.name)
    if draw is not None and draw.guarded and not plan.column.not_null:
        yield sql.SQL("{} IS NULL").format(value)
    if table.rule.keep_rows:
        yield sql.Identifier(OUTER, "kept")
    if plan.strategy.keep_if:
        yield sql.Identifier(OUTER, f"k{number}")
    if plan.strategy.keep_values and not plan.inside:
        yield kept_value(plan.strategy.keep_values, value)


def _relation(table: TablePlan, part: Slice) -> sql.Composable:
    """ONLY leaves the rows of inheritance children to the children; a partitioned table has none of its own."""
    if part.leaf:
        return sql.SQL("ONLY {}").format(sql.Identifier(*part.leaf))
    name = sql.Identifier(table.table.schema, table.table.name)
    return name if table.table.partitioned else sql.SQL("ONLY {}").format(name)


def _where(table: TablePlan, part: Slice) -> sql.Composable:
    conditions: list[sql.Composable] = []
    if table.empty:
        conditions.append(sql.SQL("false"))
    if table.rows.where is not None:
        conditions.append(table.rows.where)
    if part.blocks:
        first, before = part.blocks
        row = sql.Identifier(INNER, "ctid")
        conditions.append(sql.SQL("{} >= {}::tid").format(row, sql.Literal(f"({first},0)")))
        if before is not None:
            conditions.append(sql.SQL("{} < {}::tid").format(row, sql.Literal(f"({before},0)")))
    return sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(conditions)) if conditions else sql.SQL("")
