"""A look at a database that somebody else may have masked, with as much as is given: source, policy, key.

Unlike the proof of a run it stops at nothing: what cannot be looked at is UNKNOWN, and the rest is looked at.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from threading import Event

import psycopg

from sanitizers.engines.rebuild import Connect
from sanitizers.explain import without_values
from sanitizers.plan import DatabasePlan
from sanitizers.proof.database_proof import DatabaseProof
from sanitizers.proof.kept import Counts, count_after, count_before
from sanitizers.proof.roads import ALL_ROADS, Road, Site, guarded
from sanitizers.proof.verify import concluded, give_key, open_reader, search
from sanitizers.track import Progress, Track


@dataclass(frozen=True)
class SurveyRun:
    """What there is to look at, and to look with."""

    target: Connect
    source: Connect | None = None
    """The database before masking; reading is all that is done there."""
    plan: DatabasePlan | None = None
    key: bytes | None = field(default=None, repr=False)
    full: bool = False
    stop: Event = field(default_factory=Event)
    on_connection: Callable[[psycopg.Connection], None] = lambda _: None
    seed: int = field(default_factory=lambda: secrets.randbits(62))
    roads: Sequence[Road] = ALL_ROADS


def survey_database(run: SurveyRun, progress: Callable[[Progress], None]) -> DatabaseProof:
    """Look down every road.

    Raises CopyFailedError, without any value, when there is no connection or the run is stopped.
    """
    track = Track(progress, run.stop)
    return without_values(track.about, lambda: _survey(run, track))


def _survey(run: SurveyRun, track: Track) -> DatabaseProof:
    started = time.monotonic()
    with ExitStack() as stack:
        target = open_reader(run.target, run.on_connection, stack)
        source = open_reader(run.source, run.on_connection, stack) if run.source else None
        if source is not None and run.key is not None:
            give_key(source, run.key)
        site = Site(target, source, run.plan, run.key, run.seed, run.full, track)
        if source is None or run.plan is None:
            return concluded(site, run.roads, None).timed(started)
        counts = guarded(site, lambda: _counts(site))
        site = replace(site, searched=guarded(site, lambda: search(site, source)))
        return concluded(site, run.roads, counts).timed(started)


def _counts(site: Site) -> tuple[Counts, Counts]:
    if site.source is None or site.plan is None:
        raise ValueError("nothing is counted without source and plan")
    site.track.step("count", site.database)
    before = count_before(site.plan, site.source, site.seed, site.track)
    return before, count_after(site.plan, site.target, site.seed, site.track)
