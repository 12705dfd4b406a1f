"""The in-place engine: the tables that hold personal data are rewritten where they are, everything else stays as it is.

1. What stands in the way is saved in the journal, then taken away.
2. One transaction per table masks it and writes its `done` row.
3. What was taken away comes back, with owners, comments and settings.
4. The other tables are written anew as they are, without deleted rows and dropped columns; the journal is dropped.

A run that was cut off at any point is gone on with by the next one with the same plan and key. For that plan, read the
schema with `journal.journaled_schema`: the catalog of a half-done database lacks what was taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event

import psycopg

from sanitizers.engines.attachments import CONSTRAINED, REBUILT, REMOVED, RESTORED_LAST, read_attachments
from sanitizers.engines.blockers import Reach, blockers_in_reach
from sanitizers.engines.compact import compact_definitions, compact_kept
from sanitizers.engines.crew import Crew
from sanitizers.engines.emptied import refuse_emptied
from sanitizers.engines.journal import Journal, journal_purpose, open_journal
from sanitizers.engines.large_objects import unlink_all
from sanitizers.engines.rebuild import Connect, Sessions, await_others, put_back, stay_beside, take_away
from sanitizers.engines.refill import refill_tables
from sanitizers.engines.rewritten import find_relations, name_of, rewritten_tables, together
from sanitizers.engines.stale import clear_stale_statistics, vacuum_statistics
from sanitizers.engines.stream import CopyReport
from sanitizers.engines.written import begin_proof, refuse_written
from sanitizers.errors import BlockedError, CatalogsDifferError
from sanitizers.explain import without_values
from sanitizers.fields.keyring import Keyring
from sanitizers.plan import DatabasePlan, TablePlan
from sanitizers.protection import Protection
from sanitizers.schema import read_schema
from sanitizers.select import set_key
from sanitizers.track import Progress, Say, Track

__all__ = ["CopyReport", "Progress", "RewriteRun", "rewrite_database"]

SESSION = """
SELECT set_config('client_connection_check_interval', '1s', false),
  set_config('default_transaction_read_only', 'off', false)
"""
"""A server notices within a second that a run was killed, and lets go of its locks."""

ABREAST = ("build", "whole", "validation", "analyze")
"""Kinds of which several are put back at once: none of them waits for another."""


@dataclass(frozen=True)
class RewriteRun:
    """What one run needs. `connect` opens the database that is masked where it is.

    To abandon it from another thread, set `stop` and cancel_safe() whatever `on_connection` was told of.
    """

    connect: Connect
    plan: DatabasePlan
    key: bytes = field(repr=False)
    stop: Event = field(default_factory=Event)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None
    allow_event_triggers: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Those that `connect` can connect as, beside the run's own."""
    streams: int = 2
    """Connections that rewrite tables and build indexes at once."""
    look: Callable[[], None] = lambda: None
    """Called once the journal is begun, before anything is taken away: the last moment to see the originals."""
    prove: Callable[[], None] = lambda: None
    """Called when all is masked and put back. Where it raises, the journal stays: unproven is not finished."""
    keyring: Keyring | None = None
    """The field keys; needed where the plan encrypts something."""

    def __post_init__(self) -> None:
        if self.streams < 1:
            raise ValueError(f"a run needs at least one stream, not {self.streams}")


def rewrite_database(run: RewriteRun, progress: Callable[[Progress], None]) -> CopyReport:
    """Mask the tables of the plan where they are; the rest of the database stays as it is.

    Raises:
        BlockedError: something stands in the way that a person must change first; nothing was touched.
        CatalogsDifferError: the schema is not the plan's any more; nothing was touched.
        UnfinishedRunError: a run with another plan or key was cut off here, and nothing was touched; or somebody wrote.
        CopyFailedError: anything else; names the object, never a value. Run again: it goes on from there.
    """
    track = Track(progress, run.stop)
    return without_values(track.about, lambda: _rewrite(run, track))


def _rewrite(run: RewriteRun, track: Track) -> CopyReport:
    opened: list[psycopg.Connection] = []

    def connect(role: str | None) -> psycopg.Connection:
        conn = run.connect(role)
        opened.append(conn)
        conn.execute(SESSION)
        conn.commit()
        set_key(conn, run.key)
        return conn

    with ExitStack() as stack:
        hands = [Sessions(connect, run.on_connection, stack, run.streams) for _ in range(run.streams)]
        crew = Crew(hands, lambda: tuple(opened))
        journal = _begin(run, hands[0], track)
        run.look()
        for hand in hands[1:]:
            stay_beside(hand.own)
        _clear(journal, hands[0], track.step("clear"))
        unlink_all(hands[0], track.say)
        _mask(run, journal, crew, track)
        _complete(run, journal, crew, track)
        masked = rewritten_tables(run.plan)
        compact_kept(journal, crew, [r.oid for r in find_relations(hands[0].own, masked).values()], track)
        without_values(track.about, lambda: compact_definitions(hands[0].own))
        refuse_written(hands[0], journal, masked)
        begin_proof(hands[0].own)
        done = journal.done()
        tables = tuple(done[name] for name in map(name_of, masked))
        _tell_counters(opened)
        run.prove()
        journal.close()
        return CopyReport(tables, track.finish())


def _tell_counters(connections: Sequence[psycopg.Connection]) -> None:
    """Let the server count what was written, which sessions that go on tell late: the proof goes by its counters."""
    for conn in connections:
        if conn.info.server_version >= 150000:  # before, nobody can ask for it
            conn.execute("SELECT pg_stat_force_next_flush()")
            conn.commit()


def _begin(run: RewriteRun, sessions: Sessions, track: Track) -> Journal:
    """Look before anything is created, then open the journal and save all that is going to be taken away."""
    track.step("compare", run.plan.database)
    own = sessions.own
    reach = Reach("in-place", run.allow_event_triggers, frozenset(run.roles))
    if problems := blockers_in_reach(own, run.plan, reach):
        raise BlockedError(problems)
    journal = open_journal(own, journal_purpose("in-place", run.plan, run.key, run.keyring))
    await_others(own)
    if journal.saved:
        refuse_emptied(sessions, journal)
        refuse_written(sessions, journal, rewritten_tables(run.plan))
    else:
        if read_schema(own).digest != run.plan.schema.digest:
            journal.close()
            raise CatalogsDifferError(
                f"the schema of {run.plan.database} changed after the masking plan was compiled: plan and run again"
            )
        relations = find_relations(own, rewritten_tables(run.plan)).values()
        found = read_attachments(own, [relation.oid for relation in relations])
        owners = {o.owner for group in found.values() for o in group} | {relation.owner for relation in relations}
        journal.share([owner for owner in owners if sessions.of(owner) is not own])
        journal.save(found)
    return journal


def _clear(journal: Journal, sessions: Sessions, say: Say) -> None:
    for kind in REMOVED:
        entries = journal.entries(kind, "saved")
        take_away(sessions, entries[::-1] if kind == "check" else entries, say)


def _mask(run: RewriteRun, journal: Journal, crew: Crew[Sessions], track: Track) -> None:
    say, done, tables = track.step("load"), journal.done(), rewritten_tables(run.plan)
    relations = find_relations(crew.hands[0].own, tables)
    protection = Protection(run.key, run.keyring)
    left = [group for group in together(tables) if name_of(group[0]) not in done]

    def mask(sessions: Sessions, group: tuple[TablePlan, ...]) -> None:
        table = group[0].table
        more = f" and {len(group) - 1} tables that its rows are chosen with" if len(group) > 1 else ""
        say(f"{table.qualified}{more}", 0, table.row_estimate)
        owner = relations[name_of(group[0])].owner
        without_values(track.about, lambda: refill_tables(sessions.of(owner), group, protection))

    crew.work(left, mask)


def _complete(run: RewriteRun, journal: Journal, crew: Crew[Sessions], track: Track) -> None:
    def back(*kinds: str) -> None:
        for kind in kinds:
            put_back(
                crew if kind in ABREAST else Crew(crew.hands[:1], lambda: ()), journal.entries(kind, "removed"), track
            )

    track.step("rebuild")
    back(*REBUILT)
    track.step("constrain")
    back(*CONSTRAINED)
    track.step("refresh")
    back("matview")
    say = track.step("analyze")
    back("analyze")
    relations = find_relations(crew.hands[0].own, rewritten_tables(run.plan)).values()
    clear_stale_statistics(crew.hands[0], [relation.oid for relation in relations], say)
    vacuum_statistics(crew.hands[0].own)
    track.step("triggers")
    back(*RESTORED_LAST)
