"""The state on disk: one JSON file, replaced as a whole, readable by its owner alone (it holds passwords)."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from emulator.errors import EmulatorError
from emulator.state import State

FILE = "state.json"


def load(folder: Path) -> State | None:
    """Read the state of an earlier run, or give None for a fresh folder."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return State.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise EmulatorError(f"{path} is not the state of an emulator: move the folder away or name another.") from error


def save(folder: Path, state: State) -> None:
    """Replace the file, so that a crash leaves the old one or the new one."""
    fresh = folder / f"{FILE}.new"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(state.model_dump_json(indent=1, exclude_defaults=True))
    fresh.replace(folder / FILE)
