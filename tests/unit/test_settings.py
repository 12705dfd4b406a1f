"""Settings: shipped defaults, then the file, then the environment; wrong means no start, and no value in the error."""

from datetime import timedelta
from pathlib import Path

import pytest

from daemon.errors import SettingsError, WrongKeyError
from daemon.rules import StaleStaging
from daemon.settings import api_key, load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _file(text: str) -> Path:
    path = Path("own") / "warden.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_the_environment_beats_the_file_and_the_file_beats_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file("[staging]\nmax_age = '3d'\nname = 'clean'\n")
    monkeypatch.setenv("BRANCHWARDEN_STAGING__NAME", "cleaner")

    staging = load_settings(path).staging

    assert (staging.name, staging.max_age, staging.enabled) == ("cleaner", timedelta(days=3), False)


def test_it_observes_unless_told_otherwise() -> None:
    assert load_settings().enforce is False


def test_paths_in_a_file_are_relative_to_it() -> None:
    settings = load_settings(_file("[staging]\npolicy = 'masking.toml'\n[state]\npath = '/var/lib/state.db'\n"))

    assert settings.staging.policy == Path("own").resolve() / "masking.toml"
    assert settings.state.path == Path("/var/lib/state.db")


def test_one_project_needs_one_variable_and_several_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file("[[projects]]\nid = 'one-project-1'\nproduction = ['main']\n[[projects]]\nid = 'two-project-2'\n")
    monkeypatch.setenv("BRANCHWARDEN_PROJECT", "three-project-3")

    assert [p.id for p in load_settings(path).watched()] == ["three-project-3", "one-project-1", "two-project-2"]


def test_no_project_says_how_to_name_one() -> None:
    with pytest.raises(SettingsError, match="BRANCHWARDEN_PROJECT"):
        load_settings().watched()


def test_what_is_stale_is_said_once_and_may_be_said_twice() -> None:
    def stale(text: str) -> timedelta:
        (rule,) = (r for r in load_settings(_file(text)).all_rules() if isinstance(r, StaleStaging))
        return rule.max_age

    assert stale("[staging]\nmax_age = '2d'\n") == timedelta(days=2)
    assert stale("[staging]\nmax_age = '2d'\n[rules.stale-staging]\nmax_age = '5d'\n") == timedelta(days=5)


def test_every_problem_is_told_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANCHWARDEN_HTTP__PORT", "70001")
    monkeypatch.setenv("BRANCHWARDEN_SCHEDULE__EVERY", "secret-often")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert "http.port" in str(caught.value)
    assert "schedule.every" in str(caught.value)
    assert "70001" not in str(caught.value)


def test_a_list_that_is_no_json_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANCHWARDEN_PROJECTS", "one,two")

    with pytest.raises(SettingsError, match="JSON"):
        load_settings()


def test_a_webhook_comes_from_one_place(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("https://hooks.example/services/secret\n")

    from_file = load_settings(_file(f"[alerts]\nwebhook_url_file = '{tmp_path / 'hook'}'\n"))
    assert from_file.alerts.url() == "https://hooks.example/services/secret"
    assert "secret" not in repr(load_settings(_file("[alerts]\nwebhook_url = 'https://hooks.example/secret'\n")))
    with pytest.raises(SettingsError, match="not both"):
        load_settings(_file("[alerts]\nwebhook_url = 'https://a.example'\nwebhook_url_file = '/b'\n"))


def test_the_key_comes_from_the_file_before_the_variable(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("napi_from_file\n")

    assert api_key({"NEON_API_KEY": "napi_a", "NEON_API_KEY_FILE": str(tmp_path / "key")}) == "napi_from_file"
    assert api_key({"NEON_API_KEY": " napi_a\n"}) == "napi_a"
    with pytest.raises(WrongKeyError, match="NEON_API_KEY_FILE"):
        api_key({})
    with pytest.raises(WrongKeyError) as caught:
        api_key({"NEON_API_KEY": "napi_a napi_b"})
    assert "napi_a" not in str(caught.value)
