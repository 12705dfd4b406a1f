"""The seal: a database that takes connections from the run alone, and what is put back when it is lifted.

Needs no superuser: the owner of a database may revoke CONNECT on it. Passwords of API roles are the caller's part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.errors import SealError

PUBLIC = "public"

CONNECT_GRANTS = """
SELECT coalesce(r.rolname, 'public') AS grantee, a.is_grantable
FROM pg_database d
CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT' AND a.grantee <> d.datdba
ORDER BY 1
"""

CAN_STILL_CONNECT = """
SELECT r.rolname FROM pg_roles r
WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> ALL (%s)
  AND has_database_privilege(r.oid, current_database(), 'CONNECT')
ORDER BY 1
"""

OTHER_SESSIONS = """
SELECT pg_terminate_backend(s.pid) FROM pg_stat_activity s JOIN pg_roles r ON r.oid = s.usesysid
WHERE s.datname = current_database() AND s.pid <> pg_backend_pid() AND NOT r.rolsuper AND s.usename <> current_user
"""

SQL_MADE_LOGINS = """
SELECT rolname FROM pg_authid
WHERE rolcanlogin AND NOT rolsuper AND rolpassword IS NOT NULL AND rolname <> ALL (%s)
ORDER BY 1
"""

UNSEALED_DATABASES = """
SELECT datname FROM pg_database
WHERE datallowconn AND datname NOT IN ('postgres', 'template1') AND datname <> ALL (%s)
ORDER BY 1
"""


@dataclass(frozen=True)
class ConnectGrant:
    """A right to connect that the seal took away; the grantee `public` stands for everyone."""

    grantee: str
    grantable: bool


def seal_database(
    conn: psycopg.Connection, run_roles: tuple[str, ...], reserved: tuple[str, ...] = ()
) -> tuple[ConnectGrant, ...]:
    """Take CONNECT on this database from everyone but the run; returns what was taken, for `unseal_database`.

    `conn` is the database owner's. `run_roles` are the roles whose passwords only the run holds, `reserved` those that
    belong to the platform. Raises SealError when somebody else could still connect.
    """
    grants = read_connect_grants(conn)
    for grant in grants:
        _revoke_connect(conn, grant.grantee)
    for role in run_roles:
        conn.execute(_grant_connect(conn, role))
    left = [row[0] for row in conn.execute(CAN_STILL_CONNECT, ([*run_roles, *reserved],))]
    if left:
        conn.rollback()
        raise SealError(
            f"database {conn.info.dbname} cannot be sealed: {', '.join(left)} may still connect through a membership;"
            f" on production run {'; '.join(f'REVOKE {conn.info.user} FROM {role}' for role in left)}"
        )
    conn.commit()
    conn.execute(OTHER_SESSIONS)  # after the commit, or one could slip in between
    conn.commit()
    return grants


def read_connect_grants(conn: psycopg.Connection) -> tuple[ConnectGrant, ...]:
    """Who may connect to this database besides its owner."""
    return tuple(ConnectGrant(grantee, grantable) for grantee, grantable in conn.execute(CONNECT_GRANTS))


def unseal_database(
    conn: psycopg.Connection, grants: tuple[ConnectGrant, ...], run_roles: tuple[str, ...] = ()
) -> None:
    """Give CONNECT back to those it was taken from, and to nobody else; safe to repeat."""
    for role in set(run_roles) - {grant.grantee for grant in grants} - {conn.info.user}:
        _revoke_connect(conn, role)
    for grant in grants:
        option = sql.SQL(" WITH GRANT OPTION") if grant.grantable else sql.SQL("")
        conn.execute(_grant_connect(conn, grant.grantee) + option)
    conn.commit()


def unsealed_databases(conn: psycopg.Connection, sealed: tuple[str, ...]) -> tuple[str, ...]:
    """Databases that take connections and are not among the sealed ones: made by SQL, unknown to the API."""
    return tuple(row[0] for row in conn.execute(UNSEALED_DATABASES, (list(sealed),)))


def remove_passwords(conn: psycopg.Connection, own_roles: tuple[str, ...]) -> tuple[str, ...]:
    """Remove the passwords of SQL-made login roles, which a branch inherits; returns the roles where that is refused.

    Postgres lets only a role with ADMIN OPTION do it, so the caller repeats it as each API role.
    """
    refused = []
    for (role,) in conn.execute(SQL_MADE_LOGINS, (list(own_roles),)).fetchall():
        try:
            with conn.transaction():
                conn.execute(sql.SQL("ALTER ROLE {} PASSWORD NULL").format(sql.Identifier(role)))
        except psycopg.errors.InsufficientPrivilege:
            refused.append(role)
    conn.commit()
    return tuple(refused)


def cut_neighbours(conn: psycopg.Connection) -> Mapping[str, int]:
    """Stop what a copy would do to others: cron jobs, foreign-data user mappings, subscriptions. Returns counts.

    Raises SealError when something stays that could call out.
    """
    counts = {
        "user mappings": _drop_user_mappings(conn),
        "subscriptions": _drop_subscriptions(conn),
        "cron jobs": _stop_cron_jobs(conn),
    }
    conn.commit()
    return {name: count for name, count in counts.items() if count}


def _drop_user_mappings(conn: psycopg.Connection) -> int:
    rows = conn.execute("SELECT srvname, CASE umuser WHEN 0 THEN 'public' ELSE usename END FROM pg_user_mappings")
    mappings = rows.fetchall()
    for server, user in mappings:
        statement = sql.SQL("DROP USER MAPPING FOR {} SERVER {}").format(_role(user), sql.Identifier(server))
        _or_refuse(conn, statement, f"the user mapping of {user} for foreign server {server}")
    return len(mappings)


def _drop_subscriptions(conn: psycopg.Connection) -> int:
    query = "SELECT subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = %s)"
    names = [sql.Identifier(row[0]) for row in conn.execute(query, (conn.info.dbname,))]
    for name in names:
        for template in ("ALTER SUBSCRIPTION {} DISABLE", "ALTER SUBSCRIPTION {} SET (slot_name = NONE)"):
            _or_refuse(conn, sql.SQL(template).format(name), "an inherited subscription")
        _or_refuse(conn, sql.SQL("DROP SUBSCRIPTION {}").format(name), "an inherited subscription")
    return len(names)


def _stop_cron_jobs(conn: psycopg.Connection) -> int:
    row = conn.execute("SELECT to_regclass('cron.job') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return 0
    try:
        with conn.transaction():
            conn.execute("SET LOCAL row_security = off")  # a job that it would hide is an error, not a gap
            stopped = conn.execute("UPDATE cron.job SET active = false WHERE active").rowcount
            left = conn.execute("SELECT count(*) FROM cron.job WHERE active").fetchone()
    except psycopg.Error as error:
        raise SealError(f"inherited cron jobs cannot be stopped (SQLSTATE {error.sqlstate})") from None
    if left is None or left[0]:
        raise SealError("inherited cron jobs of other roles cannot be stopped: unschedule them on production")
    return stopped


def _or_refuse(conn: psycopg.Connection, statement: sql.Composed, what: str) -> None:
    try:
        with conn.transaction():
            conn.execute(statement)
    except psycopg.Error as error:
        raise SealError(
            f"{what} in database {conn.info.dbname} cannot be removed from the copy (SQLSTATE {error.sqlstate}):"
            " a copy must not call production's neighbours; let the database owner own it"
        ) from None


def _grant_connect(conn: psycopg.Connection, role: str) -> sql.Composed:
    return sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(_database(conn), _role(role))


def _revoke_connect(conn: psycopg.Connection, role: str) -> None:
    conn.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM {} CASCADE").format(_database(conn), _role(role)))


def _database(conn: psycopg.Connection) -> sql.Identifier:
    return sql.Identifier(conn.info.dbname)


def _role(name: str) -> sql.Composable:
    return sql.SQL("PUBLIC") if name == PUBLIC else sql.Identifier(name)
