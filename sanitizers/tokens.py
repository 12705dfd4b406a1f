"""Tokens in the columns of a database: whether there is room for them, and whether each value is one. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.fields.cipher import TOKEN
from sanitizers.fields.keyring import Keyring
from sanitizers.plan import ColumnPlan, DatabasePlan, TablePlan
from sanitizers.strategies.encrypt import Encrypt, token_category, token_width

_LONGEST = sql.SQL("SELECT {} FROM {}")
_OCTETS = sql.SQL("max(octet_length({}::text))")
_PLAIN = sql.SQL("count(*) FILTER (WHERE {value} IS NOT NULL AND ({token}) IS NOT TRUE)")
_FORMS = {
    "text": sql.SQL("{}::text"),
    "json": sql.SQL("{}::jsonb #>> '{{}}'"),
    "bytea": sql.SQL("encode({}, 'escape')"),
}
_ONE_ELEMENT = sql.SQL("(SELECT {form} FROM unnest({value}) AS u (v) WHERE cardinality({value}) = 1)")


def room_problems(conn: psycopg.Connection[Any], table: TablePlan) -> Iterator[str]:
    """A half sentence for each column in which a token of its longest value has no room."""
    narrow = [(plan, width) for plan in _encrypted(table) if (width := token_width(plan.column)) is not None]
    if not narrow:
        return
    sizes = sql.SQL(", ").join(_OCTETS.format(sql.Identifier(_source(plan))) for plan, _ in narrow)
    row = conn.execute(_LONGEST.format(sizes, _relation(table))).fetchone() or ()
    for (plan, width), octets in zip(narrow, row, strict=True):
        needed = _longest(plan, octets or 0)
        if needed > width:
            yield (
                f"{plan.column.name}: encrypt does not fit: the longest value has {octets} bytes, so that its token has"
                f" {needed} characters, and the column holds {width}: make it text"
            )


def plaintext_problems(conn: psycopg.Connection[Any], plan: DatabasePlan) -> Iterator[str]:
    """A sentence for each column that the policy encrypts and that holds anything but tokens."""
    for table in plan.tables:
        columns = tuple(_encrypted(table))
        if not columns:
            continue
        counts = sql.SQL(", ").join(_not_tokens(column) for column in columns)
        row = conn.execute(_LONGEST.format(counts, _relation(table))).fetchone() or ()
        for column, count in zip(columns, row, strict=True):
            if count:
                name = f"{plan.database}.{table.table.qualified}.{column.column.name}"
                values = "1 value that is" if count == 1 else f"{count} values that are"
                yield f"{name} holds {values} no token, and the policy says encrypt"


def encrypted_columns(plans: Iterable[DatabasePlan]) -> int:
    """How many columns are to hold tokens."""
    return sum(1 for plan in plans for table in plan.tables for _ in _encrypted(table))


def key_problems(plans: Iterable[DatabasePlan], keyring: Keyring | None) -> Iterator[str]:
    """A sentence where columns are to be encrypted and there is nothing to do it with."""
    count = 0 if keyring else encrypted_columns(plans)
    if count:
        columns = "1 column" if count == 1 else f"{count} columns"
        make = "make one with `branchwarden keys new --kind field`"
        yield f"the policy encrypts {columns} and there is no field key: {make}"


def _encrypted(table: TablePlan) -> Iterator[ColumnPlan]:
    return (plan for plan in table.columns if isinstance(plan.strategy, Encrypt))


def _source(plan: ColumnPlan) -> str:
    """The column whose values are encrypted there."""
    return (plan.strategy.of if isinstance(plan.strategy, Encrypt) else "") or plan.column.name


def _longest(plan: ColumnPlan, octets: int) -> int:
    return plan.strategy.longest(octets) if isinstance(plan.strategy, Encrypt) else 0


def _not_tokens(plan: ColumnPlan) -> sql.Composed:
    value, form = sql.Identifier(plan.column.name), _FORMS[token_category(plan.column)]
    if plan.column.category == "array":
        token: sql.Composable = _ONE_ELEMENT.format(form=form.format(sql.Identifier("u", "v")), value=value)
    else:
        token = form.format(value)
    matches = sql.SQL("({}) ~ {}").format(token, sql.Literal(f"^(?:{TOKEN})$"))
    return _PLAIN.format(value=value, token=matches)


def _relation(table: TablePlan) -> sql.Composed:
    name = sql.Identifier(table.table.schema, table.table.name)
    return sql.SQL("{}{}").format(sql.SQL("" if table.table.partitioned else "ONLY "), name)
