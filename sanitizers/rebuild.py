"""Takes away what stands in the way of a load and puts it back as it was, each thing as the owner of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack

import psycopg
from psycopg import sql

from sanitizers.obstacles import USER_TABLES, Obstacle
from sanitizers.track import Say

Connect = Callable[[str | None], psycopg.Connection]
"""Role, or None for the run's own → a new connection, autocommit off."""

SESSION = """
SELECT set_config(s.name, w.value, false)
FROM (VALUES ('statement_timeout', '0'), ('transaction_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
  ('lock_timeout', '60000'), ('neon.event_triggers', 'off')) AS w(name, value)
JOIN pg_settings s ON s.name = w.name
"""
"""What a role's or database's settings must not do to a run. Neon's own switch for event triggers included."""

MATVIEWS = (
    USER_TABLES  # noqa: S608  constants alone
    + """,
needs AS (
  SELECT DISTINCT r.ev_class AS view, d.refobjid AS needed
  FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
),
tower AS (
  SELECT oid AS view, 0 AS height FROM pg_class WHERE relkind IN ('m', 'v')
  UNION
  SELECT n.view, t.height + 1 FROM needs n JOIN tower t ON t.view = n.needed
)
SELECT nspname, relname, owner, relispopulated FROM user_relation
WHERE relkind = 'm'
ORDER BY (SELECT max(height) FROM tower WHERE view = oid), oid
"""
)

ANALYZABLE = (
    USER_TABLES
    + """
SELECT owner, qualified, 'ANALYZE ' || qualified FROM user_relation
WHERE (relkind IN ('r', 'p') AND NOT relispartition) OR (relkind = 'm' AND relispopulated)
ORDER BY oid
"""
)
"""Partitions are analyzed with their root."""

SEQUENCES = (
    USER_TABLES
    + """
SELECT nspname, relname, owner FROM user_relation WHERE relkind = 'S' ORDER BY oid
"""
)


class Sessions:
    """Connections to the target, one per role, opened when first needed."""

    def __init__(self, connect: Connect, watch: Callable[[psycopg.Connection], None], stack: ExitStack) -> None:
        self._connect = connect
        self._watch = watch
        self._stack = stack
        self.own = self._open(None)
        self._by_role = {current_role(self.own): self.own}

    def of(self, role: str) -> psycopg.Connection:
        """A connection that may do what the role may: our own where we are a member of it."""
        if role not in self._by_role:
            row = self.own.execute("SELECT pg_has_role(%s, 'USAGE')", (role,)).fetchone()
            self.own.commit()
            self._by_role[role] = self.own if row and row[0] else self._open(role)
        return self._by_role[role]

    def run(self, role: str, statements: Iterable[str]) -> None:
        """Run statements that the server wrote, in one transaction of that role."""
        conn = self.of(role)
        for statement in statements:
            conn.execute(statement.encode())
        conn.commit()

    def _open(self, role: str | None) -> psycopg.Connection:
        conn = self._stack.enter_context(self._connect(role))
        self._watch(conn)
        prepare_session(conn)
        return conn


def prepare_session(conn: psycopg.Connection) -> None:
    """Switch off the timeouts that would cut a long run short."""
    conn.execute(SESSION)
    conn.commit()


def current_role(conn: psycopg.Connection) -> str:
    """The role that statements of this connection run as."""
    row = conn.execute("SELECT current_user").fetchone()
    conn.commit()
    return str(row[0]) if row else ""


def remove(sessions: Sessions, obstacles: Iterable[Obstacle], say: Say) -> None:
    """Take obstacles away."""
    for obstacle in _told(tuple(o for o in obstacles if o.remove), say):
        sessions.run(obstacle.owner, obstacle.remove)


def restore(sessions: Sessions, obstacles: Iterable[Obstacle], say: Say) -> None:
    """Put obstacles back, with their names, comments and settings."""
    for obstacle in _told(tuple(obstacles), say):
        sessions.run(obstacle.owner, obstacle.restore)


def _told(obstacles: tuple[Obstacle, ...], say: Say) -> Iterator[Obstacle]:
    for number, obstacle in enumerate(obstacles):
        say(obstacle.about, number, len(obstacles))
        yield obstacle


def copy_sequences(source: psycopg.Connection, sessions: Sessions, say: Say) -> None:
    """Set every sequence of the target to where the source's stands."""
    sequences = sessions.own.execute(SEQUENCES).fetchall()
    sessions.own.commit()
    for number, (schema, name, owner) in enumerate(sequences):
        say(f"{schema}.{name}", number, len(sequences))
        identifier = sql.Identifier(schema, name)
        value = source.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(identifier)).fetchone()
        target = sessions.of(owner)
        target.execute("SELECT setval(%s::regclass, %s, %s)", (identifier.as_string(target), *(value or ())))
        target.commit()


def populated_matviews(source: psycopg.Connection) -> Mapping[tuple[str, str], bool]:
    """By schema and name: whether the source's materialized view holds rows."""
    return {(schema, name): populated for schema, name, _, populated in source.execute(MATVIEWS)}


def refresh_matviews(sessions: Sessions, populated: Mapping[tuple[str, str], bool], say: Say) -> None:
    """Fill the materialized views that the source has filled, those first that others are built on."""
    views = [row for row in sessions.own.execute(MATVIEWS).fetchall() if populated.get((row[0], row[1]))]
    sessions.own.commit()
    for number, (schema, name, owner, _) in enumerate(views):
        say(f"{schema}.{name}", number, len(views))
        conn = sessions.of(owner)
        conn.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(schema, name)))
        conn.commit()


def analyze(sessions: Sessions, say: Say) -> None:
    """Give every table and filled materialized view fresh statistics."""
    tables = sessions.own.execute(ANALYZABLE).fetchall()
    sessions.own.commit()
    for number, (owner, table, statement) in enumerate(tables):
        say(table, number, len(tables))
        sessions.run(owner, [statement])
