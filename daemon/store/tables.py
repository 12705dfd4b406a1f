"""The tables as SQLAlchemy sees them. The migrations make them; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


def clean(text: str) -> str:
    """Replace what UTF-8 cannot hold: a lone surrogate in a branch name must not stop the cycle."""
    return text.encode("utf-8", "replace").decode("utf-8")


class Words(sa.types.TypeDecorator[str]):
    """Text from anywhere."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's signature
        """Make it storable."""
        return None if value is None else clean(value)


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware moment as ISO 8601 text in UTC with microseconds, so that text order is time order."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's signature
        """Write UTC; a naive moment is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """Read it back, aware."""
        return None if value is None else datetime.fromisoformat(value)


metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", Words, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("project_id", Words),
    sa.Column("branch_id", Words),
    sa.Column("sentence", Words, nullable=False),
    sa.Column("data", Words, nullable=False),  # canonical JSON: the very text that the digest covers
    sa.Column("digest", Words, nullable=False),
    sa.Index("events_by_project", "project_id", "id"),
)

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("project_id", Words, nullable=False),
    sa.Column("rule", Words, nullable=False),
    sa.Column("branch_id", Words, nullable=False),
    sa.Column("branch_name", Words, nullable=False),
    sa.Column("severity", Words, nullable=False),
    sa.Column("sentence", Words, nullable=False),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    sa.Column("deadline", Moment, nullable=False),
    sa.Column("exempt", sa.Integer, nullable=False),
    sa.Column("resolved_at", Moment),
)
findings_unresolved = sa.Index(
    "findings_unresolved",
    findings.c.project_id,
    findings.c.rule,
    findings.c.branch_id,
    unique=True,
    sqlite_where=findings.c.resolved_at.is_(None),
)

exemptions = sa.Table(
    "exemptions",
    metadata,
    sa.Column("project_id", Words, primary_key=True),
    sa.Column("branch_id", Words, primary_key=True),
    sa.Column("branch_name", Words, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("reason", Words, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("project_id", Words, nullable=False),
    sa.Column("mode", Words, nullable=False),
    sa.Column("trigger", Words, nullable=False),
    sa.Column("step", Words, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("source_branch_id", Words),
    sa.Column("target_branch_id", Words),
    sa.Column("target_name", Words, nullable=False),
    sa.Column("policy_digest", Words, nullable=False),
    sa.Column("plan_digest", Words, nullable=False),
    sa.Column("key_id", Words, nullable=False),
    sa.Column("proof", sa.JSON, nullable=False),
    sa.Column("acl", sa.JSON, nullable=False),
    sa.Column("error", Words, nullable=False),
    sa.Column("verified_at", Moment),
    sa.Column("published_at", Moment),
    sa.Column("superseded_at", Moment),
    sa.Column("deleted_at", Moment),
    sa.Index("runs_by_project", "project_id", "started_at"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("name", Words, primary_key=True),
    sa.Column("last_start", Moment),
    sa.Column("last_end", Moment),
    sa.Column("last_success", Moment),
    sa.Column("last_error", Words, nullable=False),
    sa.Column("heartbeat", Moment),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("dedup_key", Words, nullable=False, unique=True),
    sa.Column("text", Words, nullable=False),
    sa.Column("blocks", sa.JSON, nullable=False),
    sa.Column("queued_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", Words, nullable=False),
    sa.Column("delivered_at", Moment),
)
