"""What leads out of the database: a masked copy must not reach production, nor production's neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, NamedTuple

import psycopg
from psycopg import sql

from sanitizers.proof.connections import connection_strings
from sanitizers.proof.definitions import read_definitions
from sanitizers.proof.roads.answers import Answer, many
from sanitizers.proof.roads.road import Found, Road, Site

SUBSCRIPTIONS = """
SELECT quote_ident(subname) FROM pg_subscription
WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1
"""
MAPPINGS = """
SELECT CASE umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(usename) END, quote_ident(srvname)
FROM pg_user_mappings ORDER BY 2, 1
"""
SERVERS = """
SELECT quote_ident(s.srvname), w.fdwname = ANY (%s), count(t.ftrelid)
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
LEFT JOIN pg_foreign_table t ON t.ftserver = s.oid GROUP BY s.oid, s.srvname, w.fdwname ORDER BY 1
"""
NEED_A_MAPPING = ["postgres_fdw", "dblink_fdw", "mysql_fdw", "oracle_fdw", "tds_fdw"]
"""Wrappers that let nobody but a superuser through without a user mapping."""
PUBLICATIONS = "SELECT quote_ident(pubname) FROM pg_publication ORDER BY 1"
SLOTS = """
SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database() AND NOT temporary ORDER BY 1
"""
EVENT_TRIGGERS = "SELECT quote_ident(evtname) FROM pg_event_trigger WHERE evtenabled <> 'D' ORDER BY 1"
HAS_JOBS = "SELECT to_regclass('cron.job') IS NOT NULL"
JOBS = "SELECT jobid::text FROM cron.job WHERE active ORDER BY jobid"

CALLS = re.compile(r"\b(?:dblink(?:_\w+)?|http_(?:get|post|put|delete)|net\.http_\w+)\s*\(", re.IGNORECASE)
DROPPED = re.compile(
    r"(function|procedure|view|materialized view|table|trigger|policy|foreign table|aggregate) (.+)", re.DOTALL
)


class Leak(NamedTuple):
    """One thing that leads out: what it is called, and the statement that takes it away."""

    what: str
    remedy: str


Looked = tuple[list[Leak], int]
"""What leads out, and how many of the kind there are."""


class Links(Road):
    """Publications, subscriptions, foreign servers, user mappings, connection strings, jobs, event triggers."""

    name: ClassVar[str] = "links"
    title: ClassVar[str] = "Links to other servers"
    question: ClassVar[str] = "Can the copy reach production, or anything that production talks to?"

    def __init__(self, *, decided: bool = False) -> None:
        """Whether a masking policy names every foreign table, which is how a person says that it may stay."""
        self._decided = decided

    def look(self, site: Site) -> Found:
        """Ask the catalog for each kind; one that cannot be asked is named, and the others go on."""
        numbers: dict[str, int] = {}
        leaks: list[Leak] = []
        unseen: list[str] = []
        allowed = site.plan.allow_connections if site.plan else ()
        kinds: dict[str, Ask] = {**_KINDS, "connection-strings": partial(_strings, allowed=allowed)}
        for kind, ask in kinds.items():
            try:
                with site.target.transaction():
                    found, numbers[kind] = ask(site.target)
            except psycopg.Error as error:
                unseen.append(f"the {kind.replace('-', ' ')} (SQLSTATE {error.sqlstate})")
            else:
                leaks += [] if self._decided and ask is _servers else found
        problems = tuple(f"{leak.what} of {site.database} leads out of the copy: {leak.remedy}" for leak in leaks)
        counted = ", ".join(many(count, kind.replace("-", " ").rstrip("s")) for kind, count in numbers.items() if count)
        sentence = f"Found {counted}; {many(len(leaks), 'way')} out." if counted else "Nothing leads out of the copy."
        return Answer({**numbers, "leading-out": len(leaks)}, sentence, problems, tuple(unseen)).of(self, site)


def _subscriptions(conn: psycopg.Connection) -> Looked:
    names = [row[0] for row in conn.execute(SUBSCRIPTIONS)]
    steps = "ALTER SUBSCRIPTION {0} DISABLE; ALTER SUBSCRIPTION {0} SET (slot_name = NONE); DROP SUBSCRIPTION {0}"
    return [Leak(f"subscription {name}", steps.format(name)) for name in names], len(names)


def _mappings(conn: psycopg.Connection) -> Looked:
    rows = conn.execute(MAPPINGS).fetchall()
    leaks = [
        Leak(f"the user mapping of {user} for server {server}", f"DROP USER MAPPING FOR {user} SERVER {server}")
        for user, server in rows
    ]
    return leaks, len(rows)


def _servers(conn: psycopg.Connection) -> Looked:
    rows = conn.execute(SERVERS, (NEED_A_MAPPING,)).fetchall()
    leaks = [
        Leak(f"foreign server {name} with {many(tables, 'table')}", f"DROP SERVER {name} CASCADE")
        for name, guarded, tables in rows
        if tables and not guarded
    ]
    return leaks, len(rows)


def _publications(conn: psycopg.Connection) -> Looked:
    """Rows leave only where a slot keeps them for somebody."""
    return [], len(conn.execute(PUBLICATIONS).fetchall())


def _slots(conn: psycopg.Connection) -> Looked:
    names = [row[0] for row in conn.execute(SLOTS)]
    drop = sql.SQL("SELECT pg_drop_replication_slot({})")
    return [Leak(f"replication slot {name}", drop.format(sql.Literal(name)).as_string(conn)) for name in names], len(
        names
    )


def _jobs(conn: psycopg.Connection) -> Looked:
    row = conn.execute(HAS_JOBS).fetchone()
    if row is None or not row[0]:
        return [], 0
    ids = [one[0] for one in conn.execute(JOBS)]
    return [Leak(f"cron job {number}", f"SELECT cron.unschedule({number})") for number in ids], len(ids)


def _event_triggers(conn: psycopg.Connection) -> Looked:
    """Counted: whether their functions lead anywhere the definitions say."""
    return [], len(conn.execute(EVENT_TRIGGERS).fetchall())


def _strings(conn: psycopg.Connection, allowed: Sequence[str]) -> Looked:
    found = connection_strings(conn, allowed)
    return [Leak(f"a connection string in {name}", _drop(name)) for name in found], len(connection_strings(conn))


def _calls(conn: psycopg.Connection) -> Looked:
    """Of dblink and the like, with whatever string they are given."""
    return [], len({d.name for d in read_definitions(conn) if CALLS.search(d.text)})


def _drop(name: str) -> str:
    """The statement for what `pg_describe_object` calls so; of other things the place alone can be told."""
    found = DROPPED.fullmatch(name)
    return f"DROP {found[1].upper()} {found[2]}" if found else f"take it out of {name}"


Ask = Callable[[psycopg.Connection], Looked]
_KINDS: dict[str, Ask] = {
    "subscriptions": _subscriptions,
    "user-mappings": _mappings,
    "foreign-servers": _servers,
    "publications": _publications,
    "replication-slots": _slots,
    "cron-jobs": _jobs,
    "event-triggers": _event_triggers,
    "remote-calls": _calls,
}
