"""What is delivered works without the checkout, and the production image's cut of it without the emulator."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what git tracks and unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in files.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "tree" / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, str(folder), str(folder / "tree")], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _run(unpacked: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # The editable install has put the checkout on the path: off with it.
    program = f"import sys; sys.path = [p for p in sys.path if p != {str(ROOT)!r}]; from daemon.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "BRANCHWARDEN_PROJECT": "some-project-1"}
    return subprocess.run(
        [sys.executable, "-P", "-c", program, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_defaults_the_vocabularies_and_the_migrations_are_in_it(unpacked: Path, tmp_path: Path) -> None:
    checked = _run(unpacked, "config", "check", cwd=tmp_path)
    events = _run(unpacked, "events", cwd=tmp_path)
    (tmp_path / "in.csv").write_text("project,table,column,type,comment\np,users,email,text,\n")
    detected = _run(unpacked, "detect", "--columns", "in.csv", "--out", "out.csv", cwd=tmp_path)

    assert checked.returncode == 0, checked.stderr
    assert events.returncode == 0, events.stderr
    assert detected.returncode == 0, detected.stderr
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("p,users,email,")
    assert (unpacked / "emulator" / "seeds" / "demo" / "project.toml").is_file()


def test_nothing_of_the_tests_is_in_it(unpacked: Path) -> None:
    assert {p.name for p in unpacked.iterdir() if not p.name.endswith(".dist-info")} == {
        "daemon",
        "sanitizers",
        "emulator",
    }


def test_without_the_emulator_everything_else_works_and_demo_says_what_to_do(unpacked: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    shutil.copytree(unpacked, image, ignore=shutil.ignore_patterns("emulator"))

    help_text = _run(image, "--help", cwd=tmp_path)
    demo = _run(image, "demo", cwd=tmp_path)

    assert help_text.returncode == 0, help_text.stderr
    assert demo.returncode == 2
    assert "branchwarden[demo]" in demo.stderr
