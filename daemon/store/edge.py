"""The edge to SQLite: file, lock, engine, and the one place where its errors are translated."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

from daemon.errors import StateError, StateLockedError
from daemon.records import JsonValue

BUSY_TIMEOUT_MS = 5_000  # another writer holds the file for milliseconds; five seconds means that something is stuck
MOST_CONNECTIONS = 20  # kept open, and as many again in a rush: a few jobs per project
APPLICATION_ID = 0x42_57_41_52  # "BWAR" in the file's header says whose file it is

SENTENCES = {
    "SQLITE_FULL": "the disk is full; free some space and start again",
    "SQLITE_READONLY": "it cannot be written; make the file and its folder writable for this user",
    "SQLITE_CANTOPEN": "it cannot be opened; check that the folder exists and is writable for this user",
    "SQLITE_PERM": "this user may not open it; check the owner and mode of the file",
    "SQLITE_AUTH": "this user may not open it; check the owner and mode of the file",
    "SQLITE_CORRUPT": "the file is damaged; move it aside (a new one is made) or restore a backup",
    "SQLITE_NOTADB": "the file is not an SQLite database; move it aside or name another path",
    "SQLITE_BUSY": "another process holds it for too long; find it and stop it",
    "SQLITE_LOCKED": "another process holds it for too long; find it and stop it",
    "SQLITE_IOERR": "the disk refuses to read or write; check its health, space and quota",
    "SQLITE_TOOBIG": "one record is too large for it",
}


def canonical(value: JsonValue) -> str:
    """Write JSON in the one form that is stored and digested: sorted keys, no blanks, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    """Let read-only mappings through; anything else that JSON does not know is a mistake of the caller."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLAlchemy's, SQLite's and the file system's errors into a StateError of one sentence."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise state_error(path, error.orig) from error
    except sa.exc.TimeoutError as error:
        raise StateError(f"State store {path}: too many jobs want it at once; watch fewer projects.") from error
    except (sqlite3.Error, OSError) as error:
        raise state_error(path, error) from error


def state_error(path: Path, error: BaseException | None) -> StateError:
    """Word the error of a file; SQLite's extended codes share the first two words of their name."""
    if isinstance(error, OSError):
        return StateError(f"State store {path}: {error.strerror or error}; check the folder, its owner and its mode.")
    name = str(getattr(error, "sqlite_errorname", None) or "SQLITE_ERROR")
    family = "_".join(name.split("_")[:2])
    reason = SENTENCES.get(family, f"SQLite says {error}; run `branchwarden doctor`")
    return StateError(f"State store {path}: {reason} ({name}).")


def touch(path: Path) -> None:
    """Make the file, readable for its owner alone; SQLite gives -wal and -shm the same mode."""
    if not path.parent.is_dir():
        raise StateError(f"State store {path}: the folder {path.parent} does not exist; make it or name another path.")
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(handle).st_mode & 0o077:
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


@contextmanager
def instance_lock(path: Path) -> Iterator[None]:
    """Hold `<path>.lock` so that a second instance is refused; the kernel lets go of it when the process ends."""
    handle = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        take(handle, path)
        yield
    finally:
        os.close(handle)


def take(handle: int, path: Path) -> None:
    """Take the lock and leave our pid in the file, for the message that the second instance prints."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
        raise StateLockedError(
            f"Another branchwarden (pid {pid}) uses the state store {path}; stop it first, or name another store."
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def make_engine(path: Path) -> sa.Engine:
    """Make the engine. Parameters stay out of its errors; connections may change threads."""
    url = sa.URL.create("sqlite+pysqlite", database=str(path))
    engine = sa.create_engine(
        url, hide_parameters=True, json_serializer=canonical, pool_size=MOST_CONNECTIONS, max_overflow=MOST_CONNECTIONS
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    """Switch off the driver's own BEGIN and set what SQLite forgets with every connection."""
    connection.isolation_level = None
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "foreign_keys = ON", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: sa.Connection) -> None:
    """Take the write lock at once: a transaction that reads first and writes later fails without any waiting."""
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def use_wal(engine: sa.Engine) -> None:
    """Let readers read while one writes; stays in the file, and must run outside of a transaction."""
    raw = engine.raw_connection()
    try:
        raw.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]  # open, hence not None
    finally:
        raw.close()


def scalar(connection: sa.Connection, statement: str) -> Any:
    """Ask SQLite for one value."""
    return connection.exec_driver_sql(statement).scalar()
