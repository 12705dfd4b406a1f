"""A state store in a folder of its own."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.store import open_store

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def state_file(tmp_path):
    return tmp_path / "state.db"


@pytest.fixture
def state_store(state_file):
    with open_store(state_file, exclusive=True) as opened:
        yield opened
