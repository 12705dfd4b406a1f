"""A local Neon for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.server import Emulator, Tuning, running


@pytest.fixture(scope="session")
def templates(open_folder: Path) -> Path:
    """Empty clusters, made once for all emulators of the session."""
    folder = open_folder / "templates"
    folder.mkdir(mode=0o711)
    return folder


@pytest.fixture
def neon(templates: Path) -> Iterator[Emulator]:
    """A project with the branch `production` and nothing in it, for one test."""
    with running(tuning=Tuning(templates=templates, housekeeping=0.1)) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def demo_neon(templates: Path) -> Iterator[Emulator]:
    """The demo project, shared by the whole session: tests that change it clean up after themselves."""
    with running("demo", tuning=Tuning(templates=templates)) as emulator:
        yield emulator


@pytest.fixture
def fresh_folder(open_folder: Path, request: pytest.FixtureRequest) -> Callable[[], Path]:
    """Make folders that the servers' user can enter."""
    made: list[Path] = []

    def make() -> Path:
        folder = open_folder / f"{abs(hash(request.node.nodeid))}-{len(made)}"
        folder.mkdir(mode=0o711)
        made.append(folder)
        return folder

    return make
