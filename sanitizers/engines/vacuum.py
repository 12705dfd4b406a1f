"""Rids tables and catalogs of rows that are gone for every reader and still on disk: they hold originals until then."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.errors import Diagnostic

from sanitizers.errors import CopyFailedError

PATIENCE = 30.0  # seconds in which a transaction that still sees the rows may end
PAUSE = 0.5  # seconds


def vacuum_catalog(conn: psycopg.Connection, catalog: str, patience: float = PATIENCE) -> None:
    """As `vacuum_table`, for a table of pg_catalog."""
    vacuum_table(conn, ("pg_catalog", catalog), patience)


def vacuum_table(conn: psycopg.Connection, name: tuple[str, str], patience: float = PATIENCE) -> None:
    """Write a table (schema and name) anew without its dead rows; `conn` is the database owner's.

    Raises:
        CopyFailedError: Postgres passed it by, or some transaction may still read what should be gone.
    """
    give_up = time.monotonic() + patience
    while left := _vacuum(conn, name):
        if time.monotonic() > give_up:
            raise CopyFailedError(
                f"{left} old row versions in {'.'.join(name)} stay, which may hold originals: a transaction of this"
                " database, a standby or a replication slot may still read them; end it, then run again"
            )
        time.sleep(PAUSE)


def _vacuum(conn: psycopg.Connection, name: tuple[str, str]) -> int:
    """How many dead rows could not be removed."""
    with _heard(conn) as left:
        conn.execute(sql.SQL("VACUUM (FULL, VERBOSE) {}").format(sql.Identifier(*name)))
    if not left:
        raise CopyFailedError(
            f"Postgres did not VACUUM {'.'.join(name)}, where old row versions may hold originals: the run's role"
            " must own the database or be a member of its owner; then run again"
        )
    return left[0]  # what follows is from people's functions, which indexes are built with


@contextmanager
def _heard(conn: psycopg.Connection) -> Iterator[list[int]]:
    """The numbers of dead rows that had to stay, as VERBOSE tells them; outside a transaction, as VACUUM wants it."""
    left: list[int] = []

    def hear(notice: Diagnostic) -> None:
        # In any language the detail of VERBOSE begins with the number of dead rows that cannot be removed yet.
        number = re.search(r"\d+", notice.message_detail or "")
        if number and notice.severity_nonlocalized == "INFO":
            left.append(int(number[0]))

    conn.commit()
    conn.autocommit = True
    conn.add_notice_handler(hear)
    try:
        yield left
    finally:
        conn.remove_notice_handler(hear)
        if not conn.closed:
            conn.autocommit = False
