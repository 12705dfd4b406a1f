"""Is everything in order? Each check looks at one thing and answers; none changes anything."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import daemon
from daemon.app import App, utc_now
from daemon.duration import format_duration
from daemon.errors import BranchwardenError, NeonError, SettingsError
from daemon.keys import has_signing_key, list_keys, newest_key, newest_signing_key
from daemon.settings import Settings
from sanitizers.errors import PolicyError
from sanitizers.policy import load_policy

HEARTBEAT_LIMIT = timedelta(minutes=3)  # the scheduler beats every 20 seconds


class Verdict(StrEnum):
    """What a check says."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """One check's answer: what was looked at, the verdict, and the sentence that says what to do."""

    about: str
    verdict: Verdict
    sentence: str


def examine(app: App) -> tuple[Answer, ...]:
    """Everything that `doctor` looks at."""
    return (*_installation(), *_settings(app.settings), *_state(app), *_api(app), *_staging(app.settings))


def examine_without(settings: Settings, error: BranchwardenError) -> tuple[Answer, ...]:
    """What can be looked at when nothing can be opened, and why not."""
    return (*_installation(), *_settings(settings), Answer("start", Verdict.FAIL, str(error)), *_staging(settings))


def heartbeat_age(last: datetime | None, now: datetime) -> tuple[bool, str]:
    """Whether the scheduler lives, and the sentence for it."""
    if last is None:
        return False, "the daemon has never run on this state store"
    age = now - last
    return age <= HEARTBEAT_LIMIT, f"the scheduler showed that it lives {int(age.total_seconds())} seconds ago"


def _installation() -> Iterator[Answer]:
    spec = importlib.util.find_spec("daemon")
    ours = spec is not None and spec.origin == daemon.__file__
    names = set(importlib.metadata.packages_distributions().get("daemon", []))
    if ours and names <= {"branchwarden"}:
        yield Answer("installation", Verdict.OK, f"branchwarden {importlib.metadata.version('branchwarden')}")
    else:
        others = ", ".join(sorted(names - {"branchwarden"}))
        yield Answer(
            "installation", Verdict.FAIL, f"{others} brings a module `daemon` too: use an environment of its own"
        )


def _settings(settings: Settings) -> Iterator[Answer]:
    mode = "enforcing" if settings.enforce else "observe mode: no request but GET leaves, `sanitize` by hand excepted"
    every = format_duration(settings.schedule.every)
    yield Answer("settings", Verdict.OK, f"{len(settings.watched())} project(s), a cycle every {every}, {mode}")
    try:
        url = settings.alerts.url()
    except SettingsError as error:
        yield Answer("alerts", Verdict.FAIL, str(error))
        return
    if url:
        yield Answer("alerts", Verdict.OK, "a webhook is configured")
    else:
        yield Answer("alerts", Verdict.WARN, "no webhook: alerts stay in the outbox (set alerts.webhook_url_file)")


def _state(app: App) -> Iterator[Answer]:
    check = app.store.verify_events()
    if check.ok:
        yield Answer("state", Verdict.OK, f"{app.settings.state.path}: {check.count} events, the chain is intact")
    else:
        yield Answer("state", Verdict.FAIL, f"the event log was changed at row {check.first_bad_id}: restore a backup")
    waiting = len(app.store.list_outbox())
    if waiting and app.webhook:
        yield Answer("outbox", Verdict.WARN, f"{waiting} alert(s) wait: `branchwarden outbox` says why")
    alive, sentence = heartbeat_age(app.store.last_heartbeat(), utc_now())
    yield Answer("daemon", Verdict.OK if alive else Verdict.WARN, sentence)


def _api(app: App) -> Iterator[Answer]:
    try:
        login = app.client.auth()
    except NeonError as error:
        yield Answer("api key", Verdict.FAIL, str(error))
        return
    yield Answer("api key", *_key_verdict(login.method))
    for project in app.settings.watched():
        yield from _project(app, project.id)


def _key_verdict(method: str) -> tuple[Verdict, str]:
    """Neon has no branch-scoped and no read-only keys; the narrowest is project-scoped, which /auth does not tell."""
    if method == "api_key_org":
        return Verdict.WARN, (
            "an organization key: unless it was made for one project it may do everything in the organization;"
            " make a project-scoped one. It cannot see who the members and their keys are."
        )
    if method == "api_key_user":
        return Verdict.WARN, (
            "a personal key: it may do whatever its owner may, in every organization, and dies when the owner leaves;"
            " make a project-scoped organization key"
        )
    return Verdict.WARN, f"a login of kind {method}: use a project-scoped organization API key"


def _project(app: App, project_id: str) -> Iterator[Answer]:
    try:
        listing = app.client.list_project(project_id, utc_now())
    except NeonError as error:
        yield Answer(project_id, Verdict.FAIL, str(error))
        return
    yield Answer(project_id, Verdict.OK, f"{listing.project.name}: {len(listing.branches)} branches can be read")
    if not listing.project.store_passwords:
        yield Answer(project_id, Verdict.UNKNOWN, "passwords are not stored at Neon: inherited-password stays unknown")
    default = next((b for b in listing.branches if b.default), None)
    if default is not None and not default.protected:
        sentence = f"{default.name} is not protected: every branch of it keeps its passwords; protect it on a paid plan"
        yield Answer(project_id, Verdict.WARN, sentence)


def _staging(settings: Settings) -> Iterator[Answer]:
    yield _policy(settings.staging.policy, enabled=settings.staging.enabled)
    try:
        if list_keys(settings.keys.path):
            yield Answer("masking key", Verdict.OK, f"{newest_key(settings.keys.path).id} in {settings.keys.path}")
        else:
            yield Answer("masking key", Verdict.WARN, "there is none: `branchwarden keys new` makes one")
    except BranchwardenError as error:
        yield Answer("masking key", Verdict.FAIL, str(error))
    try:
        there = has_signing_key(settings.keys.path)
        key = f"{newest_signing_key(settings.keys.path).id} in {settings.keys.path}" if there else ""
        yield Answer("signing key", Verdict.OK, key or "there is none yet: the first run makes one")
    except BranchwardenError as error:
        yield Answer("signing key", Verdict.FAIL, str(error))


def _policy(path: Path, *, enabled: bool) -> Answer:
    about = "masking policy"
    if not path.exists():
        verdict = Verdict.FAIL if enabled else Verdict.WARN
        return Answer(about, verdict, f"there is no {path}: `branchwarden detect --write` writes a first one")
    try:
        policy = load_policy(path)
    except PolicyError as error:
        return Answer(about, Verdict.FAIL, str(error))
    if policy.reviewed:
        return Answer(about, Verdict.OK, f"{path}, reviewed by {policy.reviewed_by} on {policy.reviewed_on}")
    return Answer(about, Verdict.WARN, f"{path} was not reviewed: no run by schedule until reviewed_by and reviewed_on")
