"""Whatever a run and a check leave behind, searched for values of rows: files, events, alerts, pages, JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fix_daemon import Warden
from tests.fix_plain import Desk, execute
from tests.fix_postgres import TestDatabase

CANARIES = ("zqfirst", "zqlast", "zq-original", "0049-zq")
PLANTED = "zq7@zq-original.test"


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, with what is in it."""
    yield from ((str(path), path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def stored(state: Path) -> Iterator[tuple[str, bytes]]:
    """Every row of the state store as text: compression or pages do not hide it."""
    with sqlite3.connect(state) as store:
        for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = store.execute(f"SELECT * FROM {table}").fetchall()  # names of our own tables
            yield f"table {table}", repr(rows).encode()


def holding(artefacts: Iterator[tuple[str, bytes]]) -> list[str]:
    """Names of those that hold a canary, or the masking key."""
    return [name for name, data in artefacts if any(canary.encode() in data.lower() for canary in CANARIES)]


def test_nothing_that_a_run_on_neon_leaves_holds_a_value(sanitized: Warden) -> None:
    """The ledger with its events, outbox and attestation, the policy, and what the commands say of the branch."""
    said = [
        sanitized.run("verify", "staging", "--html", "report.html", "--full"),
        sanitized.run("verify", "staging", "--json"),
        sanitized.run("events", "--json"),
        sanitized.run("explain", "staging"),
        sanitized.run("outbox", "--all", "--json"),
    ]

    assert [done.returncode for done in said] == [3, 3, 0, 0, 0]
    assert holding((" ".join(done.args), (done.stdout + done.stderr).encode()) for done in said) == []
    assert holding(written(sanitized.folder)) == []
    assert holding(stored(sanitized.state)) == []
    key = next((sanitized.folder / "keys").glob("masking-*")).read_bytes().strip()
    elsewhere = [path for path, data in written(sanitized.folder) if key in data and "/keys/" not in path]
    assert elsewhere == []


def test_nothing_that_finds_a_residue_quotes_it(
    desk: Desk, shop: TestDatabase, make_database: Callable[[], TestDatabase]
) -> None:
    """A residue on every road that can be planted at once, and the copy that a run then refuses."""
    target = make_database()
    assert desk.run("sanitize", "--source", shop.dsn, "--target", target.dsn).returncode == 0
    execute(
        target.dsn,
        f"""INSERT INTO notes VALUES (21, 1, '{PLANTED}'), (22, 1, 'ask {PLANTED} or call +30 6912345678');
        COMMENT ON TABLE notes IS '{PLANTED}';
        ALTER TABLE notes ADD CHECK (body <> '{PLANTED}') NOT VALID;
        UPDATE people SET name = 'Zqfirst Zqlast7' WHERE id = 7;
        CREATE TABLE _pynonymizer_seed AS SELECT '{PLANTED}'::text AS v FROM generate_series(1, 40); ANALYZE;
        SELECT lo_from_bytea(0, '{PLANTED}')""",
    )
    execute(shop.dsn, f"INSERT INTO notes VALUES (30, 1, '{PLANTED}')")

    found = desk.run("verify", "--dsn", target.dsn, "--source", shop.dsn, "--html", "report.html", "--json", "--full")
    other = make_database()
    refused = desk.run("sanitize", "--source", shop.dsn, "--target", other.dsn, "--json")

    assert (found.returncode, refused.returncode) == (1, 5), found.stderr + refused.stderr
    printed = ((name, (done.stdout + done.stderr).encode()) for name, done in (("verify", found), ("run", refused)))
    assert holding(printed) == []
    assert holding(written(desk.folder)) == []
