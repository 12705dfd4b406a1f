"""Brings a state store to the schema that this version knows, in one transaction."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from daemon.errors import StateError, StateTooNewError
from daemon.store.edge import APPLICATION_ID, scalar

SCRIPTS = str(Path(__file__).parent / "migrations")


def needs_upgrade(engine: sa.Engine, scripts: str = SCRIPTS) -> bool:
    """Whether the file is older than this version.

    Raises:
        StateTooNewError: it is newer.
        StateError: it is somebody else's database.
    """
    with engine.execution_options(reads=True).connect() as connection:
        _refuse_foreign(connection)
        current = MigrationContext.configure(connection).get_current_revision()
    return _check_known(engine, current, ScriptDirectory(scripts))


def upgrade(engine: sa.Engine, scripts: str = SCRIPTS) -> None:
    """Run the missing migrations: all or none."""
    config = Config(attributes={})
    config.set_main_option("script_location", scripts)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_foreign(connection: sa.Connection) -> None:
    """Refuse to make our tables in a database that another program made."""
    tables = scalar(connection, "SELECT count(*) FROM sqlite_master")
    if tables and scalar(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise StateError(
            f"State store {connection.engine.url.database}: another program's database; name another path."
        )


def _check_known(engine: sa.Engine, current: str | None, scripts: ScriptDirectory) -> bool:
    if current is not None and current not in {revision.revision for revision in scripts.walk_revisions()}:
        raise StateTooNewError(
            f"State store {engine.url.database}: written by a newer branchwarden (schema {current}); "
            "upgrade this one, or name another path."
        )
    return current != scripts.get_current_head()
