"""The names `daemon` and `sanitizers` resolve to us and to nobody else."""

import importlib.metadata
import importlib.util
import tomllib
from pathlib import Path

import pytest

import daemon

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["daemon", "sanitizers", "emulator"])
def test_the_checkout_wins(name: str) -> None:
    spec = importlib.util.find_spec(name)

    assert spec is not None
    assert spec.origin == str(ROOT / name / "__init__.py")


def test_no_other_distribution_brings_a_daemon() -> None:
    assert set(importlib.metadata.packages_distributions().get("daemon", [])) <= {"branchwarden"}


def test_the_package_marker_holds_one_docstring_and_nothing_else() -> None:
    source = Path(daemon.__file__ or "").read_text()

    assert daemon.__doc__ is not None
    assert source == f'"""{daemon.__doc__}"""\n'


def test_it_cannot_be_uploaded_by_accident() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert "Private :: Do Not Upload" in project["classifiers"]


def test_locked_requirements_carry_hashes_and_name_no_index() -> None:
    for name in ("runtime.txt", "dev.txt", "build.txt"):
        text = (ROOT / "requirements" / name).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index-url" not in text
