"""The daemon: cycles, staging refresh, delivery and heartbeat on time, and an orderly end on a signal.

APScheduler's habits that matter here: late jobs are dropped unless `misfire_grace_time` is None, the first interval
run waits a whole interval unless `next_run_time` is given, and an error in a job only reaches its log.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from types import FrameType

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from daemon.app import App, utc_now
from daemon.errors import BranchwardenError, SanitizeError, StateError, StoppedError
from daemon.settings import ProjectSettings
from daemon.staging import Published
from daemon.vitals import Vitals
from daemon.web import build_app, serving
from sanitizers.errors import SanitizerError

HEARTBEAT = timedelta(seconds=20)
DELIVERY = timedelta(seconds=15)
REQUESTS = timedelta(seconds=5)

log = structlog.get_logger("branchwarden")


class Daemon:
    """Runs an app until a signal comes. One thread per kind of job; a run and a cycle exclude each other's acts."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._vitals = Vitals(app)
        self._ending = False
        self._stop = threading.Event()
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()  # re-entrant, so that a handler may use it
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            # The pulse has threads of its own: long runs must not make a living daemon look dead.
            executors={"default": ThreadPoolExecutor(3 * len(app.settings.watched())), "pulse": ThreadPoolExecutor(2)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then finish or safely abandon the step at hand. A second one ends at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        with self._page():
            self._work()
        log.info("stopped")

    def _page(self) -> AbstractContextManager[object]:
        """The local page for probes and metrics, unless it is turned off."""
        http = self._app.settings.http
        return serving(build_app(self._vitals.read, utc_now), http.host, http.port) if http.port else nullcontext()

    def _work(self) -> None:
        self._plan()
        self._scheduler.start()
        if self._app.webhook is None:
            log.warning("alerts.none", hint="no webhook is configured: alerts stay in the outbox")
        log.info("started", projects=[p.id for p in self._app.settings.watched()], enforce=self._app.settings.enforce)
        self._wait_for_signal()
        self._stop.set()
        self._app.staging.abandon()
        self._scheduler.shutdown(wait=True)

    def _wait_for_signal(self) -> None:
        """In turns: a signal that the system gives to another thread would not wake a long wait."""
        while True:
            try:
                self._signals.get(timeout=0.5)
            except queue.Empty:
                continue
            return

    def _plan(self) -> None:
        every = self._app.settings.schedule.every
        for project in self._app.settings.watched():
            self._add(f"cycle {project.id}", every, self._cycle, project)
            self._add(f"staging {project.id}", every, self._publish, self._app.refresh_staging, project)
            self._add(f"requests {project.id}", REQUESTS, self._publish, self._app.serve_request, project)
        self._add("delivery", DELIVERY, self._deliver)
        self._add("heartbeat", HEARTBEAT, self._heartbeat)

    def _add(self, name: str, every: timedelta, job: Callable[..., None], *args: object) -> None:
        self._scheduler.add_job(
            self._guarded,
            "interval",
            (name, job, *args),
            seconds=every.total_seconds(),
            id=name,
            name=name,
            next_run_time=utc_now(),
            executor="default" if args else "pulse",  # what is about a project may take long
        )

    def _guarded(self, name: str, job: Callable[..., None], *args: object) -> None:
        """The scheduler's broad catch: an error ends the job of this time and is told, never the daemon."""
        try:
            if not self._stop.is_set():
                job(*args)
        except StoppedError:
            log.info("job.stopped", job=name)
        except SanitizeError as error:
            log.error("job.failed", job=name, error=str(error))  # noqa: TRY400  # the run itself has told and recorded it
        except (BranchwardenError, SanitizerError) as error:
            self._failed(name, str(error))
        except Exception as error:  # noqa: BLE001  # a mistake of ours in one job must not end the daemon's others
            self._failed(name, f"internal error: {type(error).__name__}")  # its text may hold a value

    def _failed(self, name: str, sentence: str) -> None:
        log.error("job.failed", job=name, error=sentence)
        try:
            self._app.tell_failure(name, sentence)
        except BranchwardenError as error:
            log.error("store.failed", error=str(error))  # noqa: TRY400  # the sentence is all there is to say

    def _cycle(self, project: ProjectSettings) -> None:
        try:
            report = self._app.run_cycle(project)
        except BaseException:
            self._vitals.cycle_failed(project.id)
            raise
        self._vitals.cycle_done(report)
        log.info(
            "cycle",
            project=project.id,
            branches=len(report.views),
            findings=len(report.findings),
            new=sum(o.decision.action == "flag" for o in report.outcomes),
            resolved=sum(o.decision.action == "resolve" for o in report.outcomes),
            unknown=len(report.unknowns),
            seconds=round((report.finished_at - report.started_at).total_seconds(), 3),
        )

    def _publish(self, spawn: Callable[[ProjectSettings], Published | None], project: ProjectSettings) -> None:
        try:
            published = spawn(project)
        except SanitizeError:
            self._vitals.run_ended(project.id, "failed")
            raise
        if published is not None:
            self._vitals.run_ended(project.id, "published")
            log.info("staging.published", project=project.id, run=published.run_id, branch=published.branch.name)

    def _deliver(self) -> None:
        delivered = self._app.deliver()
        if delivered.sent or delivered.failed:
            log.info("alerts", sent=delivered.sent, failed=delivered.failed, waiting=delivered.waiting)

    def _heartbeat(self) -> None:
        try:
            self._app.store.heartbeat(utc_now())
        except StateError:
            self._vitals.store_writable = False
            raise
        self._vitals.store_writable = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # the signature of a handler
        if self._ending:
            os._exit(128 + number)
        self._ending = True
        self._signals.put(number)
