"""`sanitize` while the daemon runs: the daemon does the work, this process follows its events."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from daemon.app import App, open_app
from daemon.cli.common import err, one_line, out
from daemon.errors import RunFailedError, StateLockedError
from daemon.records import StoredEvent
from daemon.settings import ProjectSettings, Settings

PATIENCE = timedelta(seconds=60)  # the daemon looks for requests every five seconds
LAST_WORDS = frozenset({"sanitize.published", "sanitize.failed", "sanitize.abandoned"})


def hand_over(settings: Settings, project: str | None, locked: StateLockedError) -> None:
    """Ask the daemon and follow. Raises StateLockedError when no daemon answers, RunFailedError when it cannot."""
    with open_app(settings, exclusive=False) as app:
        if not app.daemon_alive():
            raise locked
        chosen = app.choose_one(project)
        newest = app.store.read_events(1)
        app.ask_daemon(chosen)
        err.print("The running daemon takes it over; its events follow. Ctrl-C stops following, not the run.")
        _wait_until_taken(app, chosen, locked)
        _follow(app, chosen, newest[-1].id if newest else 0)


def _wait_until_taken(app: App, project: ProjectSettings, locked: StateLockedError) -> None:
    give_up_at = datetime.now(UTC) + PATIENCE
    while not app.request_taken(project):
        if datetime.now(UTC) > give_up_at:
            raise StateLockedError(f"{locked} It is busy with another run: `branchwarden events` shows how far it is.")
        time.sleep(0.5)


def _follow(app: App, project: ProjectSettings, seen: int) -> None:
    run_id: object = None
    while True:
        for event in app.store.read_events(100, project_id=project.id, after_id=seen):
            seen = event.id
            if not event.kind.startswith("sanitize."):
                continue
            out.print(f"  {one_line(event.sentence)}", soft_wrap=True)
            run_id = event.data.get("run") if event.kind == "sanitize.started" else run_id
            if _is_last(event, run_id):
                return
        if not app.daemon_alive():
            raise RunFailedError("the daemon is gone: what its run made stays sealed and expires")
        time.sleep(1.0)


def _is_last(event: StoredEvent, run_id: object) -> bool:
    """Whether the run is over; an older one that is written off meanwhile does not count."""
    if event.kind == "sanitize.refused" and run_id is None:
        raise RunFailedError("the daemon refused the run: nothing was created")
    if event.kind not in LAST_WORDS or run_id is None or event.data.get("run") != run_id:
        return False
    if event.kind != "sanitize.published":
        raise RunFailedError("the daemon's run did not publish a branch")
    return True
