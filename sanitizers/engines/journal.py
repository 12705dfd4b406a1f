"""The journal: what a run took away and what it has filled, in a schema of the database that is written to.

It survives a SIGKILL of the run and a crash of the server. Whatever is done is written down by the transaction that
does it, so a second run knows exactly where the first one stood: nothing is masked twice, nothing stays taken away.

    open_journal → save (once, before anything is taken away) → removed, done, restored → close (drops the schema)

While it is there the catalog does not tell what the schema looks like: `journaled_schema` does. But the journal of a
run in place that ended before it took anything away is as good as none: the next run, of whatever plan, begins anew.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, LiteralString

import psycopg
from psycopg import sql
from pydantic import TypeAdapter

from sanitizers.engines.obstacles import JOURNAL_SCHEMA, Obstacle
from sanitizers.errors import UnfinishedRunError
from sanitizers.fields.keyring import Keyring
from sanitizers.plan import DatabasePlan
from sanitizers.schema import Schema
from sanitizers.select import masked_select
from sanitizers.streamed import Stream
from sanitizers.tokens import encrypted_columns

Mode = Literal["clean-room", "in-place"]
State = Literal["saved", "removed", "restored"]

VERSION = 4
LOCK = (0x6277, 0x6A6E)
"""Advisory lock of the one run that may work in a database."""

_SCHEMAS = TypeAdapter(Schema)

TABLES = (
    """CREATE TABLE branchwarden_journal.purpose (
  version int NOT NULL, mode text NOT NULL, plan_digest text NOT NULL, key_check text NOT NULL, schema jsonb NOT NULL,
  source text NOT NULL, saved boolean NOT NULL DEFAULT false, proving boolean NOT NULL DEFAULT false,
  started_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE TABLE branchwarden_journal.obstacle (
  id int PRIMARY KEY, kind text NOT NULL, about text NOT NULL, owner text NOT NULL, remove text[] NOT NULL,
  restore text[] NOT NULL, state text NOT NULL DEFAULT 'saved')""",
    """CREATE TABLE branchwarden_journal.done (
  schema text, name text, rows bigint NOT NULL, bytes bigint NOT NULL, seconds float8 NOT NULL,
  PRIMARY KEY (schema, name))""",
    # What the proof knew before the first row was masked, see `proof.memory`.
    "CREATE TABLE branchwarden_journal.witness (facts jsonb NOT NULL)",
    "CREATE TABLE branchwarden_journal.original (number int NOT NULL, hash bigint NOT NULL, distinctive bool NOT NULL)",
    "CREATE TABLE branchwarden_journal.kept (hash bigint NOT NULL)",
    "CREATE TABLE branchwarden_journal.named (number int NOT NULL, hash bigint NOT NULL, name text NOT NULL)",
    "CREATE TABLE branchwarden_journal.cells (number int NOT NULL, who bigint NOT NULL, hashes bigint[] NOT NULL)",
    """CREATE TABLE branchwarden_journal.often (number int NOT NULL, place int NOT NULL, hash bigint NOT NULL,
  times bigint NOT NULL)""",
    "CREATE INDEX ON branchwarden_journal.cells (number)",
    "CREATE INDEX ON branchwarden_journal.often (number)",
    """CREATE TABLE branchwarden_journal.token (number int NOT NULL, whole bigint NOT NULL, kind int NOT NULL,
  hash bigint NOT NULL, need int NOT NULL, chance bool NOT NULL)""",
    "CREATE TABLE branchwarden_journal.spared (hash bigint NOT NULL)",
)


@dataclass(frozen=True)
class JournalPurpose:
    """What a run is for; only a run with the same mode, plan and key may go on where another ended."""

    mode: Mode
    plan_digest: str
    key_check: str
    """Of the masking key, and the id of the field key where something is encrypted."""
    schema: Schema
    source: str = ""
    """Where another database is read: its identity and what of it is seen, so that two runs fill from one state."""


@dataclass(frozen=True)
class Entry:
    """An obstacle in the journal."""

    id: int
    obstacle: Obstacle


@dataclass(frozen=True)
class Filled:
    """A table that was filled to its end; `bytes` is 0 where nobody counted."""

    schema: str
    table: str
    rows: int
    bytes: int = 0
    seconds: float = 0.0


def journal_purpose(mode: Mode, plan: DatabasePlan, key: bytes, keyring: Keyring | None = None) -> JournalPurpose:
    """The purpose of a run: its digest covers all that decides the outcome, its check tells keys apart, no more."""
    digest = hashlib.sha256(plan.schema.digest.encode())
    for table in plan.tables:
        digest.update(masked_select(table).as_string().encode())
        if table.streamed:  # in that there are stand-ins for what Python makes
            roots = [str(column.root) for column in table.columns]
            digest.update(f"{Stream(table).select.as_string()} {table.locale} {roots}".encode())
    check = hmac.digest(key, b"branchwarden journal", "sha256")[:8].hex()
    if keyring is not None and encrypted_columns([plan]):
        check += f".{keyring.newest}"
    return JournalPurpose(mode, digest.hexdigest(), check, plan.schema)


class Journal:
    """An open journal. `conn` is the run's own connection, which holds the lock; each call on it commits."""

    def __init__(self, conn: psycopg.Connection, *, saved: bool) -> None:
        self._conn = conn
        self.saved = saved
        """Whether `save` was done, by this run or the one before it."""

    def save(self, groups: Mapping[str, Sequence[Obstacle]]) -> None:
        """Write down what is going to be taken away, by kind, in the order in which it is put back."""
        pairs = [(kind, obstacle) for kind, group in groups.items() for obstacle in group]
        rows = [(i, kind, o.about, o.owner, [*o.remove], [*o.restore]) for i, (kind, o) in enumerate(pairs)]
        insert = (
            "INSERT INTO branchwarden_journal.obstacle (id, kind, about, owner, remove, restore)"
            " VALUES (%s, %s, %s, %s, %s, %s)"
        )
        with self._conn.transaction(), self._conn.cursor() as cursor:
            cursor.executemany(insert, rows)
            cursor.execute("UPDATE branchwarden_journal.purpose SET saved = true")
        self.saved = True

    def entries(self, kind: str, state: State) -> tuple[Entry, ...]:
        """The obstacles of a kind that are in this state."""
        query = (
            "SELECT id, about, owner, remove, restore FROM branchwarden_journal.obstacle"
            " WHERE kind = %s AND state = %s ORDER BY id"
        )
        rows = self._conn.execute(query, (kind, state)).fetchall()
        self._conn.commit()
        return tuple(Entry(row[0], Obstacle(row[1], row[2], tuple(row[3]), tuple(row[4]))) for row in rows)

    def done(self) -> Mapping[tuple[str, str], Filled]:
        """The tables that are filled, by schema and name."""
        rows = self._conn.execute("SELECT schema, name, rows, bytes, seconds FROM branchwarden_journal.done").fetchall()
        self._conn.commit()
        return {(row[0], row[1]): Filled(*row) for row in rows}

    def forget(self, tables: Collection[Filled]) -> None:
        """These tables are not filled any more."""
        with self._conn.transaction(), self._conn.cursor() as cursor:
            delete = "DELETE FROM branchwarden_journal.done WHERE (schema, name) = (%s, %s)"
            cursor.executemany(delete, [(filled.schema, filled.table) for filled in tables])

    def start_over(self, source: str) -> None:
        """No table is filled any more, and all are to be, from another state of the source."""
        with self._conn.transaction():
            self._conn.execute("DELETE FROM branchwarden_journal.done")
            self._conn.execute("UPDATE branchwarden_journal.purpose SET source = %s", (source,))

    def share(self, roles: Collection[str]) -> None:
        """Let the roles that own tables write in the journal; they hold masked rows in its schema for a moment."""
        statements = (
            "GRANT USAGE, CREATE ON SCHEMA branchwarden_journal TO {}",
            "GRANT SELECT, UPDATE (state) ON branchwarden_journal.obstacle TO {}",
            "GRANT SELECT, INSERT ON branchwarden_journal.done TO {}",
        )
        with self._conn.transaction():
            for role in sorted(roles):
                for statement in statements:
                    self._conn.execute(sql.SQL(statement).format(sql.Identifier(role)))

    def close(self) -> None:
        """The run is complete: drop the schema and let go of the lock."""
        with self._conn.transaction():
            self._conn.execute("DROP SCHEMA branchwarden_journal CASCADE")
        self._conn.execute("SELECT pg_advisory_unlock(%s, %s)", LOCK)
        self._conn.commit()


def mark(conn: psycopg.Connection, entries: Sequence[Entry], state: State) -> None:
    """Say that obstacles are taken away or put back, in the transaction of `conn` that does so."""
    ids = [entry.id for entry in entries]
    conn.execute("UPDATE branchwarden_journal.obstacle SET state = %s WHERE id = ANY (%s)", (state, ids))


def mark_done(conn: psycopg.Connection, table: Filled) -> None:
    """Say that a table is filled, in the transaction of `conn` that filled it."""
    conn.execute(
        "INSERT INTO branchwarden_journal.done (schema, name, rows, bytes, seconds) VALUES (%s, %s, %s, %s, %s)",
        (table.schema, table.table, table.rows, table.bytes, table.seconds),
    )


def open_journal(conn: psycopg.Connection, purpose: JournalPurpose) -> Journal:
    """Take the lock, then begin a journal or go on with the one that is there.

    Raises:
        UnfinishedRunError: a run with another mode, plan, key or version is unfinished here, or the schema is not ours.
        psycopg.errors.LockNotAvailable: another run is at work, for longer than the session's lock_timeout.
    """
    conn.execute("SELECT pg_advisory_lock(%s, %s)", LOCK)
    conn.commit()
    if _exists(conn) and not _drop_untouched(conn):
        return Journal(conn, saved=_go_on(conn, purpose))
    schema = _SCHEMAS.dump_json(purpose.schema).decode()
    with conn.transaction():
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(JOURNAL_SCHEMA)))
        for statement in TABLES:
            conn.execute(statement.encode())
        conn.execute(
            "INSERT INTO branchwarden_journal.purpose (version, mode, plan_digest, key_check, schema, source)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (VERSION, purpose.mode, purpose.plan_digest, purpose.key_check, schema, purpose.source),
        )
    return Journal(conn, saved=False)


def changed(conn: psycopg.Connection) -> bool:
    """Whether the run whose journal is there has taken away or filled anything."""
    query = (
        "SELECT EXISTS (SELECT FROM branchwarden_journal.done)"
        " OR EXISTS (SELECT FROM branchwarden_journal.obstacle WHERE state <> 'saved')"
    )
    row = conn.execute(query).fetchone()
    return bool(row and row[0])


def journaled_schema(conn: psycopg.Connection) -> Schema | None:
    """What the database of an unfinished run looked like before it, for the plan of the run that goes on; else None.

    Raises UnfinishedRunError where another version of branchwarden began it, or the schema is not ours.
    """
    text = _begun(conn, "schema::text")
    return None if text is None else _SCHEMAS.validate_json(text)


def journaled_source(conn: psycopg.Connection) -> str | None:
    """The state of the source that the unfinished run here has begun to copy; None where there is no such run.

    Raises as `journaled_schema`.
    """
    return _begun(conn, "source")


def _begun(conn: psycopg.Connection, field: LiteralString) -> str | None:
    """A field of the purpose of the unfinished run, where there is one that has changed something."""
    if not _exists(conn) or _untouched(conn):
        return None
    row = conn.execute(sql.SQL("SELECT {} FROM branchwarden_journal.purpose").format(sql.SQL(field))).fetchone()
    conn.commit()
    return str(row[0]) if row else None


def _untouched(conn: psycopg.Connection) -> bool:
    """Whether the journal is that of a run in place which changed nothing."""
    row = conn.execute("SELECT mode FROM branchwarden_journal.purpose").fetchone()
    return row == ("in-place",) and not changed(conn)


def _drop_untouched(conn: psycopg.Connection) -> bool:
    """Drop the journal of a run in place that changed nothing; whether it was one."""
    with conn.transaction():
        # Whatever a killed run has left behind that is about to commit a change does so before.
        conn.execute("LOCK TABLE branchwarden_journal.obstacle, branchwarden_journal.done IN ACCESS EXCLUSIVE MODE")
        if untouched := _untouched(conn):
            conn.execute("DROP SCHEMA branchwarden_journal CASCADE")
        return untouched


def _exists(conn: psycopg.Connection) -> bool:
    query = "SELECT to_regnamespace(%s) IS NOT NULL, to_regclass(%s) IS NOT NULL"
    row = conn.execute(query, (JOURNAL_SCHEMA, f"{JOURNAL_SCHEMA}.purpose")).fetchone()
    conn.commit()
    if row == (True, False):
        raise UnfinishedRunError(f"a schema {JOURNAL_SCHEMA} that no run made is in the way: rename it, then run again")
    if row != (True, True):
        return False
    _refuse_version(conn)
    return True


def _refuse_version(conn: psycopg.Connection) -> None:
    """Before anything else is read, which another version may have written otherwise."""
    row = conn.execute("SELECT version, mode FROM branchwarden_journal.purpose").fetchone()
    conn.commit()
    if row is not None and row[0] != VERSION:
        raise UnfinishedRunError(
            f"a run of another version of branchwarden was cut off in {conn.info.dbname}: go on with that version, or"
            f" {_advice(row[1])}"
        )


def _go_on(conn: psycopg.Connection, purpose: JournalPurpose) -> bool:
    query = "SELECT mode, plan_digest, key_check, source, saved FROM branchwarden_journal.purpose"
    row = conn.execute(query).fetchone()
    conn.commit()
    ours = (purpose.mode, purpose.plan_digest, *_keys(purpose.key_check), purpose.source)
    if row is None:
        raise UnfinishedRunError(f"the journal in schema {JOURNAL_SCHEMA} is empty: {_advice(purpose.mode)}")
    names = ("mode", "masking plan", "masking key", "field key", "state of the source")
    begun = (row[0], row[1], *_keys(row[2]), row[3])
    differs = [name for name, theirs, own in zip(names, begun, ours, strict=True) if theirs != own]
    if differs:
        raise UnfinishedRunError(
            f"a run with another {' and another '.join(differs)} was cut off in {conn.info.dbname}: go on with the same"
            f" as then, or {_advice(row[0])}"
        )
    return bool(row[4])


def _keys(check: str) -> tuple[str, str]:
    """The check of the masking key, and the id of the field key; empty where nothing is encrypted."""
    masking, _, field = check.partition(".")
    return masking, field


def _advice(mode: str) -> str:
    thing = "this database, which is half masked," if mode == "in-place" else "this target"
    return f"discard {thing} and begin with a fresh one"
