"""Runs that pass, fail and are killed over tables full of canaries: none is in anything that they leave or cause."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from daemon.neon import Login
from emulator.postgres import SUPERUSER, Server
from emulator.server import Emulator, Tuning, running
from tests.canaries import CANARIES, CORES, PLANT, PLANT_MASKED, POLICY, ROWS, Haul
from tests.fix_daemon import Warden, wait_until
from tests.fix_plain import Desk, rows
from tests.fix_postgres import OWNER, TestDatabase, fresh_database, make_talkative
from tests.fix_receiver import Receiver, receiving

SILENT = "-c log_statement=none -c log_min_error_statement=panic -c log_min_messages=panic"
SNAIL = """
CREATE TABLE snails (id int PRIMARY KEY, name text);
INSERT INTO snails SELECT n, 'Zqnäme&Co Zqsnail' || n FROM generate_series(1, 30) AS n;
CREATE FUNCTION snail(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(0.1); RETURN $1; END';
ALTER TABLE snails ADD COLUMN slow int GENERATED ALWAYS AS (snail(id)) STORED;
"""
PROJECT = """[project]
name = "canaries"
pg_version = 18
subscription_type = "launch_v3"
created = "90d"
[[branches]]
name = "production"
default = true
created = "90d"
roles = ["neondb_owner"]
databases = [{ name = "neondb", sql = ["rows.sql"] }]
"""
SNAILS = """[{0}.public.snails]
id = "keep"
name = "full_name"
"""
BEGUN = "SELECT to_regclass('branchwarden_journal.done') IS NOT NULL"
ALONE = "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
JOURNAL_FILES = """
SELECT pg_read_binary_file(pg_relation_filepath(c.oid)) FROM pg_class c
WHERE c.relnamespace = 'branchwarden_journal'::regnamespace AND pg_relation_filenode(c.oid) IS NOT NULL
"""
PEOPLE_DONE = "SELECT count(*) = 2 FROM branchwarden_journal.done WHERE name IN ('people', 'notes')"


@pytest.fixture
def talkative_neon(fresh_folder: Path, tmp_path: Path) -> Iterator[Emulator]:
    """A Neon whose servers do, those of branches to come as well."""
    seed, data, tuning = tmp_path / "seed", fresh_folder / "neon", Tuning(templates=fresh_folder, housekeeping=0.2)
    seed.mkdir()
    (seed / "rows.sql").write_text(ROWS)
    (seed / "project.toml").write_text(PROJECT)
    with running(seed, data=data, tuning=tuning):
        pass
    for cluster in (*fresh_folder.glob("template-*"), *(data / "branches").iterdir()):
        make_talkative(cluster)
    with running(data=data, tuning=tuning) as neon:
        yield neon


def _silently(dsn: str, script: str) -> None:
    """What the test itself does must not be in the logs that it searches."""
    with psycopg.connect(dsn, options=SILENT) as conn:
        conn.execute(script.encode())


@pytest.mark.slow
def test_no_canary_is_in_anything_that_runs_on_neon_leave_or_cause(talkative_neon: Emulator, tmp_path: Path) -> None:
    haul, warden = Haul(), Warden(talkative_neon, tmp_path / "warden")
    warden.folder.mkdir()
    with receiving() as receiver, _daemon(warden, receiver) as (process, base):
        _pass_on_neon(warden, haul)
        _fail_on_neon(warden, haul, base)
        process.send_signal(signal.SIGTERM)
        haul.take("log of the daemon", process.communicate(timeout=60)[1])
    haul.take("alerts", repr(receiver.asked))
    _take_files(warden.folder, haul)
    sockets = Path((talkative_neon.folder / "sockets").read_text())
    haul.take("log of the server", b"".join(path.read_bytes() for path in sorted(sockets.glob("*.log"))))

    assert b"sanitize.failed" in haul.artefacts["events"]
    assert b"failed" in haul.artefacts["alerts"]
    assert b'"event": "cycle"' in haul.artefacts["log of the daemon"]
    assert b"set_config" in haul.artefacts["log of the server"], "they do log statements"
    _nothing_in(haul)


@pytest.mark.slow
def test_no_canary_is_in_anything_that_runs_on_plain_postgres_leave_or_cause(
    talkative_server: Server, desk: Desk, owner_password: str
) -> None:
    haul = Haul()
    source, target, in_place = (fresh_database(talkative_server, owner_password) for _ in range(3))
    assert desk.run("keys", "new", "--kind", "field").returncode == 0
    _silently(source.admin_dsn, f"SET ROLE {OWNER}; {ROWS}")
    _silently(in_place.admin_dsn, f"SET ROLE {OWNER}; {ROWS} {SNAIL} {PLANT}")

    _copy_and_verify(desk, source, target, haul)
    _kill_in_place(desk, in_place, haul)

    _take_files(desk.folder, haul)
    haul.take("log of the server", talkative_server.log.read_bytes())
    assert b"set_config" in haul.artefacts["log of the server"], "it does log statements"
    assert b"COPY branchwarden_journal.original" in haul.artefacts["journal of the killed run"]
    _nothing_in(haul)
    dumped = talkative_server.binaries.run("pg_dump", f"--dbname={source.admin_dsn}").encode()
    assert CANARIES.found_in(dumped) == set(CORES), "in the source all are found"


def _pass_on_neon(warden: Warden, haul: Haul) -> None:
    """A run by hand that the daemon takes over, and all that looks at what it made."""
    warden.policy.write_text(POLICY.format("neondb"))
    for arguments in (("keys", "new"), ("keys", "new", "--kind", "field")):
        assert haul.said("keys", warden.run(*arguments)).returncode == 0
    for command in (("detect",), ("plan",), ("sanitize", "--dry-run"), ("config", "check", "--all")):
        haul.said(command[0], warden.run(*command))
    done = haul.said("sanitize", warden.run("sanitize"))
    assert done.returncode == 0, done.stderr
    (attestation,) = (warden.folder / "attestations").iterdir()
    assert haul.said("verify", warden.run("verify", "staging", "--html", "good.html", "--full")).returncode == 3
    assert haul.said("verify", warden.run("verify", "staging", "--json")).returncode == 3
    assert haul.said("attestation", warden.run("verify", "--attestation", str(attestation))).returncode == 0
    uri = warden.run("connect", "staging").stdout.strip()
    for at in ("public.people.name", "public.people.colour"):
        _misread(warden.run("decrypt", "--at", "public.people.diagnosis", "--column", at, "--dsn", uri), haul)
    haul.said("status", warden.run("status"))


def _fail_on_neon(warden: Warden, haul: Haul, base: str) -> None:
    """A residue in what is published, and one that the next run meets."""
    _silently(_as_superuser(warden, "staging"), PLANT_MASKED)
    found = haul.said("verify", warden.run("verify", "staging", "--html", "bad.html", "--json", "--full"))
    assert found.returncode == 1, found.stderr
    assert "public.people.email" in found.stdout
    _silently(_as_superuser(warden, "production"), PLANT)
    failed = haul.said("sanitize", warden.run("sanitize"))
    assert failed.returncode == 5
    _look(warden, haul, base)


def _look(warden: Warden, haul: Haul, base: str) -> None:
    """All that tells of runs."""
    names = (("status",), ("tree",), ("explain", "staging"), ("events",), ("outbox", "--all"), ("doctor",))
    for command in names:
        haul.said(command[0], warden.run(*command))
        haul.said(command[0], warden.run(*command, "--json"))
    for page in ("livez", "readyz", "metrics"):
        haul.take(page, httpx.get(f"{base}/{page}").content)


def _as_superuser(warden: Warden, name: str) -> str:
    with warden.client() as client:
        branch = next(b for b in client.list_branches(warden.project_id) if b.name == name)
        uri = client.connection_uri(warden.project_id, Login(branch.id, "neondb", OWNER))
    with psycopg.connect(uri) as conn:
        row = conn.execute("SELECT current_setting('port'), current_setting('unix_socket_directories')").fetchone()
    assert row
    return make_conninfo("", host=row[1], port=row[0], user=SUPERUSER, dbname="neondb")


def _misread(done: subprocess.CompletedProcess[str], haul: Haul) -> None:
    assert done.returncode == 2
    haul.said("decrypt", done)


def _copy_and_verify(desk: Desk, source: TestDatabase, target: TestDatabase, haul: Haul) -> None:
    """A copy that passes, then a residue in it; and tokens that do not open."""
    desk.decide(POLICY.format(source.name))
    done = haul.said("copy", desk.run("sanitize", "--source", source.dsn, "--target", target.dsn, "--json"))
    assert done.returncode == 0, done.stderr
    there = ("--dsn", target.dsn, "--source", source.dsn)
    assert haul.said("verify", desk.run("verify", *there, "--html", "good.html", "--json")).returncode in {0, 3}
    (attestation,) = (desk.folder / "attestations").iterdir()
    checked = desk.run("verify", "--attestation", str(attestation), "--dsn", target.dsn)
    assert haul.said("attestation", checked).returncode in {0, 3}, checked.stderr
    _silently(target.admin_dsn, PLANT)
    found = haul.said("verify", desk.run("verify", *there, "--html", "bad.html", "--full"))
    assert found.returncode == 1, found.stderr
    assert "public.lines.line" in found.stdout
    _decrypt_wrongly(desk, target, haul)


def _decrypt_wrongly(desk: Desk, target: TestDatabase, haul: Haul) -> None:
    right, wrong = "public.people.diagnosis", "public.people.name"
    [(token,)] = rows(target.dsn, "SELECT diagnosis FROM people WHERE id = 1")
    assert "zqailments" in desk.run("decrypt", "--at", right, token).stdout, "it does open"
    (key,) = (desk.folder / "keys").glob("field-*")
    other = desk.folder / "other"
    other.mkdir(mode=0o700)
    (other / key.name).touch(0o600)
    (other / key.name).write_text(next((desk.folder / "keys").glob("masking-*")).read_text())
    _misread(desk.run("decrypt", "--at", wrong, token), haul)
    _misread(desk.run("decrypt", "--at", right, token[:-4] + "AAAA"), haul)
    _misread(desk.run("decrypt", "--at", right, token, "--keys", "other"), haul)
    _misread(desk.run("decrypt", "--at", right, "--dsn", target.dsn, "--column", "public.people.colour"), haul)
    _misread(desk.run("decrypt", "--at", right, "--field", "2", typed="1\tzqailments 1\n"), haul)


def _kill_in_place(desk: Desk, database: TestDatabase, haul: Haul) -> None:
    """A run that is killed between two transactions; the one that goes on finds the residue."""
    desk.decide(POLICY.format(database.name) + SNAILS.format(database.name))
    with desk.start("sanitize", "--in-place", database.dsn, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(f"{database.name}\n")
        process.stdin.flush()
        for query in (BEGUN, PEOPLE_DONE):
            wait_until(lambda query=query: process.poll() is not None or rows(database.admin_dsn, query)[0][0])  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        out, err = process.communicate()
    haul.take("killed run", out + err)
    wait_until(lambda: rows(database.admin_dsn, ALONE)[0][0])
    haul.take("journal of the killed run", _journal(database))
    done = haul.said("in place", desk.run("sanitize", "--in-place", database.dsn, "--yes", "--json"))
    assert done.returncode == 5, done.stderr
    assert "public.lines.line" in done.stdout + done.stderr
    haul.take("journal of the failed run", _journal(database))
    haul.said("verify", desk.run("verify", "--dsn", database.dsn, "--html", "in-place.html", "--json"))


def _journal(database: TestDatabase) -> bytes:
    """What a dump has of it, and the octets of its files."""
    dump = database.server.binaries.run("pg_dump", f"--dbname={database.admin_dsn}", "--schema=branchwarden_journal")
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        conn.execute("CHECKPOINT")
        files = conn.execute(JOURNAL_FILES).fetchall()
    return dump.encode() + b"".join(octets for (octets,) in files)


def _take_files(folder: Path, haul: Haul) -> None:
    """All but keys, the policy (its author has written values into it) and locks."""
    for path in folder.rglob("*"):
        own = path.parent.name in {"keys", "other"} or path.name == "masking.toml" or path.suffix == ".lock"
        if path.is_file() and not own:
            haul.take("state" if path.name.startswith("state.db") else path.name, path.read_bytes())
    for path in (folder / "attestations").iterdir():
        haul.take("statements", b64decode(json.loads(path.read_bytes())["payload"]))


@contextmanager
def _daemon(warden: Warden, receiver: Receiver) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    warden.extra.update(BRANCHWARDEN_HTTP__PORT=str(port), BRANCHWARDEN_ALERTS__WEBHOOK_URL=receiver.url)
    process = warden.start("run")
    try:
        wait_until(lambda: process.poll() is not None or _is_ready(base))
        yield process, base
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _is_ready(base: str) -> bool:
    try:
        return httpx.get(f"{base}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _nothing_in(haul: Haul) -> None:
    assert haul.empty() == []
    assert haul.blind(CANARIES) == []
    assert haul.holding(CANARIES) == {"log of the server": {"kept by its value"}}, (
        "a policy's own words stand in statements, and nothing else anywhere"
    )
