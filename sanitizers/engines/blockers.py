"""What stops a run before anything is created: a sentence each, with the statement that helps and who must run it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sanitizers.engines.attachments import read_attached
from sanitizers.engines.blocker_queries import (
    ADMINS,
    DATABASE_OWNER,
    EVENT_TRIGGERS,
    FOREIGN_CHILDREN,
    HANDED_OVER,
    HIDDEN_ROWS,
    MISSING_RIGHTS,
    PREPARED,
    RELATION_OWNERS,
    SERVER,
    SLOTS,
)
from sanitizers.engines.journal import Mode
from sanitizers.engines.large_objects import read_owners
from sanitizers.engines.obstacles import read_obstacles, select
from sanitizers.engines.rewritten import find_relations, rewritten_tables, together
from sanitizers.plan import DatabasePlan

UNLINK = "SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE lomowner = '{}'::regrole"
NAMED = 3
"""Things of one owner that a sentence names; of more it says how many there are."""


@dataclass(frozen=True)
class Reach:
    """What a run may do beside what the role of its connection may."""

    mode: Mode
    allow_event_triggers: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    """Roles that the run can connect as."""


@dataclass(frozen=True)
class _Scene:
    conn: psycopg.Connection
    reach: Reach
    roots: Sequence[int] | None
    """The tables that are written to; None means all."""
    me: str


def find_blockers(
    conn: psycopg.Connection, plan: DatabasePlan, mode: Mode, allow_event_triggers: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Everything that stops a run that writes to the database of `conn`; changes nothing, ends the transaction."""
    return blockers_in_reach(conn, plan, Reach(mode, allow_event_triggers))


def unknown_event_triggers(conns: Iterable[psycopg.Connection], names: Sequence[str]) -> Iterator[str]:
    """A sentence for each name of an event trigger that none of these databases has; ends no transaction."""
    known = sorted({str(row[0]) for conn in conns for row in conn.execute("SELECT evtname FROM pg_event_trigger")})
    for name in dict.fromkeys(names):
        if name not in known:
            there = f"there {'are' if len(known) > 1 else 'is'} {', '.join(known) or 'none'}"
            yield f"There is no event trigger {name} that could be allowed: {there}; correct the name or leave it out."


def blockers_in_reach(conn: psycopg.Connection, plan: DatabasePlan, reach: Reach) -> tuple[str, ...]:
    """As `find_blockers`, for a run that can also connect as some owners of tables."""
    roots = None if reach.mode == "clean-room" else _roots(conn, plan)
    with conn.transaction(force_rollback=True):
        conn.execute(
            "SELECT set_config(name, 'off', true) FROM pg_settings WHERE name = 'neon.event_triggers'"
        )  # the run itself does so, too
        row = conn.execute("SELECT current_user").fetchone()
        scene = _Scene(conn, reach, roots, str(row[0]) if row else "")
        sentences = [sentence for check in _CHECKS for sentence in check(scene)]
    return (*sentences, *(_of_two_owners(conn, plan) if reach.mode == "in-place" else ()))


def _roots(conn: psycopg.Connection, plan: DatabasePlan) -> list[int]:
    return [relation.oid for relation in find_relations(conn, rewritten_tables(plan)).values()]


def _of_two_owners(conn: psycopg.Connection, plan: DatabasePlan) -> Iterator[str]:
    """Tables whose rows or texts depend on one another's are rewritten in one transaction, so by one role."""
    for group in together(rewritten_tables(plan)):
        owners = sorted({relation.owner for relation in find_relations(conn, group).values()})
        rows = conn.execute(ADMINS, (owners,)).fetchall()
        others = [owner for owner, member, _ in rows if not member]
        if len(group) > 1 and others and len(owners) > 1:
            names = ", ".join(sorted(table.table.qualified for table in group))
            yield (
                f"Rows or texts of {names} depend on one another's originals, so that one role must rewrite them in"
                f" one transaction, and they belong to {', '.join(owners)}: let one role be a member of all, or mask in"
                f" the clean room."
            )
    conn.commit()


def _server(scene: _Scene) -> Iterator[str]:
    row = scene.conn.execute(SERVER).fetchone()
    standby, create, foreign, owner = row or (False, True, False, "")
    if standby:
        yield "This server is a hot standby and takes no writes: give the address of the primary."
    if not create:
        statement = f"GRANT CREATE ON DATABASE {_quoted(scene.conn.info.dbname)} TO {_quoted(scene.me)}"
        yield f"{scene.me} may not create the run's schema in {scene.conn.info.dbname}: run {statement} as {owner}."
    if foreign:
        yield "A schema branchwarden_journal that no run made is in the way: rename it."


def _owners(scene: _Scene) -> Iterator[str]:
    things: defaultdict[str, list[str]] = defaultdict(list)
    for owner, about in _owned(scene):
        if about not in things[owner]:
            things[owner].append(about)
    handed_over = dict(select(scene.conn, HANDED_OVER, scene.roots))
    for owner, member, admins in scene.conn.execute(ADMINS, (sorted(things),)).fetchall():
        if not member and owner not in scene.reach.roles:
            way = _handed(handed_over[owner]) if owner in handed_over else _granted(scene, owner, admins)
            yield _owner_sentence(owner, things[owner], way)


def _owned(scene: _Scene) -> Iterator[tuple[str, str]]:
    """Owner and words for everything that a run changes."""
    yield from select(scene.conn, RELATION_OWNERS, scene.roots)
    found = read_obstacles(scene.conn, scene.roots)
    for group in (found.foreign_keys, found.indexes, found.checks, found.triggers):
        yield from ((obstacle.owner, obstacle.about) for obstacle in group)
    if scene.roots is not None:
        # Only with its rights does VACUUM rid the catalogs of statistics and large objects that were.
        yield from scene.conn.execute(DATABASE_OWNER)
        for kind, others in read_attached(scene.conn, scene.roots).items():
            yield from ((o.owner, f"statistics of {o.about}" if kind == "analyze" else o.about) for o in others)


def _owner_sentence(owner: str, things: Sequence[str], way: str) -> str:
    some = ", ".join(things[:NAMED])
    more = f" and {len(things) - NAMED} more" if len(things) > NAMED else ""
    return f"{some}{more} can be changed by {owner} alone{way}."


def _granted(scene: _Scene, owner: str, admins: Sequence[str]) -> str:
    option = " WITH INHERIT TRUE, SET TRUE" if scene.conn.info.server_version >= 160000 else ""
    who = " or ".join([*admins, "a superuser"])
    return f": run GRANT {_quoted(owner)} TO {_quoted(scene.me)}{option} as {who}"


def _handed(statements: Sequence[str]) -> str:
    """Who is a member of a superuser can do everything: to own what is changed is less."""
    return f", a superuser, whose member nobody should become: run {'; '.join(statements)} as a superuser"


def _rights(scene: _Scene) -> Iterator[str]:
    for what, statement, who in select(scene.conn, MISSING_RIGHTS, scene.roots):
        yield f"{what}: run {statement} as {who}."


def _rows(scene: _Scene) -> Iterator[str]:
    if scene.reach.mode == "in-place":
        return  # the owner's own rows cannot be hidden from it once FORCE is off, which the run sees to
    for table, owner in select(scene.conn, HIDDEN_ROWS, scene.roots):
        yield (
            f"Row security of {table} applies to {scene.me}: run ALTER ROLE {_quoted(scene.me)} BYPASSRLS as a"
            f" superuser, or ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY as {owner}."
        )


def _event_triggers(scene: _Scene) -> Iterator[str]:
    for name, function, owner in scene.conn.execute(EVENT_TRIGGERS):
        if name not in scene.reach.allow_event_triggers:
            trigger = _quoted(name)
            yield (
                f"Event trigger {name} would run {function} on this run's own statements: run ALTER EVENT TRIGGER"
                f" {trigger} DISABLE as {owner} and ENABLE it afterwards, or name it in allow_event_triggers."
            )


def _foreign(scene: _Scene) -> Iterator[str]:
    for child, parent, partition, owner in select(scene.conn, FOREIGN_CHILDREN, scene.roots):
        danger, statement = f"to analyze {parent} asks another server", f"ALTER TABLE {child} NO INHERIT {parent}"
        if partition:
            danger = f"rows of {parent} would be changed on another server"
            statement = f"ALTER TABLE {parent} DETACH PARTITION {child}"
        yield f"{child} is a foreign table: {danger}; run {statement} as {owner}."


def _objects(scene: _Scene) -> Iterator[str]:
    """Those that the run can unlink it does."""
    if scene.reach.mode == "in-place":
        for owner, count in read_owners(scene.conn).items():
            row = scene.conn.execute("SELECT pg_has_role(%s, 'USAGE')", (owner,)).fetchone()
            if not (row and row[0]) and owner not in scene.reach.roles:
                yield (
                    f"{count} large objects of {owner} hold bytes that no masking policy names: run"
                    f" {UNLINK.format(_quoted(owner))} as {owner}, or mask in the clean room, which takes none over."
                )


def _slots(scene: _Scene) -> Iterator[str]:
    if scene.reach.mode == "in-place":
        for name, active in scene.conn.execute(SLOTS):
            state = "sends" if active else "would send"
            yield (
                f"Logical replication slot {name} {state} what this run writes to somebody else: run"
                f" SELECT pg_drop_replication_slot({_literal(name)}) as a role with REPLICATION."
            )


def _prepared(scene: _Scene) -> Iterator[str]:
    for gid, owner in scene.conn.execute(PREPARED):
        yield (
            f"Prepared transaction {_literal(gid)} holds its locks for ever: run ROLLBACK PREPARED {_literal(gid)}"
            f" as {owner} or a superuser."
        )


_CHECKS: tuple[Callable[[_Scene], Iterator[str]], ...] = (
    _server,
    _owners,
    _rights,
    _rows,
    _event_triggers,
    _foreign,
    _objects,
    _slots,
    _prepared,
)


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()


def _literal(text: str) -> str:
    return sql.Literal(text).as_string()
