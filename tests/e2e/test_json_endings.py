"""`--json` prints one JSON object however a command ends, and options that would do nothing are refused."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.fix_daemon import Warden
from tests.fix_plain import Desk, execute
from tests.fix_postgres import TestDatabase

MakeDatabase = Callable[[], TestDatabase]
ENDLESS = """#!/bin/sh
case "$1" in --version) echo "pg_dump (PostgreSQL) 18.0" ;; *) exec sleep 600 ;; esac
"""


def told(done: subprocess.CompletedProcess[str]) -> Any:
    """The object, once it is sure that its code is the process's."""
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode, done.stderr
    return document


def test_a_run_and_its_preflight_that_end_well(desk: Desk, shop: TestDatabase, make_database: MakeDatabase) -> None:
    command = ("sanitize", "--source", shop.dsn, "--target", make_database().dsn, "--json")

    ahead, done = told(desk.run(*command, "--dry-run")), told(desk.run(*command))

    assert (ahead["outcome"], done["outcome"]) == ("clean", "clean")
    assert ahead["coverage"] == done["proof"]["coverage"]
    assert ahead["problems"] == done["problems"] == []


def test_a_plan_and_a_run_that_are_refused(desk: Desk, shop: TestDatabase, make_database: MakeDatabase) -> None:
    execute(shop.dsn, "ALTER TABLE people ADD phone text, ADD mobile text")

    plan = told(desk.run("plan", "--dsn", shop.dsn, "--json"))
    run = told(desk.run("sanitize", "--source", shop.dsn, "--target", make_database().dsn, "--json"))

    assert (plan["exit_code"], plan["outcome"], run["exit_code"], run["outcome"]) == (5, "refused", 5, "refused")
    assert plan["problems"] == run["problems"]
    assert [problem.split(" ")[0].rpartition(".")[2] for problem in run["problems"]] == ["phone", "mobile"]
    assert plan["lines"] != []


def test_a_run_that_is_stopped(desk: Desk, shop: TestDatabase, make_database: MakeDatabase) -> None:
    tools = desk.folder / "bin"
    tools.mkdir()
    (tools / "pg_dump").write_text(ENDLESS)
    (tools / "pg_dump").chmod(0o755)
    command = ("sanitize", "--source", shop.dsn, "--target", make_database().dsn, "--json")
    process = desk.start(*command, PATH=f"{tools}:/usr/bin:/bin")
    assert process.stderr is not None
    while "making the target's schema" not in process.stderr.readline():
        assert process.poll() is None

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)

    document = told(subprocess.CompletedProcess((), process.returncode, out, err))
    assert (document["exit_code"], document["outcome"]) == (5, "stopped")
    assert "the target is as empty as before" in document["message"]


@pytest.mark.parametrize(
    ("arguments", "code", "outcome", "sentence"),
    [
        (("plan", "--dsn", "what is this"), 2, "usage", "--dsn is no connection string"),
        (("plan", "--dsn", ""), 2, "usage", "--dsn is empty"),
        (("plan", "--dsn", "host=127.0.0.1 port=1 dbname=d"), 4, "unreachable", "does not answer"),
        (("plan", "--allow-event-trigger", "x"), 2, "usage", "needs --dsn"),
        (("plan", "--nonsense"), 2, "usage", "--nonsense"),
        (("sanitize", "--streams", "99"), 2, "usage", "--streams"),
        (("plan", "--dsn", "{}", "--sample", ""), 2, "usage", "'' is no share of the people"),
        (("plan", "--dsn", "{}", "--sample", "100%"), 2, "usage", "less than 100"),
        (("sanitize", "--in-place", " "), 2, "usage", "--in-place is empty"),
        (("sanitize", "--in-place", "{}", "--mode", "clean-room"), 2, "usage", "--mode are of runs on Neon"),
        (("sanitize", "--in-place", "{}", "--schema-exists"), 2, "usage", "--schema-exists speaks of --target"),
        (("sanitize", "--source", "{}", "--target", "{}", "--yes"), 2, "usage", "--yes speaks of --in-place"),
        (("sanitize", "--yes"), 2, "usage", "--yes speaks of --in-place"),
        (("sanitize", "--schema-exists"), 2, "usage", "--schema-exists speaks of --target"),
        (("detect", "--dsn", "{}", "--out", "x"), 2, "usage", "--columns and --out go together"),
        (("detect", "--dsn", "{}", "--project", "x"), 2, "usage", "--project is of branches on Neon"),
        (("detect", "--dsn", "{}", "--config", "x"), 2, "usage", "beside --dsn, --config says where --write"),
        (("detect", "--columns", "x", "--out", "y"), 2, "usage", "--columns takes --out alone"),
        (("events", "--verify", "--kind", "x"), 2, "usage", "--verify reads the whole log"),
        (("events", "--verify", "--limit", "50"), 2, "usage", "--verify reads the whole log"),
        (("doctor", "--heartbeat"), 2, "usage", "leave --json out"),
        (("config", "check", "--all", "--config", "none.toml"), 2, "usage", "none.toml"),
        (("exempt", "x", "--remove", "--until", "9d"), 2, "usage", "--json"),
    ],
)
def test_what_cannot_be_is_an_object_too(
    desk: Desk, shop: TestDatabase, arguments: tuple[str, ...], code: int, outcome: str, sentence: str
) -> None:
    done = desk.run(*(argument.format(shop.dsn) for argument in arguments), "--json")

    document = told(done)
    assert (document["exit_code"], document["outcome"]) == (code, outcome), done.stderr
    assert sentence in document["problems"][0]
    assert sentence in done.stderr
    assert shop.password not in done.stdout + done.stderr


def test_an_exemption_is_taken_back_without_an_end(desk: Desk) -> None:
    done = desk.run("exempt", "x", "--remove", "--until", "9d")

    assert (done.returncode, done.stdout) == (2, "")
    assert "leave --until and --reason out" in done.stderr


def test_a_run_on_neon_says_its_ending_too(small_warden: Warden) -> None:
    small_warden.prepare()
    ahead = told(small_warden.run("sanitize", "--dry-run", "--json"))
    text = small_warden.policy.read_text()
    small_warden.policy.write_text(text.replace('email = "email"', ""))
    refused = told(small_warden.run("sanitize", "--json"))

    assert (ahead["exit_code"], ahead["outcome"]) == (0, "clean")
    assert (refused["exit_code"], refused["outcome"]) == (5, "refused")
    assert any("email" in problem for problem in refused["problems"])
