"""`keys new|list|retire|public` as people and programs use it."""

import json
from pathlib import Path

import pytest
from typer.exceptions import TyperException

from daemon.cli.main import app
from daemon.keys import list_keys, newest_signing_key
from sanitizers.attest.keys import read_public_key


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRANCHWARDEN_KEYS__PATH", str(tmp_path / "keys"))
    return tmp_path / "keys"


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    app(["keys", *words], standalone_mode=False)
    return capsys.readouterr().out


def test_a_new_key_is_for_masking_unless_asked_otherwise(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _run(capsys, "new")

    (key_id,) = list_keys(folder)
    assert f"Made masking key {key_id}" in said.replace("\n", " ")
    assert len(list(folder.iterdir())) == 1


def test_the_public_half_is_printed_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "new", "--kind", "signing")
    key = newest_signing_key(folder)

    printed = _run(capsys, "public")

    assert printed == key.public.pem == _run(capsys, "public", key.id)
    assert read_public_key(printed.encode()) == key.public


def test_lists_show_kind_age_and_state_but_nothing_secret(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "new")
    _run(capsys, "new", "--kind", "signing")
    signer = newest_signing_key(folder)
    secrets = [line for path in folder.iterdir() for line in path.read_text().splitlines() if "KEY" not in line]

    table, document = _run(capsys, "list"), json.loads(_run(capsys, "list", "--json"))

    assert [(key["kind"], key["state"]) for key in document] == [("masking", "in use"), ("signing", "in use")]
    assert [set(key) for key in document] == [{"kind", "id", "made", "age", "state"}] * 2
    assert document[1]["id"] == signer.id
    assert all(key["id"] in table for key in document)
    assert [secret for secret in secrets if secret in table + json.dumps(document)] == []


def test_retiring_a_signing_key_says_what_that_means(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "new", "--kind", "signing")

    said = _run(capsys, "retire", newest_signing_key(folder).id)

    assert "not trusted here any more" in said
    assert "retired" in _run(capsys, "list")


def test_without_a_masking_key_the_list_says_how_to_make_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "new", "--kind", "signing")

    assert "keys new" in _run(capsys, "list")


def test_an_unknown_kind_is_refused(folder: Path) -> None:
    with pytest.raises(TyperException, match=r"masking.*signing"):
        app(["keys", "new", "--kind", "door"], standalone_mode=False)
