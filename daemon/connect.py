"""From a connection URI of the API to the parameters that libpq gets: TLS verified, plaintext only to this machine."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import certifi
import psycopg
from psycopg import conninfo

from daemon.errors import NeonUnreachableError, RunFailedError
from daemon.loopback import is_loopback

CONNECT_TIMEOUT = 30  # seconds; an idle compute wakes in well under one, a cold one in a few
LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "lock_timeout")
"""Settings of a role or a database that must not end a run half-way."""
QUIET = "log_parameter_max_length"
MAY_BE_QUIET = f"SELECT has_parameter_privilege('{QUIET}', 'SET')"
IS_SUPERUSER = "SELECT current_setting('is_superuser') = 'on'"
PRIVILEGES = 150000  # the version of Postgres from which a right to change a setting can be granted


def secure_parameters(uri: str, root_certificates: Path | None = None) -> dict[str, str]:
    """The URI's parameters with `verify-full` and channel binding, whatever the URI asks for.

    psycopg's wheels look for system roots in a folder of their own that is empty, so the default is certifi's bundle.
    """
    found = {k: str(v) for k, v in conninfo.conninfo_to_dict(uri).items() if v is not None}
    found |= {"application_name": "branchwarden", "connect_timeout": str(CONNECT_TIMEOUT)}
    found |= {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
    if _stays_here(found):
        return found | {"sslmode": "prefer", "channel_binding": "prefer"}
    tls = {"sslmode": "verify-full", "channel_binding": "require"}
    return found | tls | {"sslrootcert": str(root_certificates or certifi.where())}


def plain_parameters(dsn: str) -> dict[str, str]:
    """The parameters of a connection string that a person wrote: TLS as it says, where it says nothing verified.

    Raises psycopg.ProgrammingError when it is none.
    """
    given = {k: str(v) for k, v in conninfo.conninfo_to_dict(dsn).items() if v is not None}
    found = {"application_name": "branchwarden", "connect_timeout": str(CONNECT_TIMEOUT)} | given
    found |= {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
    if "sslmode" in given or os.environ.get("PGSSLMODE"):
        return found
    # A service file or a variable may lead elsewhere, so that only a host in the text stays on this machine for sure.
    elsewhere = {"service", "hostaddr"} & given.keys() or {"PGHOST", "PGHOSTADDR", "PGSERVICE"} & os.environ.keys()
    if _stays_here(given) and (given.get("host") or not elsewhere):
        return found | {"sslmode": "prefer"}
    return {"sslrootcert": certifi.where()} | found | {"sslmode": "verify-full"}


def _stays_here(parameters: Mapping[str, str]) -> bool:
    """Whether the connection can only end on this machine: a loopback name or a Unix socket."""
    hosts = parameters.get("host", "").split(",")  # libpq tries one after the other
    return "hostaddr" not in parameters and all(not h or h.startswith("/") or is_loopback(h) for h in hosts)


@dataclass(frozen=True)
class Details:
    """How a person or an application connects; both hold the password."""

    uri: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    """PG* variables as libpq reads them."""


def connection_details(uri: str) -> Details:
    """The API's URI made safe to hand out: TLS verified against the system's roots, unless it is this machine."""
    found = {k: str(v) for k, v in conninfo.conninfo_to_dict(uri).items() if v is not None}
    if not _stays_here(found):
        found |= {"sslmode": "verify-full", "sslrootcert": "system", "channel_binding": "require"}
    names = {n: v for n, v in found.items() if n not in _IN_URI}
    login = f"{quote(found.get('user', ''), safe='')}:{quote(found.get('password', ''), safe='')}"
    place = f"{found.get('host', '')}{':' + found['port'] if 'port' in found else ''}/{quote(found.get('dbname', ''))}"
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in names.items())
    environment = {_VARIABLES.get(n, f"PG{n.upper()}"): shlex.quote(v) for n, v in found.items()}
    return Details(f"postgresql://{login}@{place}{'?' + query if query else ''}", environment)


_IN_URI = frozenset({"user", "password", "host", "port", "dbname"})
_VARIABLES = {"dbname": "PGDATABASE", "channel_binding": "PGCHANNELBINDING", "application_name": "PGAPPNAME"}


def leads_to(uri: str, endpoint_id: str) -> bool:
    """Whether a URI names the endpoint: as the first label of its host, or in its options where there is no SNI."""
    found = conninfo.conninfo_to_dict(uri)
    label = str(found.get("host") or "").partition(".")[0]
    return label == endpoint_id or f"endpoint={endpoint_id}" in str(found.get("options") or "").split()


def open_connection(uri: str) -> psycopg.Connection:
    """A connection of the run. No idle or statement limit of the role may end it half-way.

    Raises NeonUnreachableError with the host, never with the URI.
    """
    parameters = secure_parameters(uri)
    try:
        connection = psycopg.connect(**parameters)  # type: ignore[arg-type]  # psycopg types each keyword apart
    except psycopg.OperationalError as error:
        raise NeonUnreachableError(_explain(error, parameters)) from None
    try:
        prepare_session(connection)
        connection.commit()
    except psycopg.Error:
        connection.close()
        raise RunFailedError("the database closed the connection at once: run it again") from None
    return connection


def prepare_session(connection: psycopg.Connection) -> None:
    """Let no limit end the session, and no parameter into the server's log: the masking key is one, values may be.

    A server logs parameters where it logs statements. Whether it may, a superuser decides, or who has the right to SET.
    """
    for name in (*LIMITS, f"{QUIET}_on_error"):
        connection.execute("SELECT set_config(%s, '0', false)", (name,))
    granted = connection.info.server_version >= PRIVILEGES
    row = connection.execute(MAY_BE_QUIET if granted else IS_SUPERUSER).fetchone()
    if row and row[0]:
        connection.execute("SELECT set_config(%s, '0', false)", (QUIET,))


def _explain(error: psycopg.OperationalError, parameters: dict[str, str]) -> str:
    place = f"{parameters.get('host')}:{parameters.get('port', '5432')}/{parameters.get('dbname')}"
    role = parameters.get("user")
    text = str(error).lower()
    if "password authentication failed" in text:
        return f"{place} refuses the password of role {role}: it was reset meanwhile; run it again"
    if "certificate" in text:
        return f"{place} shows a certificate that cannot be verified: check the network between here and Neon"
    if "could not translate" in text or "name or service" in text:
        return f"the host of {place} cannot be resolved: check DNS and the network"
    return f"cannot connect to {place} as {role}: check that the endpoint is enabled and reachable from here"
