"""The state store: SQLite through SQLAlchemy Core."""

from daemon.store.store import Store, open_store

__all__ = ["Store", "open_store"]
