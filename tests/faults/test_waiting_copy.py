"""What a run on Neon waits for once its copies are there, and what it was told to allow there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import psycopg
import pytest

from daemon.errors import RunFailedError, StoppedError
from daemon.staging import Progress, StagingContext, sanitize
from daemon.staging.context import ROLE_ANNOTATION, Manner
from tests.faults.rig import Rig, rig

__all__ = ["rig"]

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'branchwarden' AND wait_event_type = 'Lock'"


@pytest.mark.slow
def test_an_event_trigger_that_is_nowhere_is_told_with_those_that_are(rig: Rig) -> None:
    asked = replace(rig.request, how=Manner(allow_event_triggers=("no_such", "nor_this")))

    with pytest.raises(RunFailedError, match=r"no event trigger no_such .*\n.*no event trigger nor_this "):
        replace(rig, request=asked).sanitize()


@pytest.mark.slow
def test_a_trial_that_waits_for_a_lock_ends_when_the_run_is_stopped(rig: Rig) -> None:
    ended, still_held = threading.Event(), list[bool]()
    with rig.context() as context, ExitStack() as stack:

        def tell(progress: Progress) -> None:
            if "creating the target" in progress.sentence:  # the source is sealed
                admin = stack.enter_context(_locked(rig))
                threading.Thread(target=_stop, args=(context, admin, ended), daemon=True).start()
                stack.callback(lambda: still_held.append(not admin.closed))

        with pytest.raises(StoppedError):
            sanitize(replace(context, tell=tell), rig.request)
    ended.set()

    assert still_held == [True]


@contextmanager
def _locked(rig: Rig) -> Iterator[psycopg.Connection]:
    """Nobody reads people in the source copy."""
    source = next(b for b in rig.branches() if b.annotation.get(ROLE_ANNOTATION) == "source")
    lines = (rig.neon.branch_folder(source.id) / "postmaster.pid").read_text().splitlines()
    with psycopg.connect(host=lines[4], port=int(lines[3]), user="cloud_admin", dbname="neondb") as admin:
        admin.execute("LOCK TABLE people IN ACCESS EXCLUSIVE MODE")
        yield admin


def _stop(context: StagingContext, admin: psycopg.Connection, ended: threading.Event) -> None:
    """What a signal does, once the run waits; after a minute without an end the lock is let go."""
    while admin.execute(WAITING).fetchone() == (0,):
        admin.execute("SELECT pg_stat_clear_snapshot()")
        ended.wait(0.05)
    context.stop.set()
    context.connections.cancel()
    if not ended.wait(60):
        admin.close()
