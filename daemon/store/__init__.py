"""The state store: SQLite through SQLAlchemy Core."""

from daemon.store.store import CYCLE_JOB, Store, open_store

__all__ = ["CYCLE_JOB", "Store", "open_store"]
