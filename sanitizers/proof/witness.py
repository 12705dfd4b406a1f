"""The proof for a database that is masked where it is: its originals are looked at before, and searched for after.

There is no source to compare with later. So before anything is taken away or masked, all is counted and the originals
are hashed, into the journal: whatever cuts the run off, the one that goes on proves as much as this one would have.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from threading import Event

import psycopg

from sanitizers.engines.journal import changed
from sanitizers.engines.rebuild import Connect
from sanitizers.errors import UnfinishedRunError
from sanitizers.explain import without_values
from sanitizers.plan import DatabasePlan
from sanitizers.proof.alike import POSITION, compared, read_objects
from sanitizers.proof.cells import cells_of, remember_cells
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.kept import Counts, count_after, count_before
from sanitizers.proof.memory import Facts, read_facts, read_hashes, write
from sanitizers.proof.residue import Search
from sanitizers.proof.roads import RUN_ROADS, Compared, Road, Site
from sanitizers.proof.roads.heap import read_relations
from sanitizers.proof.roads.recalled import remember_tokens
from sanitizers.proof.search import collect, look, wanted
from sanitizers.proof.verify import concluded, lost_rows, open_reader, require_connections, searched
from sanitizers.select import set_key
from sanitizers.track import Progress, Track

_LABEL = b"branchwarden object "


@dataclass(frozen=True)
class WitnessRun:
    """What one proof needs; `seed` salts the hashes."""

    connect: Connect
    plan: DatabasePlan
    key: bytes = field(repr=False)
    stop: Event = field(default_factory=Event)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None
    seed: int = field(default_factory=lambda: secrets.randbits(62))
    roads: Sequence[Road] = RUN_ROADS


@dataclass(frozen=True)
class _Seen:
    """What there is to search with: of this run, or of an earlier one that was cut off."""

    search: Search
    facts: Facts
    earlier: bool


class Witness:
    """Sees the originals of a database, and searches for them when they must be gone: `look`, the rewrite, `judge`."""

    def __init__(self, run: WitnessRun, conn: psycopg.Connection, track: Track) -> None:
        self._run = run
        self._conn = conn
        self._track = track
        self._started = time.monotonic()
        self._seen: _Seen | None = None

    def look(self) -> None:
        """Count and hash all that is to be masked, or take what an earlier run knew; the journal is begun.

        Raises:
            UnfinishedRunError: an earlier run changed something and left nothing to prove it with.
            CopyFailedError: without any value, it cannot be looked at.
        """
        self._seen = without_values(self._track.about, self._look)

    def judge(self) -> DatabaseProof:
        """Prove that the database holds its rows, is built as before, and no original of a masked column is left.

        Raises CopyFailedError, without any value, when it cannot be looked at.
        """
        return without_values(self._track.about, self._judge)

    def _look(self) -> _Seen:
        conn = self._conn
        facts = read_facts(conn)
        if facts is None and changed(conn):
            raise UnfinishedRunError(
                f"an earlier run changed {self._run.plan.database} and left nothing to prove it with: discard this"
                " database, which is half masked, and begin with a fresh one"
            )
        seen = self._look_anew() if facts is None else self._remember(facts)
        conn.commit()  # lets go of every table
        return seen

    def _look_anew(self) -> _Seen:
        run, conn, track = self._run, self._conn, self._track
        track.step("count", run.plan.database)
        counts = count_before(run.plan, conn, run.seed, track).sealed(run.key)
        search = Search(conn, run.seed)
        track.step("collect")
        problems = collect(run.plan, search, conn, track)
        track.step("remember", run.plan.database)
        taken_apart = remember_tokens(run.plan, wanted(run.plan, conn).places, conn, run.seed, track)
        remember_cells(cells_of(run.plan, dict(counts.rows), run.seed), conn, track)
        facts = Facts(
            seed=run.seed,
            rows=tuple(counts.rows.items()),
            counted=tuple(counts.columns.items()),
            objects=_objects(conn, run.key),
            problems=problems,
            taken_apart=taken_apart,
            written=tuple(((one.schema, one.name), one.counters[:]) for one in read_relations(conn)),
        )
        write(conn, facts)
        return _Seen(search, facts, earlier=False)

    def _remember(self, facts: Facts) -> _Seen:
        search = Search(self._conn, facts.seed)
        for place in wanted(self._run.plan, self._conn).places:
            search.expect(place)
        return _Seen(search, facts, earlier=True)

    def _judge(self) -> DatabaseProof:
        run, conn, track, seen = self._run, self._conn, self._track, self._seen
        if seen is None:
            raise ValueError("a witness that has not looked cannot judge")
        track.step("compare", run.plan.database)
        before = Counts(dict(seen.facts.rows), dict(seen.facts.counted))
        after = count_after(run.plan, conn, seen.facts.seed, track).sealed(run.key)
        objects = compared(dict(seen.facts.objects), dict(_objects(conn, run.key)), conn)
        problems = (*lost_rows(run.plan, before, after), *objects)
        track.step("search")
        look(run.plan, seen.search, conn, track)
        track.step("join", run.plan.database)
        if seen.earlier:
            read_hashes(conn)
        found = searched(run.plan, seen.search, seen.facts.problems)
        conn.commit()
        site = Site(conn, None, run.plan, run.key, seen.facts.seed, full=False, track=track, searched=found)
        compared_ = Compared(sum(after.rows.values()), problems)
        site = replace(site, compared=compared_, remembered=seen.facts, journaled=True)
        proof = concluded(site, run.roads, (before, after)).timed(self._started)
        require_connections(site)
        conn.commit()
        return proof


@contextmanager
def witness_database(run: WitnessRun, progress: Callable[[Progress], None]) -> Iterator[Witness]:
    """Connect to a database that is masked where it is, and stay connected.

    Raises CopyFailedError, without any value, when there is no connection.
    """
    track = Track(progress, run.stop)
    with ExitStack() as stack:
        yield Witness(run, without_values(track.about, lambda: _open(run, stack)), track)


def _open(run: WitnessRun, stack: ExitStack) -> psycopg.Connection:
    conn = open_reader(run.connect, run.on_connection, stack)
    set_key(conn, run.key)
    return conn


def _objects(conn: psycopg.Connection, key: bytes) -> tuple[tuple[tuple[str, str], str], ...]:
    """Every object's definition as a digest that can be written down, and compared; a sequence's position as it is."""
    found = read_objects(conn).items()
    return tuple((name, str(text) if name[0] == POSITION else _digest(key, text)) for name, text in found)


def _digest(key: bytes, text: object) -> str:
    return hmac.digest(key, _LABEL + str(text).encode(), "sha256").hex()
