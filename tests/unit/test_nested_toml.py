"""TOML that is nested without end is a mistake in a file, told like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.errors import SettingsError
from daemon.settings import load_settings
from sanitizers.errors import PolicyError
from sanitizers.policy import load_policy

NESTED = "deep = " + "[" * 100_000


def test_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "masking.toml"
    path.write_text(NESTED, encoding="utf-8")

    with pytest.raises(PolicyError, match=r"masking\.toml: not valid TOML"):
        load_policy(path)


def test_settings(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(NESTED, encoding="utf-8")

    with pytest.raises(SettingsError, match=r"own\.toml is not TOML"):
        load_settings(path)
