"""Postgres errors as sentences without values: their MESSAGE, DETAIL and CONTEXT may quote a row."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import psycopg

from sanitizers.errors import CopyFailedError, SanitizerError

T = TypeVar("T")

ADVICE: Mapping[str, str] = {
    "22001": "a masked value is longer than its column: choose a shorter strategy",
    "22P02": "a constant or an expression is no value of its type: write it as Postgres does, arrays as {a,b}",
    "22021": "the database has no encoding (SQL_ASCII) and this text is no UTF-8: repair it, or keep the column",
    "22003": "a masked number does not fit its column: choose another strategy",
    "22008": "a masked date or time is out of range: choose another strategy, or keep the column",
    "23502": "a masked value is NULL where the column forbids it: choose another strategy",
    "23503": "a row refers to one that is not there: give both ends one strategy and one type, or keep both",
    "23505": "two masked values are equal: choose a strategy for unique columns",
    "23514": "a masked value breaks a check: choose a strategy that satisfies it",
    "23P01": "two masked rows exclude one another: keep the columns of this constraint",
    "40001": (
        "a standby cancelled it to go on replaying its primary: raise max_standby_streaming_delay there, or set"
        " hot_standby_feedback = on, or copy from the primary; then run again"
    ),
    "42501": "the run's role may not do this: it must own the table or be a member of its owner",
    "53100": "the disk is full: make room and run again",
    "55P03": "another session holds a lock on it: end that session (pg_locks names it), then run again",
    "54000": "a masked row or its entry in an index is longer than a page takes: choose shorter fakes, or null",
    "54011": "with their digests these are more columns than a query can have (1,664): keep some, or make them NULL",
    "57014": "cancelled; run again when it suits",
}
"""What to do next, by SQLSTATE."""

CONNECTION_CLASSES = ("08", "57P")
LASTING_CLASSES = ("22", "23", "P0")
COPY_CONTEXT = re.compile(r"\ACOPY [^\n]*?, line (\d+), column ([^\s:,\"]+)")


def without_values(about: Callable[[], str], act: Callable[[], T]) -> T:
    """Do `act`; a Postgres error becomes a CopyFailedError that carries no value, nor a link to the error that does.

    Args:
        about: says, when asked, what is being done at that moment.
        act: the work itself.
    """
    try:
        return act()
    except SanitizerError as error:
        failure: SanitizerError = error.with_traceback(None)
    except psycopg.Error as error:
        failure = explain(error, about())
    # Raised out here, a traceback shows neither the old error nor the frames whose variables held rows.
    failure.__cause__ = failure.__context__ = None
    raise failure


def explain(error: psycopg.Error, about: str) -> CopyFailedError:
    """Say what failed by SQLSTATE and the names of table and constraint alone."""
    state = error.sqlstate or ""
    if not state or state.startswith(CONNECTION_CLASSES):
        return CopyFailedError(
            f"{about}: the connection to Postgres was lost or refused; nothing was published, run again"
        )
    advice = ADVICE.get(state, "look this SQLSTATE up in the Postgres manual")
    failure = CopyFailedError(f"{about}: {type(error).__name__} (SQLSTATE {state}){_where(error)}; {advice}")
    failure.lasting = state.startswith(LASTING_CLASSES)
    return failure


def _where(error: psycopg.Error) -> str:
    diag = error.diag
    place = COPY_CONTEXT.match(diag.context or "")
    column = diag.column_name or (place[2] if place else "")
    table, domain = (name and f"{diag.schema_name}.{name}" for name in (diag.table_name, diag.datatype_name))
    parts = (("constraint", diag.constraint_name), ("column", column), ("table", table), ("domain", domain))
    return "".join(f", {kind} {name}" for kind, name in parts if name)


def _tells_something(record: logging.LogRecord) -> bool:
    """Whether a line of the driver is news; an error in it is told by its kind alone."""
    if isinstance(record.args, tuple):
        record.args = tuple(type(a).__name__ if isinstance(a, BaseException) else a for a in record.args)
    return not str(record.msg).startswith("error ignored")


# What the driver meets while it cleans up after an error that is already on its way to us, with all the server said.
logging.getLogger("psycopg").addFilter(_tells_something)
