"""What a run would do with a database, what it would cost, and everything that stands in its way. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from daemon.amounts import counted, readable_size, readable_time
from daemon.errors import RunRefusedError
from daemon.plain.narrow import narrowed
from daemon.plain.server import Facts, PlainDatabase
from daemon.policies import Place, coverage, draft_policy, missing_lines, unmasked, unnamed
from sanitizers.engines.blockers import find_blockers, unknown_event_triggers
from sanitizers.engines.journal import Mode, journaled_schema
from sanitizers.engines.large_objects import read_owners
from sanitizers.engines.obstacles import USER_TABLES
from sanitizers.engines.preflight import unreadable
from sanitizers.engines.rewritten import name_of, rewritten_tables, together
from sanitizers.explain import without_values
from sanitizers.fields.keyring import Keyring
from sanitizers.notes import find_notes
from sanitizers.plan import DatabasePlan, Draft, MaskingPlan
from sanitizers.policy import MaskingPolicy
from sanitizers.schema import Schema, read_schema
from sanitizers.tokens import key_problems
from sanitizers.trial import try_plan

BYTES_PER_SECOND = {"clean-room": 10e6, "in-place": 20e6}
"""Of an ordinary table on two cores, with headroom."""
FOREIGN_TABLES = (
    USER_TABLES
    + """
SELECT current_database(), nspname, relname FROM user_relation WHERE relkind = 'f' ORDER BY 2, 3
"""
)


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    mode: Mode
    policy: MaskingPolicy
    allow_event_triggers: tuple[str, ...] = ()
    keyring: Keyring | None = None
    """The field keys, where the policy encrypts something."""


@dataclass(frozen=True)
class Outlook:
    """A look at a database before a run."""

    facts: Facts
    schema: Schema
    draft: Draft
    """What the policy makes of the schema, as far as it goes."""
    coverage: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    lines: tuple[str, ...]
    """TOML for the columns that the policy does not cover, as the detector suggests it."""
    going_on: bool
    """Whether a run that masks in place was cut off here, so that this one goes on with it."""

    @property
    def plan(self) -> MaskingPlan | None:
        """None where the policy and the schema do not make one."""
        return self.draft.plan

    def refuse(self) -> None:
        """Raises RunRefusedError with everything that stands in the way, if anything does."""
        self.require_plan()

    def require_plan(self) -> DatabasePlan:
        """The plan of the database. Raises RunRefusedError with everything that stands in the way."""
        if self.plan is None or self.problems:
            raise RunRefusedError(f"refused before anything was created ({self.coverage}):", self.problems)
        return self.plan.databases[0]


def look_ahead(database: PlainDatabase, wish: Wish, key: bytes | None = None) -> Outlook:
    """Look at the database that a run would read, or write to where it masks in place, with its key if there is one."""
    facts = database.facts()
    with database.connect() as conn, database.connect() as other:
        return without_values(lambda: f"looking at {facts.name}", lambda: _look((conn, other), facts, wish, key))


def _look(conns: tuple[psycopg.Connection, psycopg.Connection], facts: Facts, wish: Wish, key: bytes | None) -> Outlook:
    conn, other = conns
    begun = journaled_schema(conn) if wish.mode == "in-place" else None
    schema = begun or read_schema(conn)
    foreign: list[Place] = conn.execute(FOREIGN_TABLES).fetchall()
    conn.commit()
    policy = narrowed(wish.policy, schema, foreign)
    draft = draft_policy((schema,), policy)
    problems = [*draft.problems, *unmasked((schema,), draft.databases, policy), *unnamed(wish.policy, foreign)]
    problems += key_problems(draft.databases, wish.keyring)
    blockers = _standing_in_the_way(conn, draft.databases[0], wish)
    problems += blockers
    if begun is None and not blockers:  # some rows are masked there already, and what can be read can be tried
        conn.rollback()
        problems += try_plan(conn, draft.sound[0], key, [other])
    conn.rollback()
    covered = coverage((schema,), policy, wish.policy.digest)
    notes = (*_notes(facts, schema, draft.plan, wish), *_large_objects(conn, wish))
    lines = tuple(missing_lines(schema, policy))
    return Outlook(facts, schema, draft, covered, tuple(problems), notes, lines, begun is not None)


def _standing_in_the_way(conn: psycopg.Connection, plan: DatabasePlan, wish: Wish) -> list[str]:
    if wish.mode == "in-place":
        blockers = find_blockers(conn, plan, "in-place", wish.allow_event_triggers)
        return [*blockers, *unknown_event_triggers([conn], wish.allow_event_triggers)]
    return unreadable(plan, conn)


def _large_objects(conn: psycopg.Connection, wish: Wish) -> Iterator[str]:
    count = sum(read_owners(conn).values())
    if count and wish.mode == "in-place":
        yield f"{count:,} large objects are going to be removed: no policy says what is in them"
    elif count:
        yield f"{count:,} large objects are not copied: columns of their numbers (oid, lo) lead nowhere in the target"


def _notes(facts: Facts, schema: Schema, plan: MaskingPlan | None, wish: Wish) -> Iterator[str]:
    if plan is not None:
        yield f"{plan.masked_count} of {plan.column_count} columns in {counted(len(schema.tables), 'table')} are masked"
        yield from find_notes(plan)
    if not wish.policy.reviewed:
        yield "nobody has signed the masking policy yet (reviewed_by, reviewed_on)"
    rows, size = sum(table.row_estimate for table in schema.tables), sum(table.total_bytes for table in schema.tables)
    seconds = size / BYTES_PER_SECOND[wish.mode]
    before = " before the sample" if wish.policy.share else ""
    yield f"about {rows:,} rows, {readable_size(size)} with indexes{before}: about {readable_time(seconds)}"
    if wish.mode == "in-place":
        groups = together(rewritten_tables(plan.databases[0])) if plan else ()
        sizes = [sum(table.table.total_bytes for table in group) for group in groups]
        most = max([*sizes, *(table.total_bytes for table in schema.tables)], default=0)
        yield f"it needs up to {readable_size(2 * most)} of free disk and locks each table while that is rewritten"
        yield from _kept(plan.databases[0]) if plan else ()
    else:
        yield f"the target needs about {readable_size(size)} of disk, and so much travels through this machine"
    if facts.sessions:
        yield f"{connected(facts)} connected to {facts.name} right now"


def _kept(plan: DatabasePlan) -> Iterator[str]:
    masked = {name_of(table) for table in rewritten_tables(plan)}
    kept = [table.table.total_bytes for table in plan.tables if name_of(table) not in masked]
    if kept:
        what = f"{counted(len(kept), 'kept table')} ({readable_size(sum(kept))})"
        yield f"{what} will be written anew too: what was deleted or dropped there is in the files until then"


def connected(facts: Facts) -> str:
    """Who else is connected, up to the verb."""
    return "1 other session is" if facts.sessions == 1 else f"{facts.sessions} other sessions are"
