"""The image as the Dockerfile and compose.yaml describe it; no engine is needed to read them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def final_stage() -> str:
    return (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]


def test_it_runs_as_uid_10001_with_a_passwd_entry(final_stage: str) -> None:
    assert "useradd --uid 10001" in final_stage
    assert re.search(r"^USER 10001:10001$", final_stage, re.MULTILINE)


def test_entrypoint_command_and_health_check_are_in_exec_form(final_stage: str) -> None:
    assert re.search(r'^ENTRYPOINT \["branchwarden"\]$', final_stage, re.MULTILINE)
    assert re.search(r'^CMD \["run"\]$', final_stage, re.MULTILINE)
    assert re.search(r'^ +CMD \["branchwarden", "doctor", "--heartbeat"\]$', final_stage, re.MULTILINE)


def test_state_is_on_a_volume_and_the_root_is_read_only(final_stage: str) -> None:
    assert 'VOLUME ["/var/lib/branchwarden"]' in final_stage
    assert "read_only: true" in (ROOT / "compose.yaml").read_text()


def test_no_emulator_is_in_the_image() -> None:
    text = (ROOT / "Dockerfile").read_text()

    assert re.search(r"rm -rf \S*/emulator$", text, re.MULTILINE)
    assert "requirements/runtime.txt" in text
    assert "pixeltable" not in (ROOT / "requirements" / "runtime.txt").read_text()


def test_everything_that_the_build_copies_is_let_through_and_exists() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = [name for line in copied for name in line.split()]

    assert "daemon" in names
    assert [name for name in names if name not in allowed] == []
    assert [name for name in names if not (ROOT / name).exists()] == []
