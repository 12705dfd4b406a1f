"""Takes away what stands in the way of a load and puts it back as it was, each thing as the owner of its table."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack

import psycopg
from psycopg import sql

from sanitizers.engines.crew import Crew
from sanitizers.engines.journal import Entry, State, mark
from sanitizers.engines.obstacles import USER_TABLES
from sanitizers.explain import without_values
from sanitizers.spelling import PATH, SPELLING
from sanitizers.track import Say, Track

Connect = Callable[[str | None], psycopg.Connection]
"""Role, or None for the run's own → a new connection, autocommit off."""

SESSION = f"""
SELECT pg_catalog.set_config(s.name, w.value, false)
FROM (VALUES ('statement_timeout', '0'), ('transaction_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
  ('idle_session_timeout', '0'), ('lock_timeout', '60000'), ('client_connection_check_interval', '2000'),
  ('neon.event_triggers', 'off'), ('jit', 'off'), {SPELLING}, {PATH}
) AS w(name, value)
JOIN pg_settings s ON s.name = w.name
WHERE s.name <> 'client_connection_check_interval' OR version() ~ 'linux'
"""  # noqa: S608  constants alone
"""What a role's or database's settings must not do to a run. Neon's own switch for event triggers included.
Whoever copies, counts and proves reads and writes values alike. To compile a masked SELECT (JIT) takes a second and
more, and makes it no faster.

Where the server can tell that its client is gone (Linux), it ends what a killed run was doing.
"""

BESIDE = (0x6277, 0x6A6F)
"""Advisory lock that connections beside the journal's own share as long as they live."""

MEMORY = """
SELECT set_config(name, %s, false) FROM pg_settings
WHERE name = 'maintenance_work_mem' AND setting::bigint * 1024 < pg_size_bytes(%s)
"""
SORT_MEGABYTES = 512
"""What the index builds of all streams may take together, if the server's own setting is not higher."""

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
    """Connections to the target, one per role, opened when first needed; `streams` such sessions share its memory."""

    def __init__(
        self, connect: Connect, watch: Callable[[psycopg.Connection], None], stack: ExitStack, streams: int = 1
    ) -> None:
        self._connect = connect
        self._watch = watch
        self._stack = stack
        self._memory = f"{max(64, SORT_MEGABYTES // streams)}MB"
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
        conn.execute(MEMORY, (self._memory, self._memory))
        if role is not None:
            stay_beside(conn)
        conn.commit()
        return conn


def prepare_session(conn: psycopg.Connection) -> None:
    """Switch off the timeouts that would cut a long run short; write values as every session of a run does."""
    conn.execute(SESSION)
    conn.commit()


def stay_beside(conn: psycopg.Connection) -> None:
    """Let a run that goes on after this one was killed know when the server has let go of this connection."""
    conn.execute("SELECT pg_advisory_lock_shared(%s, %s)", BESIDE)
    conn.commit()


def await_others(conn: psycopg.Connection) -> None:
    """Wait for what a killed run has left running in the server: it may still be about to commit.

    Raises:
        psycopg.errors.LockNotAvailable: it does not end within the session's lock_timeout.
    """
    conn.execute("SELECT pg_advisory_lock(%s, %s)", BESIDE)
    conn.execute("SELECT pg_advisory_unlock(%s, %s)", BESIDE)
    conn.commit()


def current_role(conn: psycopg.Connection) -> str:
    """The role that statements of this connection run as."""
    row = conn.execute("SELECT current_user").fetchone()
    conn.commit()
    return str(row[0]) if row else ""


class Count:
    """Numbers what several threads are about to do, and tells of it."""

    def __init__(self, track: Track, total: int) -> None:
        self._track = track
        self._total = total
        self._begun = 0
        self._lock = threading.Lock()

    def say(self, about: str) -> None:
        """Tell of the next thing; raises CopyFailedError when the run was stopped."""
        with self._lock:
            number, self._begun = self._begun, self._begun + 1
        self._track.say(about, number, self._total)


def take_away(sessions: Sessions, entries: Sequence[Entry], say: Say) -> None:
    """Take away what the journal holds; each thing is written down there by the transaction that does it."""
    for number, entry in enumerate(entries):
        if entry.obstacle.remove:
            say(entry.obstacle.about, number, len(entries))
        _settle(sessions, entry, "removed")


def put_back(crew: Crew[Sessions], entries: Sequence[Entry], track: Track) -> None:
    """Put back what the journal holds as taken away, as many things at a time as the crew has hands."""
    count = Count(track, len(entries))

    def work(sessions: Sessions, entry: Entry) -> None:
        count.say(entry.obstacle.about)
        without_values(track.about, lambda: _settle(sessions, entry, "restored"))

    crew.work(entries, work)


def _settle(sessions: Sessions, entry: Entry, state: State) -> None:
    obstacle = entry.obstacle
    conn = sessions.of(obstacle.owner)
    for statement in obstacle.remove if state == "removed" else obstacle.restore:
        conn.execute(statement.encode())
    mark(conn, [entry], state)
    conn.commit()


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


def analyze(crew: Crew[Sessions], track: Track) -> None:
    """Give every table and filled materialized view fresh statistics, several at a time."""
    own = crew.hands[0].own
    tables: list[tuple[str, str, str]] = own.execute(ANALYZABLE).fetchall()
    own.commit()
    count = Count(track, len(tables))

    def work(sessions: Sessions, job: tuple[str, str, str]) -> None:
        owner, table, statement = job
        count.say(table)
        without_values(track.about, lambda: sessions.run(owner, [statement]))

    crew.work(tables, work)
