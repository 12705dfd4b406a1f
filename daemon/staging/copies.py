"""The two branches of a run: the sealed source copy and the target. Passwords live here, in memory alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from daemon.connect import leads_to, open_connection
from daemon.errors import RunFailedError
from daemon.model import RUN_ANNOTATION, Branch, Database, Endpoint, Role
from daemon.neon import CreateBranch, Created, Login, NeonClient
from daemon.records import SanitizeRun
from daemon.staging.context import NEON_OWN_ROLES, ROLE_ANNOTATION, StagingContext, quoted
from daemon.staging.renew import LIFE
from sanitizers.errors import SealError
from sanitizers.proof.verifiers import Verifiers, read_verifiers
from sanitizers.seal import ConnectGrant, cut_neighbours, remove_passwords, seal_database, unsealed_databases
from sanitizers.spelling import BEGIN


@dataclass(frozen=True)
class Copy:
    """A branch of the run with what it takes to connect to it."""

    branch: Branch
    endpoint: Endpoint
    databases: tuple[Database, ...]
    uris: Mapping[tuple[str, str], str] = field(repr=False)
    """(database, role) → connection URI with the run's own password."""
    roles: tuple[str, ...] = ()
    """The API roles, whose passwords were reset for the run."""
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None
    """Told of each connection, so that another thread can cancel what it waits for."""

    def connector(self, database: Database) -> Callable[[str | None], psycopg.Connection]:
        """A function that connects to `database` as a role; None is the database's owner."""

        def connect(role: str | None) -> psycopg.Connection:
            conn = open_connection(self._uri(database, role or database.owner))
            self.on_connection(conn)
            try:
                conn.execute(BEGIN)
                conn.commit()
            except psycopg.Error:
                conn.close()
                raise
            return conn

        return connect

    def _uri(self, database: Database, role: str) -> str:
        try:
            return self.uris[database.name, role]
        except KeyError:
            raise RunFailedError(f"the run cannot connect as role {role}: it is not known to the API") from None


@dataclass(frozen=True)
class SealedCopy:
    """A copy that takes connections from the run alone."""

    copy: Copy
    grants: Mapping[str, tuple[ConnectGrant, ...]]
    """Database → the rights to connect that the seal took away."""
    verifiers: Verifiers = field(repr=False)
    """Password verifiers of SQL-made roles as they were inherited."""

    @property
    def connectors(self) -> Mapping[str, Callable[[str | None], psycopg.Connection]]:
        """Database → a function that connects to it, as `Copy.connector` gives it."""
        return {database.name: self.copy.connector(database) for database in self.copy.databases}


@dataclass(frozen=True)
class Origin:
    """What a copy is taken from: a branch as it is, or as it was at an LSN or a time."""

    project_id: str
    branch_id: str
    lsn: str | None = None
    at: datetime | None = None


def create_copy(context: StagingContext, origin: Origin, run: SanitizeRun, kind: str) -> Created:
    """Begin to create the run's `source` or `target` branch; it expires by itself from the first moment."""
    empty = kind == "target" and run.mode == "clean-room"
    return context.client.create_branch(
        CreateBranch(
            project_id=origin.project_id,
            name=f"branchwarden-{kind}-{run.id}",
            parent_id=origin.branch_id,
            init_source="schema-only" if empty else "parent-data",
            expires_at=context.clock() + LIFE,
            annotation={RUN_ANNOTATION: run.id, ROLE_ANNOTATION: kind},
            with_compute=True,
            lsn=origin.lsn,
            at=origin.at,
        )
    )


def open_copy(context: StagingContext, branch: Branch) -> Copy:
    """Give every API role of the branch a new password and learn how to connect as each."""
    client = context.client
    endpoint = writable_endpoint(client, branch)
    databases = client.list_databases(branch.project_id, branch.id)
    roles = tuple(role.name for role in client.list_roles(branch.project_id, branch.id) if is_usable(role))
    for role in roles:
        client.reset_password(branch.project_id, branch.id, role)
    uris = {
        (database.name, role): checked_uri(
            client.connection_uri(branch.project_id, Login(branch.id, database.name, role, endpoint.id)), endpoint
        )
        for database in databases
        for role in {*roles, database.owner}
    }
    return Copy(branch, endpoint, databases, uris, roles, context.connections.add)


def checked_uri(uri: str, endpoint: Endpoint) -> str:
    """The URI, once it is sure that it leads to the branch: statements of a seal must never reach another one."""
    if not leads_to(uri, endpoint.id):
        raise RunFailedError(f"Neon's connection details do not lead to endpoint {endpoint.id}: nothing was done there")
    return uri


def writable_endpoint(client: NeonClient, branch: Branch) -> Endpoint:
    """The read-write compute of a branch. Raises RunFailedError."""
    for endpoint in client.list_endpoints(branch.project_id, branch.id):
        if endpoint.type == "read_write":
            return endpoint
    raise RunFailedError(f"branch {branch.name} has no read-write compute")


def is_usable(role: Role) -> bool:
    """Whether people log in as the role with a password; Neon's own roles are left alone."""
    return not role.protected and role.authentication_method == "password" and role.name not in NEON_OWN_ROLES


def seal_copy(copy: Copy) -> SealedCopy:
    """Seal every database of the copy. Raises SealError: then the copy must be deleted.

    Passwords of SQL-made roles go first: without one they get in nowhere, whatever else fails.
    """
    own = (*copy.roles, *NEON_OWN_ROLES)
    with copy.connector(copy.databases[0])(None) as conn:
        verifiers = read_verifiers(conn).without(own)
    _remove_passwords(copy, own)  # before anything that can be refused
    grants = {}
    for database in copy.databases:
        with copy.connector(database)(None) as conn:
            grants[database.name] = seal_database(conn, copy.roles, tuple(NEON_OWN_ROLES))
            cut_neighbours(conn)
    with copy.connector(copy.databases[0])(None) as conn:
        _refuse_unknown_databases(conn, copy)
    return SealedCopy(copy, grants, verifiers)


def _remove_passwords(copy: Copy, own: tuple[str, ...]) -> None:
    """Each API role may do it for the roles that it made. With no password left, nobody else gets into any database."""
    left: tuple[str, ...] = ()
    for role in copy.roles:
        with copy.connector(copy.databases[0])(role) as conn:
            left = remove_passwords(conn, own)
        if not left:
            return
    owner = quoted(copy.databases[0].owner)
    raise SealError(
        f"the password of {', '.join(left)} is production's and the run may not remove it: on production run "
        + "; ".join(f"GRANT {quoted(role)} TO {owner} WITH ADMIN OPTION" for role in left)
    )


def _refuse_unknown_databases(conn: psycopg.Connection, copy: Copy) -> None:
    unknown = unsealed_databases(conn, tuple(d.name for d in copy.databases))
    if unknown:
        raise SealError(
            f"database {', '.join(unknown)} was made by SQL and is unknown to Neon's API, so it cannot be sealed:"
            " create it through the API or drop it on production"
        )
