"""Finds the files of `config/`: inside the package in a wheel, at the top of the tree in a checkout."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

CONFIG = _HERE / "config" if (_HERE / "config").is_dir() else _HERE.parent / "config"
