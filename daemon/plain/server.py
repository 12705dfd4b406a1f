"""A Postgres database that somebody named by a connection string: how to reach it, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

import psycopg
from psycopg import sql

from daemon.connect import plain_parameters, prepare_session
from daemon.errors import DatabaseUnreachableError, UsageError
from sanitizers.attest.predicate import PostgresPlace
from sanitizers.spelling import BEGIN

OLDEST = 14
FACTS = """
SELECT current_database(), current_user, (SELECT system_identifier FROM pg_control_system()), d.oid,
  current_setting('server_version_num')::int, pg_is_in_recovery(),
  (SELECT count(*) FROM pg_stat_activity
   WHERE datid = d.oid AND pid <> pg_backend_pid() AND backend_type = 'client backend'),
  pg_database_size(d.oid), pg_postmaster_start_time()
FROM pg_database d WHERE d.datname = current_database()
"""
ANSWERS: Mapping[str, str] = {
    "password authentication failed": "refuses the password of role {user}: correct it, or put it in ~/.pgpass",
    "no password supplied": "wants a password for role {user}: set PGPASSWORD, or put it in ~/.pgpass",
    "definition of service": "is in no service file: correct its name in {option}, or set PGSERVICEFILE",
    "hot standby mode": "is not what target_session_attrs asks for: give another host, or leave it out of {option}",
    "session is": "is not what target_session_attrs asks for: give another host, or leave it out of {option}",
    'value: "': "is not asked: a value in {option} is none that libpq knows, correct it (sslmode, for example)",
    "could not match": "is not asked: {option} has more ports or addresses than hosts, correct it",
    "root certificate file": "is not asked: the file of sslrootcert cannot be read, correct its path in {option}",
    "private key file": "is not asked: the file of sslkey cannot be used, correct its path, mode or password",
    "certificate": "shows a certificate that cannot be verified: add sslrootcert=FILE or another sslmode to {option}",
    "does not support ssl": "has no TLS: on a network that you trust add sslmode=disable to {option}",
    "could not translate": "cannot be found: check the host, DNS and the network",
    "name or service": "cannot be found: check the host, DNS and the network",
    "pg_hba.conf": "lets role {user} in from nowhere here: add a line to its pg_hba.conf",
    "does not exist": "has no such database or no role {user}: correct the connection string",
    "permission denied for database": "lets role {user} not connect: GRANT CONNECT ON DATABASE it needs",
    "not permitted to log in": "lets role {user} not in: ALTER ROLE it WITH LOGIN, or use another",
    "connection slots": "has no connection left: end some, then run again",
    "too many": "has no connection left: end some, then run again",
    "starting up": "is starting up: wait, then run again",
    "shutting down": "is shutting down: wait, then run again",
}
"""What libpq and servers say, in lower case, and what a person is told."""


@dataclass(frozen=True)
class Facts:
    """What a database is. `size` is bytes, `sessions` are those of others."""

    name: str
    role: str
    system: int
    """The cluster's identifier; a standby and its primary share it."""
    oid: int
    version: int
    """As `server_version_num`: 180001."""
    standby: bool
    sessions: int
    size: int
    started: datetime
    """When the server was: a copy of its files, which has its identifier, was not started at one moment with it."""

    @property
    def major(self) -> int:
        """14 to 18 and later."""
        return self.version // 10000

    def is_same_as(self, other: Facts) -> bool:
        """Whether both are one database or copies of its files, whatever the connection strings say."""
        return (self.system, self.oid) == (other.system, other.oid)

    def is_itself(self, other: Facts) -> bool:
        """Whether both are one database of one running server."""
        return self.is_same_as(other) and self.started == other.started


@dataclass(frozen=True)
class PlainDatabase:
    """A database by its connection string; `option` is what the command line calls it."""

    option: str
    parameters: Mapping[str, str] = field(repr=False)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None
    """Told of each connection, so that another thread can cancel what it waits for."""

    @property
    def place(self) -> str:
        """Host, port and database, for people."""
        host = self.parameters.get("host") or self.parameters.get("service") or "this machine"
        return f"{host}:{self.parameters.get('port', '5432')}/{self.parameters.get('dbname', '')}".rstrip("/")

    def connect(self, role: str | None = None) -> psycopg.Connection:
        """A new connection; with a role it speaks as that one.

        Raises:
            DatabaseUnreachableError: no answer, or a refusal; says what to do, never the password.
            psycopg.Error: it may not be that role, or was lost at once.
        """
        try:
            conn = psycopg.connect(**self.parameters)  # type: ignore[arg-type]  # psycopg types each keyword apart
        except psycopg.OperationalError as error:
            raise DatabaseUnreachableError(self._explain(error)) from None
        self.on_connection(conn)
        try:
            conn.execute(BEGIN)
            prepare_session(conn)
            if role is not None:
                conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            conn.commit()
        except psycopg.Error:
            conn.close()
            raise
        return conn

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection]:
        """A connection to look around with. What the server refuses there becomes a DatabaseUnreachableError."""
        try:
            with self.connect() as conn:
                yield conn
        except psycopg.Error as error:
            state, role = error.sqlstate or "no connection", self.parameters.get("user", "this role")
            raise DatabaseUnreachableError(
                f"{self.place} does not let {role} look around (SQLSTATE {state}): use a role that may"
            ) from None

    def facts(self) -> Facts:
        """What the database is. Raises UsageError where its Postgres is too old."""
        with self.session() as conn:
            row = conn.execute(FACTS).fetchone()
        facts = Facts(*row) if row else None
        if facts is None or facts.major < OLDEST:
            raise UsageError(f"{self.option}: {self.place} is older than PostgreSQL {OLDEST}, which is not supported")
        return facts

    def attested_place(self) -> PostgresPlace:
        """Where it is, in the words of an attestation: never a user or a password."""
        host = self.parameters.get("host") or self.parameters.get("hostaddr") or "localhost"
        port = self.parameters.get("port") or "5432"
        server = f"{quote(host, safe=':[]')}:{port.split(',')[0]}"
        return PostgresPlace(server=server, system=str(self.facts().system))

    def _explain(self, error: psycopg.OperationalError) -> str:
        text = str(error).lower()
        answer = next(
            (a for said, a in ANSWERS.items() if said in text), "does not answer: check host, port and network"
        )
        return f"{self.place} {answer.format(user=self.parameters.get('user', ''), option=self.option)}"


def parse_dsn(
    option: str, dsn: str, on_connection: Callable[[psycopg.Connection], None] = lambda _: None
) -> PlainDatabase:
    """Read a connection string, a URI or key=value pairs. Raises UsageError, which never quotes it."""
    if not dsn.strip():  # libpq would take whatever database the environment leads to
        raise UsageError(f"{option} is empty: an unset variable, perhaps? Write postgresql://role@host/database")
    try:
        return PlainDatabase(option, plain_parameters(dsn), on_connection)
    except psycopg.ProgrammingError:
        example = "postgresql://role@host/database"
        raise UsageError(
            f"{option} is no connection string: write it as {example}, the password in ~/.pgpass"
        ) from None
