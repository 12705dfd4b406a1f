"""The first tables."""

from __future__ import annotations

from alembic import op

from daemon.errors import StateError

revision = "r0001"
down_revision = None

TABLES = """
CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value JSON NOT NULL
);
CREATE TABLE events (
    id INTEGER NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    project_id TEXT,
    branch_id TEXT,
    sentence TEXT NOT NULL,
    data TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE INDEX events_by_project ON events (project_id, id);
CREATE TABLE findings (
    id INTEGER NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    branch_id TEXT NOT NULL,
    branch_name TEXT NOT NULL,
    severity TEXT NOT NULL,
    sentence TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    deadline TEXT NOT NULL,
    exempt INTEGER NOT NULL,
    resolved_at TEXT
);
CREATE UNIQUE INDEX findings_unresolved ON findings (project_id, rule, branch_id) WHERE resolved_at IS NULL;
CREATE TABLE exemptions (
    project_id TEXT NOT NULL,
    branch_id TEXT NOT NULL,
    branch_name TEXT NOT NULL,
    until TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (project_id, branch_id)
);
CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    "trigger" TEXT NOT NULL,
    step TEXT NOT NULL,
    started_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    source_branch_id TEXT,
    target_branch_id TEXT,
    target_name TEXT NOT NULL,
    policy_digest TEXT NOT NULL,
    plan_digest TEXT NOT NULL,
    key_id TEXT NOT NULL,
    proof JSON NOT NULL,
    acl JSON NOT NULL,
    error TEXT NOT NULL,
    verified_at TEXT,
    published_at TEXT,
    superseded_at TEXT,
    deleted_at TEXT
);
CREATE INDEX runs_by_project ON runs (project_id, started_at);
CREATE TABLE jobs (
    name TEXT NOT NULL PRIMARY KEY,
    last_start TEXT,
    last_end TEXT,
    last_success TEXT,
    last_error TEXT NOT NULL,
    heartbeat TEXT
);
CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY,
    dedup_key TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    blocks JSON NOT NULL,
    queued_at TEXT NOT NULL,
    due_at TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    delivered_at TEXT
)
"""

# They stop mistakes; the hash chain finds what goes round them.
TRIGGERS = (
    "CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
    "CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in (*TABLES.split(";"), *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: an older branchwarden would lose the ledger."""
    raise StateError("The state store is only ever upgraded; restore a backup to go back.")
