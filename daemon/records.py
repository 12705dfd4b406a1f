"""What is written down: events, the ledger of sanitize runs, messages, job states. Plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonMapping: TypeAlias = Mapping[str, JsonValue]

COLUMNS_ENCRYPTED = "columns encrypted"
"""Key in the proof of a run: how many columns come back for those who hold the field key."""


@dataclass(frozen=True)
class Event:
    """Something that happened, told in one sentence. `data` never holds a secret or a value of a user's table."""

    kind: str
    project_id: str | None
    branch_id: str | None
    sentence: str
    data: JsonMapping = field(default_factory=dict)


@dataclass(frozen=True)
class StoredEvent:
    """An event as the log holds it; `digest` is the hex SHA-256 that chains it to the row before."""

    id: int
    at: datetime
    kind: str
    project_id: str | None
    branch_id: str | None
    sentence: str
    data: JsonMapping
    digest: str


@dataclass(frozen=True)
class ChainCheck:
    """The answer to: is the event log as it was written? `first_bad_id` is None when it is."""

    ok: bool
    count: int
    first_bad_id: int | None
    head_digest: str


class RunStep(StrEnum):
    """How far a sanitize run came. The last four are final; `ended` is one of `verify`, which publishes nothing."""

    STARTED = "started"
    SEALED = "sealed"
    MASKED = "masked"
    VERIFIED = "verified"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    FAILED = "failed"
    ABANDONED = "abandoned"
    ENDED = "ended"


FINAL_STEPS = (RunStep.PUBLISHED, RunStep.FAILED, RunStep.ABANDONED, RunStep.ENDED)

DISPROVED = "verify.disproved"
"""Kind of the event by which a branch of the ledger proves nothing any more; `data` names the run and the roads."""

VERIFY = "verify"
"""Mode of a run that only makes a sealed source for `verify`."""


@dataclass(frozen=True)
class SanitizeRun:
    """One sanitize run, or one `verify` with a source of its own, as the ledger holds it.

    `proof` and `acl` are JSON; no secret is ever in any field.
    """

    id: str
    project_id: str
    mode: str
    trigger: str
    """`manual` or `schedule`."""
    step: RunStep
    started_at: datetime
    updated_at: datetime
    source_branch_id: str | None = None
    target_branch_id: str | None = None
    target_name: str = ""
    policy_digest: str = ""
    plan_digest: str = ""
    key_id: str = ""
    proof: JsonMapping = field(default_factory=dict)
    acl: JsonMapping = field(default_factory=dict)
    """Database ACLs as they were before the seal, to restore on publish."""
    error: str = ""
    verified_at: datetime | None = None
    published_at: datetime | None = None
    superseded_at: datetime | None = None
    deleted_at: datetime | None = None
    """When the published branch was found to be gone."""

    @property
    def finished(self) -> bool:
        """Whether no step can follow."""
        return self.step in FINAL_STEPS


@dataclass(frozen=True)
class Message:
    """One alert in the form of a Slack-style incoming webhook. The same `dedup_key` is queued once."""

    text: str
    blocks: tuple[JsonMapping, ...]
    dedup_key: str


@dataclass(frozen=True)
class QueuedMessage:
    """A message in the outbox and what delivery came to so far."""

    id: int
    message: Message
    queued_at: datetime
    due_at: datetime
    attempts: int = 0
    last_error: str = ""
    delivered_at: datetime | None = None


@dataclass(frozen=True)
class JobState:
    """What is known of a recurring job; `last_error` is empty once it succeeded again."""

    name: str
    last_start: datetime | None = None
    last_end: datetime | None = None
    last_success: datetime | None = None
    last_error: str = ""
