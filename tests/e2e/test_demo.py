"""`demo`: the whole job on real Postgres, and a staging branch in which nothing of the originals is left."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql

from daemon.neon import Login
from emulator.postgres import Server
from emulator.server import Emulator, Tuning, running
from tests.fix_daemon import ROOT, Warden, wait_until

# In the demo's own words: what every original has and no pool can produce.
EMAILS, PHONES, NAMES = "email", "phone", "name"


@dataclass(frozen=True)
class Sanitized:
    """The demo's project with a published staging branch, and the originals of production."""

    warden: Warden
    staging_id: str
    uris: dict[str, str]
    originals: dict[str, frozenset[str]]


@pytest.fixture(scope="module")
def own_demo(templates: Path) -> Iterator[Emulator]:
    with running("demo", tuning=Tuning(templates=templates)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def sanitized(own_demo: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Sanitized:
    warden = Warden(own_demo, tmp_path_factory.mktemp("demo"))
    warden.prepare()
    with warden.client() as client:
        production = next(b for b in client.list_branches(warden.project_id) if b.default)
        uri = client.connection_uri(warden.project_id, Login(production.id, "neondb", "neondb_owner"))
        support = client.connection_uri(warden.project_id, Login(production.id, "support", "neondb_owner"))
    originals = _originals(uri, support)
    done = warden.run("sanitize")
    assert done.returncode == 0, done.stderr
    with warden.client() as client:
        staging = next(b for b in client.list_branches(warden.project_id) if b.name == "staging")
    uris = {name: warden.run("connect", "staging", "--database", name).stdout.strip() for name in ("neondb", "support")}
    return Sanitized(warden, staging.id, uris, originals)


def _originals(uri: str, support: str) -> dict[str, frozenset[str]]:
    """Read from production by the test alone; branchwarden never connects there."""
    with psycopg.connect(uri) as conn, psycopg.connect(support) as other:
        names = "SELECT first_name || ' ' || last_name FROM customers UNION SELECT full_name FROM employees"
        emails = "SELECT email FROM customers UNION SELECT work_email FROM employees"
        found = {
            EMAILS: {row[0] for row in conn.execute(emails)},
            PHONES: {row[0] for row in conn.execute("SELECT phone FROM customers WHERE phone IS NOT NULL")},
            NAMES: {row[0] for row in conn.execute(names)},
        }
        found[EMAILS] |= {row[0] for row in other.execute("SELECT reporter_email FROM tickets")}
        found[NAMES] |= {row[0] for row in other.execute("SELECT reporter_name FROM tickets")}
    return {kind: frozenset(v for v in values if v) for kind, values in found.items()}


def test_the_originals_searched_for_are_many(sanitized: Sanitized) -> None:
    assert {kind: len(values) > 1000 for kind, values in sanitized.originals.items()} == {
        EMAILS: True,
        PHONES: True,
        NAMES: True,
    }


def test_no_original_is_in_any_column_of_any_table(sanitized: Sanitized) -> None:
    everything = frozenset().union(*sanitized.originals.values())
    texts = {uri: _every_text(uri) for uri in sanitized.uris.values()}

    assert sum(len(found) for found in texts.values()) > 10_000
    words = re.compile(r"[^\s\"(){},]+")
    for found in texts.values():
        blob = "\x00".join(found)
        present = set(words.findall(blob))
        assert [value for value in everything if value in present] == []
        assert [value for value in everything if " " in value and value in blob] == []


def _every_text(uri: str) -> list[str]:
    with psycopg.connect(uri) as conn:
        tables = conn.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
        ).fetchall()
        rows = [
            row[0]
            for table in tables
            for row in conn.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(*table)))
        ]
        return rows + [row[0] for row in conn.execute("SELECT s::text FROM pg_stats s")]


def test_no_original_is_in_any_byte_of_the_data_directory(sanitized: Sanitized, tmp_path: Path) -> None:
    """TOAST and WAL compression are off in the emulator, so bytes are what they look like."""
    with psycopg.connect(sanitized.uris["neondb"]) as conn:
        assert conn.execute("SHOW wal_compression").fetchone() == ("off",)
    _suspend(sanitized)  # a running server makes and removes files under the search
    folder = sanitized.warden.neon.branch_folder(sanitized.staging_id)
    files = [path for path in folder.rglob("*") if path.is_file()]

    assert [path for path in files if "pg_wal" in path.parts], "the WAL is looked at, too"
    assert sum(path.stat().st_size for path in files) > 10_000_000
    assert _files_with_originals(folder, sanitized, tmp_path) == []


def _files_with_originals(folder: Path, sanitized: Sanitized, scratch: Path) -> list[str]:
    """Names of the files that hold any original as bytes. grep searches for thousands of words at once."""
    words = scratch / "originals"
    words.write_text("".join(f"{value}\n" for values in sanitized.originals.values() for value in sorted(values)))
    command = ["grep", "-r", "-l", "-a", "-F", "-f", str(words), str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    assert found.returncode in {0, 1}, found.stderr
    return found.stdout.splitlines()


def _suspend(sanitized: Sanitized) -> None:
    warden = sanitized.warden
    with warden.client() as client:
        (endpoint,) = client.list_endpoints(warden.project_id, sanitized.staging_id)
        url = f"{warden.neon.base_url}/projects/{warden.project_id}/endpoints/{endpoint.id}/suspend"
        answer = httpx.post(url, headers={"Authorization": f"Bearer {warden.neon.api_key}"})
        assert answer.is_success, answer.text
        wait_until(lambda: client.list_endpoints(warden.project_id, sanitized.staging_id)[0].state == "idle")
    pid_file = warden.neon.branch_folder(sanitized.staging_id) / "postmaster.pid"
    wait_until(lambda: not pid_file.exists())


def test_the_same_search_finds_the_originals_where_they_are(sanitized: Sanitized, tmp_path: Path) -> None:
    """The search can fail: in production it finds what it looks for."""
    with sanitized.warden.client() as client:
        production = next(b for b in client.list_branches(sanitized.warden.project_id) if b.default)
    folder = sanitized.warden.neon.branch_folder(production.id)

    found = _files_with_originals(folder, sanitized, tmp_path)

    assert len([name for name in found if "/base/" in name]) > 2
    assert [name for name in found if "/pg_wal/" in name]


def test_joins_hold_and_emails_are_unique_and_reserved(sanitized: Sanitized) -> None:
    with psycopg.connect(sanitized.uris["neondb"]) as conn:
        customers, emails = conn.execute("SELECT count(*), count(DISTINCT email) FROM customers").fetchone() or (0, 0)
        orphans = conn.execute(
            "SELECT count(*) FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE c.id IS NULL"
        ).fetchone()
        foreign = conn.execute("SELECT count(*) FROM customers WHERE email !~ '@example[.](com|org|net)$'").fetchone()

    assert customers > 1000
    assert emails == customers
    assert orphans == (0,)
    assert foreign == (0,)


def test_names_and_addresses_of_a_row_are_those_of_one_person(sanitized: Sanitized) -> None:
    people = {
        "neondb": "SELECT first_name || ' ' || last_name, email FROM customers"
        " UNION ALL SELECT full_name, work_email FROM employees",
        "support": "SELECT reporter_name, reporter_email FROM tickets",
    }
    for database, query in people.items():
        with psycopg.connect(sanitized.uris[database]) as conn:
            rows = conn.execute(query).fetchall()

        plain = [(name.lower().split(), email) for name, email in rows if re.fullmatch("[A-Za-z]+ [A-Za-z]+", name)]
        assert len(plain) > len(rows) / 2
        assert [name for name, _ in plain] == [email.split(".")[:2] for _, email in plain]


def test_psql_connects_with_the_details_that_connect_prints(sanitized: Sanitized, postgres: Server) -> None:
    psql = postgres.binaries.program("psql")
    done = subprocess.run(
        [psql, sanitized.uris["neondb"], "-Atc", "SELECT count(*) FROM customers"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) > 1000


@pytest.mark.slow
def test_the_demo_command_goes_through_the_whole_pipe(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "demo"],
        cwd=tmp_path,
        env={**os.environ, "NEON_API_KEY": "napi_must_not_be_used", "BRANCHWARDEN_PROJECT": "not-this-one"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    for words in ("raw-dev-branch", "past-deletion-date", "staging", "is published", "hash chain intact", "Slack"):
        assert words in done.stdout
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    real = {_normal(line) for line in (done.stdout + done.stderr).splitlines()}
    shown = _readme_lines()
    assert len(shown) > 20
    assert [line for line in shown if _normal(line) not in real] == [], "the README shows what the demo really prints"


def _readme_lines() -> list[str]:
    block = (ROOT / "README.md").read_text().partition("$ make demo\n")[2].partition("```")[0]
    return [line for line in block.splitlines() if line.strip() not in {"", "..."}]


def _normal(line: str) -> str:
    """Without what differs from run to run: numbers, ids, and the fakes, which hang on a new key."""
    if re.match(r"(staging|production) {2,}\w+ {2,}\w+ ", line):
        return line.split(maxsplit=1)[0]
    plain = re.sub(r"\b(br-)?[a-z]+-[a-z]+-[a-z0-9]{8}\b", "ID", line.rstrip())
    return re.sub(r" +", " ", re.sub(r"\d+", "#", plain)).replace("#,#", "#")
