"""Rids catalogs of rows that are gone for every reader and still on disk: they hold originals until then."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.errors import Diagnostic

from sanitizers.errors import CopyFailedError

PATIENCE = 30.0  # seconds in which a transaction that still sees the rows may end
PAUSE = 0.5  # seconds


def vacuum_catalog(conn: psycopg.Connection, catalog: str, patience: float = PATIENCE) -> None:
    """Write a table of pg_catalog anew without its dead rows; `conn` is the database owner's.

    Raises:
        CopyFailedError: Postgres passed it by, or some transaction may still read what should be gone.
    """
    give_up = time.monotonic() + patience
    while left := _vacuum(conn, catalog):
        if time.monotonic() > give_up:
            raise CopyFailedError(
                f"{left} old row versions in pg_catalog.{catalog} stay, which may hold originals: a transaction of this"
                " database, a standby or a replication slot may still read them; end it, then run again"
            )
        time.sleep(PAUSE)


def _vacuum(conn: psycopg.Connection, catalog: str) -> int:
    """How many dead rows could not be removed."""
    with _heard(conn) as said:
        conn.execute(sql.SQL("VACUUM (FULL, VERBOSE) pg_catalog.{}").format(sql.Identifier(catalog)))
    left = [notice.left for notice in said if notice.left is not None]
    if not left or any(notice.warning for notice in said):
        raise CopyFailedError(
            f"Postgres did not VACUUM pg_catalog.{catalog}, where old row versions may hold originals: the run's role"
            " must own the database or be a member of its owner; then run again"
        )
    return max(left)


@dataclass(frozen=True)
class _Notice:
    """What the server says beside its answer: a warning, or how many dead rows had to stay."""

    warning: bool
    left: int | None


@contextmanager
def _heard(conn: psycopg.Connection) -> Iterator[list[_Notice]]:
    """Outside a transaction, as VACUUM wants it."""
    said: list[_Notice] = []

    def hear(notice: Diagnostic) -> None:
        # In any language the detail of VERBOSE begins with the number of dead rows that cannot be removed yet.
        number = re.search(r"\d+", notice.message_detail or "")
        said.append(_Notice(notice.severity_nonlocalized == "WARNING", int(number[0]) if number else None))

    conn.commit()
    conn.autocommit = True
    conn.add_notice_handler(hear)
    try:
        yield said
    finally:
        conn.remove_notice_handler(hear)
        if not conn.closed:
            conn.autocommit = False
