"""Health as Prometheus metrics, made anew for every scrape, in a registry of our own. Pure but for reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from daemon.web.health import Health, ProjectHealth

Labelled = Iterable[tuple[tuple[str, ...], float]]


class HealthCollector(Collector):
    """Asks for the health at every scrape."""

    def __init__(self, read: Callable[[], Health], clock: Callable[[], datetime]) -> None:
        self._read = read
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        """Return every metric with its values of now."""
        return list(metrics(self._read(), self._clock()))


def metrics(health: Health, now: datetime) -> Iterator[Metric]:
    """Turn health into metrics. Labels hold no branch name: anyone chooses those, and there is no end of them."""
    projects = health.projects
    yield _gauge("branches", "Branches by what they hold and are for.", BRANCH_LABELS, _branches(projects))
    yield _gauge("findings_open", "Open findings.", FINDING_LABELS, _findings(projects))
    yield from _cycles(projects)
    yield _counter("cycles", "Cycles by result.", ("project", "result"), health.cycles.items())
    yield _counter("sanitize_runs", "Sanitize runs by result.", ("project", "result"), health.runs.items())
    yield _gauge("staging_age_seconds", "Age of the newest published staging branch.", PROJECT, _ages(projects, now))
    requests = [((status,), count) for status, count in health.api_requests.items()]
    yield _counter("api_requests", "Requests to Neon's API by status.", ("status",), requests)
    yield _gauge("outbox_pending", "Alerts that wait for delivery.", (), [((), health.outbox_pending)])
    yield _gauge("store_writable", "Whether the state store can be written.", (), [((), health.store_writable)])


PROJECT = ("project",)
BRANCH_LABELS = ("project", "data_class", "purpose")
FINDING_LABELS = ("project", "rule", "severity")


def _cycles(projects: Iterable[ProjectHealth]) -> Iterator[Metric]:
    ends = [((p.project_id,), p.last_success.timestamp()) for p in projects if p.last_success]
    yield _gauge("last_cycle_timestamp_seconds", "End of the last complete cycle.", PROJECT, ends)
    times = [(p.project_id, p.report.finished_at - p.report.started_at) for p in projects if p.report]
    seconds = [((name,), took.total_seconds()) for name, took in times]
    yield _gauge("last_cycle_duration_seconds", "Duration of the last complete cycle.", PROJECT, seconds)
    ok = [((p.project_id,), p.last_ok) for p in projects if p.last_ok is not None]
    yield _gauge("last_cycle_success", "Whether the last cycle was complete.", PROJECT, ok)


def _branches(projects: Iterable[ProjectHealth]) -> Labelled:
    views = [view for project in projects if project.report for view in project.report.views]
    return Counter((v.branch.project_id, v.lineage.data_class.value, v.lineage.purpose.value) for v in views).items()


def _findings(projects: Iterable[ProjectHealth]) -> Labelled:
    found = [finding for project in projects if project.report for finding in project.report.findings]
    return Counter((f.project_id, f.rule, f.severity.value) for f in found).items()


def _ages(projects: Iterable[ProjectHealth], now: datetime) -> Labelled:
    known = [(p.project_id, now - p.staging_verified_at) for p in projects if p.staging_verified_at]
    return [((name,), age.total_seconds()) for name, age in known]


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    family = GaugeMetricFamily(f"branchwarden_{name}", text, labels=labels)
    for key, value in values:
        family.add_metric(key, float(value))
    return family


def _counter(name: str, text: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    family = CounterMetricFamily(f"branchwarden_{name}", text, labels=labels)
    for key, value in values:
        family.add_metric(key, float(value))
    return family
