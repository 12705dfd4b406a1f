"""The event log: rows that are only ever added, each chained to the one before by a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from daemon.records import ChainCheck, Event, JsonMapping, StoredEvent
from daemon.store.edge import canonical
from daemon.store.tables import clean, events, meta

GENESIS = "0" * 64  # stands where the first row's predecessor would
HEAD = "events_head"  # last id and digest, kept apart: finds rows that were cut off the end


def digest_of(previous: str, row: StoredEvent) -> str:
    """Digest a row together with its predecessor's digest; the id is covered, so order is too."""
    body: JsonMapping = {
        "id": row.id,
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": row.kind,
        "project_id": row.project_id,
        "branch_id": row.branch_id,
        "sentence": row.sentence,
        "data": row.data,
    }
    return hashlib.sha256(previous.encode() + canonical(body).encode()).hexdigest()


def append(connection: sa.Connection, new: Iterable[Event], now: datetime) -> None:
    """Add events to the end of the log; the caller's transaction holds the write lock."""
    last_id, digest = head(connection)
    for event in new:
        last_id += 1
        digest = _insert(connection, _row(event, last_id, now), digest)
    _set_head(connection, last_id, digest)


def head(connection: sa.Connection) -> tuple[int, str]:
    """Return id and digest of the last row, or (0, GENESIS)."""
    found = connection.execute(sa.select(meta.c.value).where(meta.c.key == HEAD)).scalar()
    return (found["id"], found["digest"]) if found else (0, GENESIS)


def read(connection: sa.Connection, wanted: sa.ColumnElement[bool], limit: int, *, newest: bool) -> list[StoredEvent]:
    """Return up to `limit` events, oldest first; `newest` takes them from the end of the log."""
    order = events.c.id.desc() if newest else events.c.id
    rows = connection.execute(sa.select(events).where(wanted).order_by(order).limit(limit))
    found = [_stored(row) for row in rows]
    return found[::-1] if newest else found


def verify(connection: sa.Connection) -> ChainCheck:
    """Walk the whole log and name the first row that is not as it was written."""
    digest, count, bad = GENESIS, 0, None
    for row in connection.execution_options(yield_per=1000).execute(sa.select(events).order_by(events.c.id)):
        count += 1
        if bad is None and not _follows(row, digest, count):
            bad = row.id
        digest = row.digest
    if bad is None and head(connection) != (count, digest):
        bad = count + 1
    return ChainCheck(ok=bad is None, count=count, first_bad_id=bad, head_digest=digest)


def _follows(row: sa.Row[tuple[object, ...]], previous: str, position: int) -> bool:
    """Whether the row stands in its place and carries the digest of its own content."""
    try:
        stored = _stored(row)
    except (ValueError, TypeError):  # an edited time or data that cannot even be read
        return False
    return stored.id == position and stored.digest == digest_of(previous, stored)


def _row(event: Event, position: int, now: datetime) -> StoredEvent:
    data = json.loads(canonical(event.data))
    project_id, branch_id = (None if one is None else clean(one) for one in (event.project_id, event.branch_id))
    return StoredEvent(position, now, clean(event.kind), project_id, branch_id, clean(event.sentence), data, "")


def _insert(connection: sa.Connection, row: StoredEvent, previous: str) -> str:
    digest = digest_of(previous, row)
    values = {column.name: getattr(row, column.name) for column in events.c}
    connection.execute(sa.insert(events).values({**values, "data": canonical(row.data), "digest": digest}))
    return digest


def _set_head(connection: sa.Connection, last_id: int, digest: str) -> None:
    value = {"id": last_id, "digest": digest}
    put(connection, HEAD, value)


def put(connection: sa.Connection, key: str, value: object) -> None:
    """Write one value of the meta table."""
    connection.execute(sa.delete(meta).where(meta.c.key == key))
    connection.execute(sa.insert(meta).values(key=key, value=value))


def _stored(row: sa.Row[tuple[object, ...]]) -> StoredEvent:
    values = row._asdict()
    return StoredEvent(**{**values, "data": json.loads(values["data"])})
