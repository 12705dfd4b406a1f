"""Roles and databases exactly as Neon makes them; every statement here runs as the superuser.

Sources: neondatabase/neon, compute_tools/src/spec_apply.rs, its sql/ and migrations/ folders.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

NEON_SUPERUSER = "neon_superuser"

_MEMBER_OF = "pg_read_all_data, pg_write_all_data"
_WITH_ADMIN = ("pg_monitor", "pg_signal_backend")
_SINCE = {"pg_create_subscription": 16, "pg_maintain": 17, "pg_signal_autovacuum_worker": 18}
_FUNCTIONS = {
    "pg_export_snapshot()": 14,
    "pg_log_standby_snapshot()": 16,
    "pg_show_replication_origin_status()": 14,
}


def bootstrap(conn: psycopg.Connection) -> None:
    """Make `neon_superuser` in an empty cluster: no superuser, no login."""
    conn.execute(f"CREATE ROLE {NEON_SUPERUSER} CREATEDB CREATEROLE NOLOGIN REPLICATION BYPASSRLS IN ROLE {_MEMBER_OF}")
    major = conn.info.server_version // 10000
    for role in [r for r, since in _SINCE.items() if since <= major]:
        conn.execute(sql.SQL("GRANT {} TO neon_superuser").format(sql.Identifier(role)))
    for role in _WITH_ADMIN:
        conn.execute(sql.SQL("GRANT {} TO neon_superuser WITH ADMIN OPTION").format(sql.Identifier(role)))
    # Function privileges are a database's own: template1 carries them into every new one.
    grant_functions(conn)


def grant_functions(conn: psycopg.Connection) -> None:
    """Grant what members of `neon_superuser` may call, in the database of this connection."""
    major = conn.info.server_version // 10000
    for function in [f for f, since in _FUNCTIONS.items() if since <= major]:
        conn.execute(f"GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {NEON_SUPERUSER}")


def create_role(conn: psycopg.Connection, name: str, password: str | None) -> None:
    """Make a role the way the API does; without a password it cannot log in."""
    statement = sql.SQL("CREATE ROLE {} INHERIT CREATEROLE CREATEDB BYPASSRLS REPLICATION IN ROLE neon_superuser {}")
    login = sql.SQL("NOLOGIN") if password is None else sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(password))
    conn.execute(statement.format(sql.Identifier(name), login))


def set_password(conn: psycopg.Connection, name: str, password: str) -> None:
    """Give a role another password and end its sessions, as a reset on Neon does."""
    conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password)))
    conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,))


def create_database(conn: psycopg.Connection, name: str, owner: str) -> None:
    """Make a database with its grants; needs autocommit. `grant_schema` completes it from inside."""
    conn.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
    conn.execute(sql.SQL("GRANT ALL PRIVILEGES ON DATABASE {} TO neon_superuser").format(sql.Identifier(name)))


def grant_schema(conn: psycopg.Connection, owner: str) -> None:
    """Give the schema `public` to the database's owner and set the default privileges, inside the new database."""
    conn.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(owner)))
    for objects in (sql.SQL("TABLES"), sql.SQL("SEQUENCES")):
        conn.execute(
            sql.SQL(
                "ALTER DEFAULT PRIVILEGES FOR ROLE cloud_admin IN SCHEMA public "
                "GRANT ALL ON {} TO neon_superuser WITH GRANT OPTION"
            ).format(objects)
        )
