"""What the plan would write that a database's encoding has no characters for, or no permutation. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from sanitizers.plan import ColumnPlan, TablePlan
from sanitizers.strategies import Inputs
from sanitizers.strategies.permute import Permute, wide_permutation

UTF8, NONE = "UTF8", "SQL_ASCII"
CONVERSIONS = """
SELECT FROM pg_catalog.pg_conversion WHERE condefault AND pg_encoding_to_char(conforencoding) = 'UTF8'
  AND pg_encoding_to_char(contoencoding) = %s::text
"""


def encoding_problems(conn: psycopg.Connection[Any], table: TablePlan) -> Iterator[str]:
    """A half sentence for each column whose fakes the database cannot hold, or not keep apart."""
    name = conn.info.parameter_status("server_encoding") or UTF8  # every server tells it while one connects
    if name == UTF8:
        return
    converted = _converted(conn, name)
    for plan in table.columns:
        if plan.masked:
            found = _problems(conn, table, plan, name) if converted else _unknown(table, plan, name)
            yield from (f"{plan.column.name}: {problem}" for problem in found)


def _converted(conn: psycopg.Connection[Any], encoding: str) -> bool:
    """Whether the server converts from UTF-8 to the encoding at all."""
    return encoding == NONE or conn.execute(CONVERSIONS, (encoding,)).fetchone() is not None


def _unknown(table: TablePlan, plan: ColumnPlan, encoding: str) -> Iterator[str]:
    if _written(table, plan) or plan.strategy.digested:
        yield (
            f"{plan.strategy.kind} does not fit: Postgres has no conversion between UTF-8 and the database's encoding"
            f" {encoding}, so that nobody can tell what its fakes would become: use keep, null or constant"
        )


def _problems(conn: psycopg.Connection[Any], table: TablePlan, plan: ColumnPlan, encoding: str) -> Iterator[str]:
    column = (plan.column.inner if plan.inside else None) or plan.column
    if isinstance(plan.strategy, Permute) and column.unique and wide_permutation(column):
        yield (
            "permute does not fit: so short a text keeps fakes apart in UTF-8 alone, and the database's encoding is"
            f" {encoding}: use keep, or make the column {Permute.DIGITS} characters long"
        )
    beyond = _written(table, plan)
    if beyond and encoding != NONE and not _writable(conn, beyond, encoding):
        yield (
            f"{plan.strategy.kind} does not fit: the database's encoding {encoding} has not all characters of its fakes"
            f" in {', '.join(table.locales.all)}: choose another locale"
        )


def _written(table: TablePlan, plan: ColumnPlan) -> str:
    """The characters beyond ASCII that fakes of the column can have."""
    column, reference = (plan.column.inner if plan.inside else None) or plan.column, sql.Identifier("v")
    written = plan.strategy.expression(column, Inputs(reference, reference, reference, table.locales, reference))
    return "".join(sorted({c for c in written.as_string() if not c.isascii()}))


def _writable(conn: psycopg.Connection[Any], text: str, encoding: str) -> bool:
    try:
        with conn.transaction():
            conn.execute("SELECT convert(%s::bytea, 'UTF8', %s::text::name)", (text.encode(), encoding))
    except psycopg.errors.UntranslatableCharacter:
        return False
    return True
