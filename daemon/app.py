"""The composition root: opens every client, and is all that the command line and the scheduler know."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx

from daemon.access import Door, open_door
from daemon.alerts import Webhook, notice
from daemon.alerts.payload import digest
from daemon.attesting import prepare_signing
from daemon.checking import BranchCheck, Checked, attested, check_branch, find_branch, refuse_unfit
from daemon.connect import Details
from daemon.cycle import Cycle
from daemon.delivery import Delivered, deliver_due
from daemon.disproof import tell_disproof
from daemon.errors import BranchwardenError, SettingsError, UsageError
from daemon.keys import ephemeral_key, field_keyring, given_key
from daemon.log import register_secret
from daemon.model import Report
from daemon.neon import NeonAccess, NeonClient, Timing
from daemon.policies import suggestions
from daemon.progress import Watch
from daemon.records import Event
from daemon.settings import ProjectSettings, Settings, api_key
from daemon.staging import (
    Manner,
    Patience,
    Preflight,
    Progress,
    Published,
    StagingContext,
    StagingRequest,
    Unsourced,
    preflight,
    read_layout,
    sanitize,
    settle_unfinished,
    source_of,
)
from daemon.store import CYCLE_JOB, Store, open_store
from daemon.trust import believe
from sanitizers.engines.journal import Mode
from sanitizers.errors import SanitizerError
from sanitizers.policy import load_policy
from sanitizers.policy_file import Suggestion, write_policy
from sanitizers.schema import Schema

RETRY_STAGING_AFTER = timedelta(hours=1)
"""A scheduled run that failed is not tried again at once: it costs money and would fail the same way."""


REFRESH_JOB = "staging:{}"
"""Job row of a project's scheduled sanitize runs."""

ALIVE_WITHIN = timedelta(seconds=90)  # the scheduler shows every 20 seconds that it lives

ENDS = frozenset({"sanitize.refused", "sanitize.failed", "sanitize.abandoned"})
"""Events with which a run says itself that it did not publish."""

REQUEST_JOB = "sanitize-request:{}"
"""Job row by which another process asks the running daemon for a sanitize run of a project."""


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Asked:
    """What a person asks of one sanitize run, beside what the settings say."""

    name: str | None = None
    mode: Mode = "clean-room"
    policy: Path | None = None
    key: Path | None = None
    ephemeral_key: bool = False
    streams: int = 2
    allow_event_triggers: tuple[str, ...] = ()
    sample: str | None = None


@contextmanager
def open_app(
    settings: Settings,
    *,
    exclusive: bool,
    tell: Callable[[Progress], None] = lambda _: None,
    key: str | None = None,
) -> Iterator[App]:
    """Open everything that commands and the daemon work with. `exclusive` takes the lock that writers hold."""
    with ExitStack() as stack:
        key = key or api_key(os.environ)
        register_secret(key)
        url = settings.alerts.url()
        if url:
            register_secret(url)
        trusted = partial(believe, keys=settings.keys.path)
        store = stack.enter_context(open_store(settings.state.path, exclusive=exclusive, believe=trusted))
        access = NeonAccess(
            host=settings.api.host,
            key=key,
            enforce=settings.enforce,
            requests_per_minute=settings.api.requests_per_minute,
            timeout=settings.api.timeout.total_seconds(),
            operation_timeout=settings.api.operation_timeout.total_seconds(),
        )
        stop = threading.Event()
        client = stack.enter_context(NeonClient(access, timing=Timing(sleep=Patience(stop))))
        webhook = Webhook(stack.enter_context(httpx.Client()), url) if url else None
        yield App(settings, store, client, webhook, StagingContext(client, store, utc_now, tell, stop))


@dataclass
class App:
    """What can be done. Every method raises a BranchwardenError that says what to do."""

    settings: Settings
    store: Store
    client: NeonClient
    webhook: Webhook | None = field(repr=False)
    staging: StagingContext

    def __post_init__(self) -> None:
        self.cycle = Cycle(self.client, self.store, self.settings, utc_now)
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def choose(self, project: str | None) -> tuple[ProjectSettings, ...]:
        """The watched projects, or the one that is named."""
        watched = self.settings.watched()
        if project is None:
            return watched
        chosen = tuple(p for p in watched if p.id == project)
        if not chosen:
            raise UsageError(f"project {project} is not watched: {', '.join(p.id for p in watched)}")
        return chosen

    def choose_one(self, project: str | None) -> ProjectSettings:
        """The project that is named, or the only one that is watched."""
        chosen = self.choose(project)
        if len(chosen) > 1:
            raise UsageError(
                f"several projects are watched; name one with --project: {', '.join(p.id for p in chosen)}"
            )
        return chosen[0]

    def look(self, project: ProjectSettings, *, compare: bool = False) -> Report:
        """What is there now; nothing is recorded and nobody is told."""
        return self.cycle.look(project, compare=compare)

    def run_cycle(self, project: ProjectSettings) -> Report:
        """One cycle: settle what an earlier process left, then look, record, and queue alerts."""
        problems: tuple[str, ...] = ()
        lock = self._locks[project.id]
        if lock.acquire(blocking=False):  # held means: a run of this very process is at work, not left behind
            try:
                problems = settle_unfinished(self.staging, project.id)
            finally:
                lock.release()
        return self.cycle.run(project, problems)

    def last_cycle(self, project_id: str) -> datetime | None:
        """When the last complete cycle of a project ended, also one of an earlier process."""
        return self.store.job_state(CYCLE_JOB.format(project_id)).last_success

    def deliver(self) -> Delivered:
        """Send what waits in the outbox."""
        return deliver_due(self.store, self.webhook.send if self.webhook else None, utc_now())

    def request(self, project: ProjectSettings, trigger: str, asked: Asked | None = None) -> StagingRequest:
        """A sanitize run, with the settings' policy and the newest key where no other is asked for.

        Raises SettingsError or PolicyError.
        """
        asked = asked or Asked()
        staging = self.settings.staging
        path = asked.policy or staging.policy
        if not path.exists():
            raise SettingsError(f"there is no masking policy {path}: write one with `branchwarden detect --write`")
        key = ephemeral_key() if asked.ephemeral_key else given_key(asked.key or self.settings.keys.path)
        staging = staging.model_copy(update={"name": asked.name}) if asked.name else staging
        how = Manner(asked.mode, asked.streams, asked.allow_event_triggers)
        policy = load_policy(path, asked.sample)
        keyring = field_keyring(self.settings.keys.path) if policy.encrypts else None
        return StagingRequest(project, staging, policy, key, trigger, how, keyring)

    def sanitize(self, request: StagingRequest) -> Published:
        """Spawn, prove, attest and publish a sanitized staging branch; one at a time per project."""
        with self._locks[request.project.id]:
            return sanitize(self.staging, self._signing(request))

    def _signing(self, request: StagingRequest) -> StagingRequest:
        """With the key to sign with, which is made where there is none yet. Raises SettingsError."""
        now = utc_now()
        signing = prepare_signing(self.settings.keys.path, self.settings.attestations.path, now)
        if signing.made:
            self.staging.tell(Progress("preflight", f"made signing key {signing.key.id}, for the attestations of runs"))
        return replace(request, signing=signing)

    def preflight(self, request: StagingRequest) -> Preflight:
        """Everything that could refuse the run, without creating anything."""
        return preflight(self.staging, request)

    def schemas(self, project: ProjectSettings, name: str | None = None) -> tuple[Schema, ...]:
        """The schema of every database of a branch, through the API; the production branch when none is named."""
        listing = self.client.list_project(project.id, utc_now())
        wanted = name or self.settings.staging.source
        branch = next((b for b in listing.branches if wanted in {b.id, b.name} or (not wanted and b.default)), None)
        if branch is None:
            raise UsageError(f"there is no branch `{wanted}`: `branchwarden tree` shows all")
        return read_layout(self.staging, branch, self.client.list_databases(project.id, branch.id)).schemas

    def write_policy(self, project: ProjectSettings) -> tuple[Suggestion, ...]:
        """Make the masking policy, or add the columns that it does not name yet; returns what was added."""
        return write_policy(self.settings.staging.policy, suggestions(self.schemas(project)))

    def refresh_staging(self, project: ProjectSettings) -> Published | None:
        """Spawn a staging branch when it is missing or too old, where the settings allow that by schedule."""
        if not self.settings.staging.enabled or not self._staging_due(project):
            return None
        job = REFRESH_JOB.format(project.id)
        self.store.start_job(job, utc_now())
        request = self.request(project, "schedule")
        if not request.policy.reviewed:
            policy = self.settings.staging.policy
            raise SettingsError(f"{policy} was not reviewed: set reviewed_by and reviewed_on in it, or run by hand")
        published = self.sanitize(request)
        self.store.record_job(job, ok=True, sentence="", now=utc_now())
        return published

    def _staging_due(self, project: ProjectSettings) -> bool:
        """Whether staging is missing or older than configured; not soon again after a try that did not publish."""
        now = utc_now()
        tried = self.store.job_state(REFRESH_JOB.format(project.id))
        failed = tried.last_start and (tried.last_success is None or tried.last_success < tried.last_start)
        if failed and tried.last_start and now - tried.last_start < RETRY_STAGING_AFTER:
            return False
        there = {branch.id for branch in self.client.list_branches(project.id)}
        entries = self.store.published(project.id)
        verified = [entry.verified_at for entry in entries if entry.branch_id in there and not entry.void]
        return not verified or now - max(verified) > self.settings.staging.max_age

    def daemon_alive(self) -> bool:
        """Whether a daemon showed a moment ago that it lives; it is then the one that holds the state store."""
        last = self.store.last_heartbeat()
        return last is not None and utc_now() - last < ALIVE_WITHIN

    def ask_daemon(self, project: ProjectSettings) -> None:
        """Ask the daemon that holds the state store for a sanitize run."""
        self.store.start_job(REQUEST_JOB.format(project.id), utc_now())

    def request_taken(self, project: ProjectSettings) -> bool:
        """Whether the daemon has taken the last request up."""
        state = self.store.job_state(REQUEST_JOB.format(project.id))
        return state.last_start is None or (state.last_end is not None and state.last_end >= state.last_start)

    def serve_request(self, project: ProjectSettings) -> Published | None:
        """Spawn a staging branch that another process asks for; costs one look into the store when none does.

        A request that nobody took up at once is void: whoever made it has been told so and is gone.
        """
        if self.request_taken(project):
            return None
        asked = self.store.job_state(REQUEST_JOB.format(project.id)).last_start
        self.store.record_job(REQUEST_JOB.format(project.id), ok=True, sentence="", now=utc_now())
        if asked is None or utc_now() - asked > ALIVE_WITHIN:
            return None
        newest = self.store.read_events(1)
        try:
            return self.sanitize(self.request(project, "manual"))
        except (BranchwardenError, SanitizerError) as error:
            since = self.store.read_events(1000, project.id, after_id=newest[-1].id if newest else 0)
            if not any(event.kind in ENDS for event in since):  # whoever asked follows the events
                self.store.append_event(Event("sanitize.refused", project.id, None, str(error)), utc_now())
            raise

    def tell_failure(self, job: str, sentence: str) -> None:
        """Remember why a job cannot be done, and queue one alert a day about it."""
        now = utc_now()
        self.store.record_job(job, ok=False, sentence=sentence, now=now)
        key = digest("failed", [job, f"{now:%Y-%m-%d}", sentence])
        self.store.queue_message(notice(f"branchwarden: {job} failed", sentence, key), now)

    def check_branch(self, project: ProjectSettings, name: str, check: BranchCheck) -> Checked:
        """Look down every road of a branch that is not production. Raises UsageError where there is none such."""
        known = find_branch(self.client, self.store, (self.settings, project, name), utc_now())
        checked = check_branch(self.client, known, check, (self.watch, utc_now))
        return tell_disproof(self.store, known, checked, utc_now())

    def check_with_source(self, project: ProjectSettings, name: str, check: BranchCheck) -> Checked:
        """The same next to a sealed copy of production as it was. The store must be held alone."""
        known = find_branch(self.client, self.store, (self.settings, project, name), utc_now())
        refuse_unfit(self.client, known, check, self.watch)
        said = attested(known, check)
        copied = known.entry.copied_from if known.entry else ""
        parent = copied if copied in known.production_ids else ""
        with source_of(self.staging, (known.branch, parent), said.statement if said else None) as source:
            if isinstance(source, Unsourced):
                check = replace(check, unsourced=source.why)
            else:
                check = replace(check, sources=source.connectors)
            checked = check_branch(self.client, known, check, (self.watch, utc_now))
        return tell_disproof(self.store, known, checked, utc_now())

    @property
    def watch(self) -> Watch:
        """Whom looks tell, and how they are ended: as runs."""
        return Watch(self.staging.tell, self.staging.stop, self.staging.connections, self.staging.ahead)

    def connection(self, projects: tuple[ProjectSettings, ...], door: Door) -> Details:
        """How to connect to a sanitized branch. Raises UsageError for any other branch."""
        return open_door(self.client, self.store, projects, door)
