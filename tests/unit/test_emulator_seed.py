"""Seeds: what they may say, and the one sentence for each that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulator import seed
from emulator.errors import SeedError

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PROJECT = '[project]\nname = "p"\n'
ROOT = '[[branches]]\nname = "main"\ndefault = true\n'


def write(folder: Path, text: str) -> Path:
    (folder / "project.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("40d", timedelta(days=40)),
        ("12h", timedelta(hours=12)),
        ("-3d", timedelta(days=-3)),
        ("+90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
    ],
)
def test_ages_are_short_words(text: str, expected: timedelta) -> None:
    assert seed.parse_age(text) == expected


@pytest.mark.parametrize("name", ["demo", "empty"])
def test_built_in_seeds_are_found_by_name(name: str) -> None:
    read, folder = seed.read(name)

    assert read.branches[0].name == "production"
    assert folder.name == name


def test_dates_in_annotations_follow_the_day_of_loading() -> None:
    branch = seed.SeedBranch(name="x", annotation={"deletion-date": "{-12d}", "until": "until {+1d}", "plain": "{x}"})

    assert branch.annotation_at(NOW) == {"deletion-date": "2026-11-09", "until": "until 2026-11-22", "plain": "{x}"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("this is = = no toml", "is not TOML"),
        (ROOT, "project: Field required"),
        (PROJECT + ROOT + 'colour = "red"\n', "branches.0.colour: Extra inputs are not permitted"),
        (PROJECT + ROOT + 'created = "long ago"\n', "an age is a number and one of s, m, h, d"),
        (PROJECT + ROOT.replace("true", "false"), "exactly one branch must say default = true"),
        (PROJECT + ROOT + '[[branches]]\nname = "dev"\n', "branch dev needs a parent"),
        (PROJECT + ROOT + '[[branches]]\nname = "dev"\nparent = "nobody"\n', "nobody, which does not stand above it"),
        (PROJECT + ROOT + '[[branches]]\nname = "main"\nparent = "main"\n', "two branches are called main"),
        (PROJECT + ROOT + 'parent = "main"\n', "the root and has no parent"),
        (PROJECT + ROOT + 'databases = [{ name = "d", sql = ["gone.sql"] }]\n', "there is no such file beside it"),
        (PROJECT.replace("]", "]\npg_version = 17", 1) + ROOT, "project.pg_version: Input should be 16 or 18"),
        (PROJECT, "branches: Field required"),
    ],
)
def test_a_wrong_seed_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SeedError) as wrong:
        seed.read(write(tmp_path, text))

    assert sentence in str(wrong.value)
    assert str(tmp_path) in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="Cannot read the seed"):
        seed.read(tmp_path / "nowhere")
