"""Moves the rows of one COPY out of one server into a COPY into another, as they come: what is in memory is in flight.

The driver hands out one row at a time and waits between them. Here whatever has arrived is taken at once and passed on
in one piece, which costs half as much; libpq's own buffer, which holds a block or one long row, bounds the piece.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from sanitizers.errors import CopyFailedError
from sanitizers.explain import explain
from sanitizers.fields.rows import RowTransformer

STRIDE = 1 << 17  # bytes between two words about progress
PATIENCE = 1000  # ms without a byte until we look again whether the run was stopped and what TLS has kept to itself

Say = Callable[[int], None]
"""Told how many rows passed since it was last told; raises to end the copy."""


@dataclass(frozen=True)
class Flow:
    """Two ends in transactions of their own, and the statements that read and write there."""

    source: psycopg.Connection
    target: psycopg.Connection
    copy_out: sql.Composed
    copy_in: sql.Composed
    through: RowTransformer | None = None
    """What the rows go through, which are then in the text format."""


@dataclass(frozen=True)
class Moved:
    """Rows that the target counted, and bytes in the format of COPY."""

    rows: int
    bytes: int


def pump(flow: Flow, about: str, say: Say) -> Moved:
    """Copy until the source has no more; neither end is committed.

    Raises:
        CopyFailedError: not every row that was sent arrived, or a server stopped; carries no value.
        psycopg.Error: the target stopped; may carry a value.
    """
    inward = flow.target.cursor()
    with flow.source.cursor().copy(flow.copy_out), inward.copy(flow.copy_in) as into:
        sent, size = _pass_on(flow, into, about, say)
    if sent != inward.rowcount:
        raise CopyFailedError(f"{about}: {sent} rows were sent and {inward.rowcount} arrived; discard the target")
    return Moved(inward.rowcount, size)


def _pass_on(flow: Flow, into: psycopg.Copy, about: str, say: Say) -> tuple[int, int]:
    """Rows that the source says it sent, and their bytes."""
    source, through = flow.source.pgconn, flow.through
    arrival = select.poll()
    arrival.register(source.socket, select.POLLIN)
    told, size, rows = 0, 0, 0
    while True:
        count, piece, ended = _take(source, about)
        rows, size = rows + count, size + len(piece)
        if piece:
            _write(into, through.feed(piece) if through else piece, about)
        if ended:
            break
        if size - told >= STRIDE or not arrival.poll(PATIENCE):
            say(rows)
            told, rows = size, 0
        _consume(source, about)
    say(rows)
    if through:
        through.finish()
    return _finish(source, about), size


def _take(source: PGconn, about: str) -> tuple[int, bytes, bool]:
    """Rows that have arrived: how many, their bytes, whether they are the last."""
    rows: list[memoryview] = []
    take, keep = source.get_copy_data, rows.append
    try:
        while (got := take(1))[0] > 0:
            keep(got[1])
    except psycopg.Error as error:
        raise explain(error, about) from None
    return len(rows), b"".join(rows), got[0] < 0


def _consume(source: PGconn, about: str) -> None:
    # The driver tells the other server the text of the error that ends a COPY: let it hold no value.
    try:
        source.consume_input()
    except psycopg.Error as error:
        raise explain(error, about) from None


def _write(into: psycopg.Copy, piece: bytes, about: str) -> None:
    try:
        into.write(piece)
    except psycopg.Error as error:
        raise explain(error, about) from None


def _finish(source: PGconn, about: str) -> int:
    """Rows that the source counted."""
    rows = 0
    while result := source.get_result():
        if result.status != ExecStatus.COMMAND_OK:
            raise explain(psycopg.errors.error_from_result(result), about) from None
        rows = result.command_tuples or 0
    return rows
