"""The state store: SQLite through SQLAlchemy Core."""

from daemon.store.ledger import ATTESTATION, HISTORY_RAW_UNTIL, PARENT, TAKEN_AT, ledger_entry
from daemon.store.store import CYCLE_JOB, Store, open_store

__all__ = ["ATTESTATION", "CYCLE_JOB", "HISTORY_RAW_UNTIL", "PARENT", "TAKEN_AT", "Store", "ledger_entry", "open_store"]
