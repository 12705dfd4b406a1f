"""`verify` by connection string and on attestations, through the real command."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest
from psycopg import conninfo

from tests.fix_plain import ORIGINAL, Desk, execute
from tests.fix_postgres import TestDatabase

CANARY = f"zq7@{ORIGINAL}.test"


@pytest.fixture
def copied(desk: Desk, shop: TestDatabase, make_database: Callable[[], TestDatabase]) -> TestDatabase:
    target = make_database()
    done = desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn)
    assert done.returncode == 0, done.stderr
    return target


def test_only_a_regular_file_is_read_as_an_attestation(desk: Desk) -> None:
    os.mkfifo(desk.folder / "pipe")

    for name in ("pipe", "attestations", "."):
        (desk.folder / "attestations").mkdir(exist_ok=True)
        done = desk.run("verify", "--attestation", name)
        assert (done.returncode, done.stdout) == (2, "")
        assert "no regular file: name the file of one attestation or key" in done.stderr


def attestation(desk: Desk) -> Path:
    (file,) = (desk.folder / "attestations").iterdir()
    return file


def said(done: CompletedProcess[str]) -> dict[str, str]:
    return {road["road"]: road["status"] for road in json.loads(done.stdout)["roads"]}


def test_a_copy_next_to_its_source_passes_on_every_road(desk: Desk, shop: TestDatabase, copied: TestDatabase) -> None:
    done = desk.run("verify", "--dsn", copied.dsn, "--source", shop.dsn, "--json", "--html", "report.html")

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(said(done).values()) == {"PASS"}
    (remark,) = json.loads(done.stdout)["remarks"]
    assert remark.startswith("not looked at: the server's other databases (")
    assert shop.name in remark
    report = (desk.folder / "report.html").read_text()
    assert "Every road" in report
    assert re.findall(r"(?:src|href)=|url\(|<script|https?://", report) == []
    assert ORIGINAL not in done.stdout + done.stderr + report
    assert "Zqfirst" not in done.stdout + done.stderr + report


def test_a_planted_residue_is_found_with_its_place_and_number(
    desk: Desk, shop: TestDatabase, copied: TestDatabase
) -> None:
    execute(copied.dsn, f"INSERT INTO notes VALUES (21, 1, '{CANARY}')")

    done = desk.run("verify", "--dsn", copied.dsn, "--source", shop.dsn, "--html", "report.html")

    assert done.returncode == 1
    assert "notes.body holds 1 original value of" in done.stdout.replace("\n", "")
    assert ORIGINAL not in done.stdout + done.stderr + (desk.folder / "report.html").read_text()


def test_without_a_source_what_needs_one_is_unknown_and_the_rest_is_looked_at(desk: Desk, copied: TestDatabase) -> None:
    done = desk.run("verify", "--dsn", copied.dsn, "--json")

    assert done.returncode == 3, done.stderr
    found = said(done)
    assert found["columns"] == found["containment"] == found["same-key"] == found["passwords"] == "UNKNOWN"
    assert found["pages"] == found["large-objects"] == found["leftovers"] == found["key"] == "PASS"
    assert json.loads(done.stdout)["outcome"] == "incomplete"


def test_the_masking_key_that_is_looked_for_is_the_attested_one(desk: Desk, copied: TestDatabase) -> None:
    (key,) = (desk.folder / "keys").glob("masking-*.key")
    execute(copied.dsn, f"COMMENT ON TABLE notes IS '{key.read_text().strip()}'")
    assert desk.run("keys", "new").returncode == 0
    command = ("verify", "--dsn", copied.dsn, "--attestation", str(attestation(desk)), "--json")

    assert said(desk.run(*command))["key"] == "FAIL"
    key.unlink()
    assert said(desk.run(*command))["key"] == "UNKNOWN"


def test_an_attestation_is_good_offline_and_a_tampered_or_a_strangers_one_is_not(
    desk: Desk, copied: TestDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = attestation(desk)
    stranger = Desk(tmp_path_factory.mktemp("stranger"))
    (stranger.folder / "own.pem").write_text(desk.run("keys", "public").stdout)
    stranger.run("keys", "new", "--kind", "signing")
    envelope = json.loads(file.read_text())
    envelope["payload"] = envelope["payload"][:-8] + "AAAA" + envelope["payload"][-4:]
    (desk.folder / "tampered.json").write_text(json.dumps(envelope))

    own = desk.run("verify", "--attestation", str(file))
    by_key = stranger.run("verify", "--attestation", str(file), "--public-key", "own.pem")
    tampered = desk.run("verify", "--attestation", "tampered.json")
    unknown = stranger.run("verify", "--attestation", str(file))

    assert (own.returncode, by_key.returncode) == (0, 0), own.stdout + own.stderr
    assert "attestation  PASS" in own.stdout
    assert (tampered.returncode, unknown.returncode) == (1, 1)
    assert "was changed after it was signed" in tampered.stdout
    assert "none of your 1 public key(s) has signed it" in unknown.stdout

    for option in ("--full", "--policy=masking.toml", "--key=keys"):
        idle = desk.run("verify", "--attestation", str(file), option)
        assert (idle.returncode, idle.stdout) == (2, "")
        assert f"{option.partition('=')[0]} speaks of a BRANCH or --dsn" in idle.stderr

    retired = desk.run("keys", "retire", json.loads(file.read_text())["signatures"][0]["keyid"])
    assert retired.returncode == 0, retired.stderr
    past = desk.run("verify", "--attestation", str(file))
    assert past.returncode == 1
    assert "which was retired here: sanitize anew" in past.stdout


def test_without_any_key_to_trust_an_attestation_is_no_finding_but_a_mistake(
    desk: Desk, copied: TestDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Desk(tmp_path_factory.mktemp("stranger"))

    done = stranger.run("verify", "--attestation", str(attestation(desk)))

    assert done.returncode == 2
    assert "no public key to verify with" in done.stderr


def test_an_attestation_is_compared_with_the_database_and_voided_by_what_came_later(
    desk: Desk, shop: TestDatabase, copied: TestDatabase
) -> None:
    command = ("verify", "--dsn", copied.dsn, "--source", shop.dsn, "--attestation", str(attestation(desk)), "--json")
    still = json.loads(desk.run(*command).stdout)["attestation"]
    execute(copied.dsn, "CREATE TABLE pasted (id int, email text)")

    done = desk.run(*command)

    assert still["status"] == "UNKNOWN"
    assert [d["kind"] for d in still["differences"]] == ["unseen"]
    assert done.returncode == 1
    later = json.loads(done.stdout)["attestation"]
    assert later["status"] == "FAIL"
    assert {d["kind"] for d in later["differences"] if d["effect"] == "voids"} == {"catalog", "table"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "there is nothing to look at"),
        (("staging", "--dsn", "postgresql://x"), "not both"),
        (("--source", "postgresql://x", "--attestation", "a.json"), "--source speaks of --dsn"),
        (("--attestation", "missing.json"), "cannot read missing.json"),
    ],
)
def test_options_that_do_not_go_together_are_refused(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    done = desk.run("verify", *arguments)

    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize("change", ["ALTER TABLE notes ADD COLUMN hint text", "CREATE TABLE later (id int)"])
def test_a_catalog_that_the_policy_does_not_fit_any_more_voids_the_attestation(
    desk: Desk, copied: TestDatabase, change: str
) -> None:
    execute(copied.dsn, change)

    done = desk.run("verify", "--dsn", copied.dsn, "--attestation", str(attestation(desk)))

    assert done.returncode == 1, done.stdout + done.stderr
    assert "voids: the catalog of" in done.stdout
    assert "the policy does not fit" in done.stdout
    assert desk.run("verify", "--dsn", copied.dsn).returncode == 2


def test_what_the_role_may_not_read_is_named_with_the_grant(
    desk: Desk, shop: TestDatabase, copied: TestDatabase
) -> None:
    role, secret = f"reader_of_{copied.name}", "zq-reader"
    with psycopg.connect(copied.dsn, autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{secret}'")
        conn.execute("ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
        names = conn.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        others = [name for (name,) in names if name != "people"]
        conn.execute(f"GRANT SELECT ON {', '.join(others)} TO {role}")
    dsn = conninfo.make_conninfo(copied.dsn, user=role, password=secret)

    blind = desk.run("verify", "--dsn", dsn, "--source", shop.dsn)
    execute(copied.dsn, f"GRANT SELECT ON people TO {role}")
    hidden = desk.run("verify", "--dsn", dsn, "--source", shop.dsn)

    assert (blind.returncode, hidden.returncode) == (3, 3), blind.stdout + hidden.stdout
    assert "GRANT SELECT ON people to the role" in " ".join(blind.stdout.split())
    assert "hides rows of notes" in " ".join(hidden.stdout.split())
    execute(copied.dsn, f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}; DROP ROLE {role}")
