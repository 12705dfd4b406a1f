"""What the daemon knows of itself, for probes and metrics: counted from the start of the process."""

from __future__ import annotations

import threading
from collections import Counter

from daemon.app import App
from daemon.errors import StateError
from daemon.model import Report
from daemon.web import Health, ProjectHealth


class Vitals:
    """Counts what jobs come to and makes a Health of it; used from several threads."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.store_writable = True
        """Whether the last heartbeat could be written."""
        self._lock = threading.Lock()
        self._reports: dict[str, Report] = {}
        self._last_ok: dict[str, bool] = {}
        self._cycles: Counter[tuple[str, str]] = Counter()
        self._runs: Counter[tuple[str, str]] = Counter()

    def cycle_done(self, report: Report) -> None:
        """Count a cycle that was complete."""
        with self._lock:
            self._reports[report.project_id] = report
            self._last_ok[report.project_id] = True
            self._cycles[report.project_id, "ok"] += 1

    def cycle_failed(self, project_id: str) -> None:
        """Count a cycle that ended in an error."""
        with self._lock:
            self._last_ok[project_id] = False
            self._cycles[project_id, "failed"] += 1

    def run_ended(self, project_id: str, result: str) -> None:
        """Count a sanitize run: `published` or `failed`."""
        with self._lock:
            self._runs[project_id, result] += 1

    def read(self) -> Health:
        """The health as of now."""
        with self._lock:
            cycles, runs = dict(self._cycles), dict(self._runs)
        requests = self._app.client.requests
        try:
            projects = tuple(self._project(p.id) for p in self._app.settings.watched())
            pending = len(self._app.store.list_outbox())
        except StateError:
            return Health(store_writable=False, cycles=cycles, runs=runs, api_requests=requests)
        return Health(projects, self.store_writable, pending, cycles, runs, requests)

    def _project(self, project_id: str) -> ProjectHealth:
        proven = [entry for entry in self._app.store.published(project_id) if not entry.void]
        with self._lock:
            report, last_ok = self._reports.get(project_id), self._last_ok.get(project_id)
        return ProjectHealth(
            project_id=project_id,
            interval=self._app.settings.schedule.every,
            last_success=self._app.last_cycle(project_id),
            last_ok=last_ok,
            report=report,
            staging_verified_at=proven[0].verified_at if proven else None,
        )
