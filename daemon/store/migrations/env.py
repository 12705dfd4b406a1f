"""Alembic runs this file to migrate; the connection, already in one write transaction, comes from `migrate.upgrade`."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
