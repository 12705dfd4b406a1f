"""Bad input gives one clear sentence, the documented exit code, no stack trace, and loses nothing."""

import shutil
import sqlite3
import subprocess
import sys

import pytest

from tests.fix_daemon import Warden


def _refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3, done.stderr
    for word in words:
        assert word in done.stderr


def _with(warden: Warden, **environment: str) -> Warden:
    return Warden(warden.neon, warden.folder, environment)


def test_a_missing_key(small_warden: Warden) -> None:
    _refused(_with(small_warden, NEON_API_KEY="").run("status"), 4, "NEON_API_KEY")


def test_a_wrong_key_is_not_printed(small_warden: Warden) -> None:
    done = _with(small_warden, NEON_API_KEY="napi_wrong_0123456789").run("once")

    _refused(done, 4, "wrong or revoked")
    assert "napi_wrong" not in done.stderr + done.stdout


def test_a_key_file_that_is_not_there(small_warden: Warden) -> None:
    _refused(
        _with(small_warden, NEON_API_KEY_FILE="/nowhere/key").run("status"), 2, "NEON_API_KEY_FILE", "/nowhere/key"
    )


def test_a_project_that_is_not_there(small_warden: Warden) -> None:
    done = _with(small_warden, BRANCHWARDEN_PROJECT="no-such-project").run("once")

    _refused(done, 4, "no-such-project", "not found")


def test_no_project_at_all(small_warden: Warden) -> None:
    environment = dict(small_warden.environment)
    del environment["BRANCHWARDEN_PROJECT"]
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "status"],
        env=environment,
        cwd=small_warden.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    _refused(done, 2, "BRANCHWARDEN_PROJECT")


def test_an_unknown_setting_in_the_environment(small_warden: Warden) -> None:
    done = _with(small_warden, BRANCHWARDEN_STAGING__NAM="x").run("config", "check")

    _refused(done, 2, "BRANCHWARDEN_STAGING__NAM", "did you mean BRANCHWARDEN_STAGING__NAME")


def test_an_unknown_setting_in_the_file(small_warden: Warden) -> None:
    (small_warden.folder / "own.toml").write_text("[staging]\nmax_agee = '3d'\n")

    _refused(small_warden.run("config", "check", "--config", "own.toml"), 2, "staging.max_agee", "unknown setting")


def test_a_value_of_the_wrong_kind(small_warden: Warden) -> None:
    (small_warden.folder / "own.toml").write_text("[schedule]\nevery = 'often'\n")

    _refused(small_warden.run("config", "check", "-c", "own.toml"), 2, "schedule.every", "often")


def test_a_rule_that_does_not_exist(small_warden: Warden) -> None:
    (small_warden.folder / "own.toml").write_text("[rules.no-such-rule]\nenabled = false\n")

    _refused(small_warden.run("config", "check", "-c", "own.toml"), 2, "no-such-rule", "raw-dev-branch")


def test_a_config_file_that_was_asked_for_and_is_missing(small_warden: Warden) -> None:
    _refused(small_warden.run("status", "--config", "absent.toml"), 2, "absent.toml")


def test_a_config_file_that_is_no_toml(small_warden: Warden) -> None:
    (small_warden.folder / "own.toml").write_text("enforce = yes please")

    _refused(small_warden.run("status", "-c", "own.toml"), 2, "own.toml", "TOML")


def test_an_api_that_does_not_answer(small_warden: Warden) -> None:
    done = _with(small_warden, NEON_API_HOST="http://127.0.0.1:9/api/v2").run("once")

    _refused(done, 4, "127.0.0.1")


def test_a_key_is_never_sent_in_clear_to_another_machine(small_warden: Warden) -> None:
    done = _with(small_warden, NEON_API_HOST="http://neon.example/api/v2").run("once")

    _refused(done, 2, "https://")


def test_a_state_store_that_cannot_be_opened(small_warden: Warden) -> None:
    done = _with(small_warden, BRANCHWARDEN_STATE__PATH="/dev/null/state.db").run("once")

    _refused(done, 2, "/dev/null/state.db")


def test_a_state_store_that_is_no_database(small_warden: Warden) -> None:
    small_warden.state.write_text("this is not a database " * 100)

    _refused(small_warden.run("events"), 2, str(small_warden.state))


def test_a_full_disk(small_warden: Warden) -> None:
    assert small_warden.run("once").returncode == 1
    limit = shutil.which("prlimit")
    if limit is None:
        pytest.fail("prlimit (util-linux) is needed to limit file sizes")
    done = subprocess.run(
        [limit, "--fsize=4096", sys.executable, "-m", "daemon", "exempt", "dev/ann", "--until", "9d", "--reason", "x"],
        env=small_warden.environment,
        cwd=small_warden.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    _refused(done, 2, str(small_warden.state))
    assert small_warden.run("events", "--verify").returncode == 0


def test_no_masking_policy(small_warden: Warden) -> None:
    small_warden.run("keys", "new")

    _refused(small_warden.run("sanitize"), 2, "detect --write")


def test_no_masking_key(small_warden: Warden) -> None:
    small_warden.run("detect", "--write")

    _refused(small_warden.run("sanitize"), 2, "keys new")


def test_a_masking_key_that_others_can_read(small_warden: Warden) -> None:
    small_warden.prepare()
    for key in (small_warden.folder / "keys").iterdir():
        key.chmod(0o644)

    _refused(small_warden.run("sanitize"), 2, "chmod 600")


def test_a_masking_policy_with_a_mistake(small_warden: Warden) -> None:
    small_warden.prepare()
    text = small_warden.policy.read_text()
    small_warden.policy.write_text(text.replace('email = "email"', 'email = "emial"'))

    _refused(small_warden.run("sanitize"), 2, "emial")


def test_a_branch_that_does_not_exist(small_warden: Warden) -> None:
    for arguments in (
        ("explain", "nobody"),
        ("connect", "nobody"),
        ("exempt", "nobody", "--until", "9d", "--reason", "x"),
    ):
        _refused(small_warden.run(*arguments), 2, "nobody")


def test_details_of_a_raw_branch_are_not_given(small_warden: Warden) -> None:
    _refused(small_warden.run("connect", "dev/ann"), 2, "raw", "sanitized branches only")


def test_exempt_needs_until_and_reason(small_warden: Warden) -> None:
    for arguments in (("--until", "9d"), ("--reason", "x"), ("--until", "yesterday", "--reason", "x")):
        _refused(small_warden.run("exempt", "dev/ann", *arguments), 2, "--until")


def test_a_dsn_that_is_none_and_one_with_a_wrong_password(small_warden: Warden) -> None:
    _refused(small_warden.run("detect", "--dsn", "what is this"), 2, "--dsn")
    wrong = small_warden.run("detect", "--dsn", f"host=localhost port={small_warden.neon.proxy_port} user=neondb_owner")
    _refused(wrong, 4, "localhost")


def test_an_unknown_command_and_option(small_warden: Warden) -> None:
    _refused(small_warden.run("sanitise"), 2, "sanitise", "--help")
    _refused(small_warden.run("status", "--jason"), 2, "--jason")
    _refused(small_warden.run("events", "--limit", "many"), 2, "--limit")


def test_the_event_log_shows_a_row_that_was_edited(small_warden: Warden) -> None:
    small_warden.run("once")
    assert small_warden.run("events", "--verify").returncode == 0
    with sqlite3.connect(small_warden.state) as db:
        db.execute("DROP TRIGGER IF EXISTS events_no_update")
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f'DROP TRIGGER "{name}"')
        db.execute("UPDATE events SET sentence = 'nothing happened' WHERE id = 1")
    db.close()

    done = small_warden.run("events", "--verify")

    assert done.returncode == 1
    assert "CHANGED" in done.stdout


def test_observe_mode_lets_no_writing_request_out(small_warden: Warden) -> None:
    before = small_warden.listing()
    for arguments in (("once",), ("status",), ("tree",), ("doctor",), ("detect",), ("explain", "dev/ann")):
        done = small_warden.run(*arguments)
        assert done.returncode in {0, 1}, done.stderr

    assert small_warden.listing() == before


def test_a_webhook_that_is_down_loses_no_alert(small_warden: Warden) -> None:
    down = _with(small_warden, BRANCHWARDEN_ALERTS__WEBHOOK_URL="http://127.0.0.1:9/services/secret-token")

    done = down.run("once")

    assert done.returncode == 1, done.stderr
    assert "Alerts wait in the outbox" in done.stderr
    assert "secret-token" not in done.stderr + done.stdout
    assert len(down.json("outbox")) == 1
    assert b"secret-token" not in down.state.read_bytes()


def test_reading_commands_print_json(small_warden: Warden) -> None:
    small_warden.run("once")
    documents = {
        arguments: small_warden.json(*arguments)
        for arguments in (("status",), ("tree",), ("events",), ("outbox",), ("doctor",), ("keys", "list"))
    }

    assert {type(document) for document in documents.values()} == {list}
    [status], [views] = documents["status",], documents["tree",]
    assert {"project_id", "views", "outcomes", "unknowns"} <= set(status)
    assert "dev/ann" in {view["branch"]["name"] for view in views}
    assert small_warden.json("explain", "dev/ann")["view"]["branch"]["name"] == "dev/ann"
    assert {"kind", "sentence", "at"} <= set(documents["events",][0])
    assert {"verdict", "sentence"} <= set(documents["doctor",][0])
    assert {"id", "message", "due_at"} <= set(documents["outbox",][0])
    assert all(isinstance(key, str) for key in documents["keys", "list"])
