"""The residue proof: an independent read of the target, with connections and catalogs of its own.

It fails the run for rows that are missing, for objects that are not as they were, and for any original value of a
masked column that can still be read on any road. Problems name places and counts.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from threading import Event

import psycopg

from sanitizers.engines.rebuild import Connect, prepare_session
from sanitizers.explain import without_values
from sanitizers.plan import DatabasePlan
from sanitizers.proof.alike import differences
from sanitizers.proof.database_proof import DatabaseProof, counted
from sanitizers.proof.fidelity import Fidelity, read_fidelity
from sanitizers.proof.groups import Groups, QuasiIdentifiers, read_groups
from sanitizers.proof.kept import Counts, count_after, count_before, kept_on_purpose, stayed
from sanitizers.proof.looked import Searched
from sanitizers.proof.producible import Producible
from sanitizers.proof.readers import Readers
from sanitizers.proof.residue import Search
from sanitizers.proof.roads import RUN_ROADS, Compared, Road, Site, guarded, look_down
from sanitizers.proof.roads.detectors import Detectors
from sanitizers.proof.roads.pages import Pages
from sanitizers.proof.search import not_searched, public
from sanitizers.proof.sifted import search_whole
from sanitizers.select import set_key
from sanitizers.track import Progress, Track

SESSION = """
SELECT set_config('row_security', 'off', false), set_config('client_encoding', 'UTF8', false),
  set_config('work_mem', '64MB', false), set_config('jit', 'off', false)
"""

KEPT = "values that the policy keeps on purpose, and columns that nothing was masked of"
FIDELITY = "how columns behave next to the source's"
K_ANONYMITY = "k-anonymity of the declared columns"

APART = frozenset({Pages.name, Detectors.name})
"""Roads that read much of the target and go on beside the others, where there are sessions for it."""


@dataclass(frozen=True)
class VerifyRun:
    """What one proof needs. `seed` salts the hashes that are compared; chance suffices."""

    source: Connect
    target: Connect
    plan: DatabasePlan
    key: bytes = field(repr=False)
    stop: Event = field(default_factory=Event)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None
    seed: int = field(default_factory=lambda: secrets.randbits(62))
    roads: Sequence[Road] = RUN_ROADS
    full: bool = False
    streams: int = 2
    """That masked: twice as many sessions on either side search for whole values."""


def verify_database(run: VerifyRun, progress: Callable[[Progress], None]) -> DatabaseProof:
    """Prove that the target holds the source's rows, built alike, and no original of a masked column.

    The source must be as it was copied. Raises CopyFailedError, without any value, when it cannot be looked at.
    """
    track = Track(progress, run.stop)
    return without_values(track.about, lambda: _verify(run, track))


def _verify(run: VerifyRun, track: Track) -> DatabaseProof:
    started = time.monotonic()
    with ExitStack() as stack:
        source, target = (open_reader(connect, run.on_connection, stack) for connect in (run.source, run.target))
        give_key(source, run.key)  # it may decide which rows are taken
        site = Site(target, source, run.plan, run.key, run.seed, run.full, track)
        track.step("count", run.plan.database)
        with ThreadPoolExecutor(2) as both:  # on two servers
            before = both.submit(count_before, run.plan, source, run.seed, track)
            after = both.submit(count_after, run.plan, target, run.seed, track)
        counts = before.result(), after.result()
        track.step("compare", run.plan.database)
        problems = (*lost_rows(run.plan, *counts), *differences(source, target))
        compared = Compared(sum(counts[1].rows.values()), problems)
        more = _more(run, stack)
        with source.transaction(force_rollback=True), target.transaction(force_rollback=True):
            found = search(site, source, more)
        for conn in (*more[0], *more[1]):
            conn.commit()
        site = replace(site, searched=found, compared=compared, beside=tuple(more[1]))
        proof = concluded(site, run.roads, counts, more[0]).timed(started)
        require_connections(site, *more[0])
        return proof


def _more(run: VerifyRun, stack: ExitStack) -> tuple[list[psycopg.Connection], list[psycopg.Connection]]:
    """More sessions beside the first ones: one side is read at a time, so as many as masked on both together."""
    source, target = (
        [open_reader(connect, run.on_connection, stack) for _ in range(1, 2 * run.streams)]
        for connect in (run.source, run.target)
    )
    for conn in source:
        give_key(conn, run.key)
    return source, target


def search(
    site: Site,
    source: psycopg.Connection,
    more: tuple[Sequence[psycopg.Connection], Sequence[psycopg.Connection]] = ((), ()),
) -> Searched:
    """Search for the originals of the source as whole values; `more` sessions of source and target may help."""
    if site.plan is None:
        raise ValueError("without a plan nobody knows what the originals are")
    here, there = Readers([source, *more[0]], site.track, few=True), Readers([site.target, *more[1]], site.track)
    return search_whole(site.plan, here, there, site.seed, site.track)


def searched(plan: DatabasePlan, one: Search, unread: tuple[str, ...]) -> Searched:
    """The last step of a search, when all is collected."""
    columns, hits = one.judge(Producible(plan).__contains__)
    return Searched(columns, hits, one.places_by_road, unread, len(not_searched(plan)))


def concluded(
    site: Site,
    roads: Sequence[Road],
    counts: tuple[Counts, Counts] | str | None,
    more: Sequence[psycopg.Connection] = (),
) -> DatabaseProof:
    """The proof, when the search is done: every road, and everything counted.

    Args:
        site: of the search.
        roads: in the order of the report.
        counts: before and after, or why nothing could be counted.
        more: sessions of the source beside the site's own. With one of those, and one of the target's, what reads much
            of the tables and needs nothing of the other roads goes on beside them.
    """
    if not more or not site.beside:
        found, (fidelity, groups) = look_down(roads, site), _described(site)
    else:
        apart = [road for road in roads if road.name in APART]
        other = replace(site, target=site.beside[0], source=more[0], beside=())
        with ThreadPoolExecutor(1) as beside:
            described = beside.submit(lambda: (look_down(apart, other), _described(other)))
            first = look_down([r for r in roads if r.name not in APART], replace(site, beside=site.beside[1:]))
        last, (fidelity, groups) = described.result()
        places = {road.name: place for place, road in enumerate(roads)}
        found = tuple(sorted((*first, *last), key=lambda one: places[one.road]))
    proof = DatabaseProof(
        database=site.database,
        roads=found,
        columns=() if isinstance(site.searched, str) else site.searched.columns,
        not_searched=not_searched(site.plan) if site.plan else (),
        public=public(site.plan) if site.plan else (),
        fidelity=None if isinstance(fidelity, str) else fidelity,
        groups=() if isinstance(groups, str) else groups,
        uncounted=tuple(
            f"{what} of {site.database}: {why}"
            for what, why in ((KEPT, counts), (FIDELITY, fidelity), (K_ANONYMITY, groups))
            if isinstance(why, str)
        ),
    )
    return _with_counts(proof, site.plan, *counts) if isinstance(counts, tuple) and site.plan else proof


def _described(site: Site) -> tuple[Fidelity | str, tuple[Groups, ...] | str]:
    site.track.step("fidelity", site.database)
    return guarded(site, lambda: read_fidelity(site)), guarded(site, lambda: _groups(site))


def _with_counts(proof: DatabaseProof, plan: DatabasePlan, before: Counts, after: Counts) -> DatabaseProof:
    return replace(
        proof,
        counted=tuple(counted(plan, before, after)),
        kept=kept_on_purpose(plan, before.columns),
        warnings=tuple(stayed(plan, before.columns, after.columns)),
    )


def _groups(site: Site) -> tuple[Groups, ...]:
    declared = (
        QuasiIdentifiers(t.table.schema, t.table.name, columns)
        for t in (site.plan.tables if site.plan else ())
        for columns in t.rule.quasi_identifiers
    )
    return read_groups(site.target, declared)


def require_connections(site: Site, *more: psycopg.Connection) -> None:
    """A run whose connection was lost on the way has not looked. Raises OperationalError."""
    if any(conn.closed for conn in (site.target, site.source, *site.beside, *more) if conn is not None):
        raise psycopg.OperationalError("the connection was lost")


def open_reader(connect: Connect, watch: Callable[[psycopg.Connection], None], stack: ExitStack) -> psycopg.Connection:
    """A connection that sees every row or fails."""
    conn = stack.enter_context(connect(None))
    watch(conn)
    prepare_session(conn)
    conn.execute(SESSION)
    conn.commit()
    return conn


def give_key(conn: psycopg.Connection, key: bytes) -> None:
    """Give a session its key, for good."""
    set_key(conn, key)
    conn.commit()


def lost_rows(plan: DatabasePlan, before: Counts, after: Counts) -> Iterator[str]:
    """A sentence for every table that has other rows than it must have."""
    for name, had in before.rows.items():
        if had != (has := after.rows[name]):
            yield f"{plan.database}.{'.'.join(name)} has {has} rows, it must have {had}"
