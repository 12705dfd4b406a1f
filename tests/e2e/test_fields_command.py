"""`encrypt` in the policy, through the real command: there, and back for those who hold the key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import psycopg
import pytest

from daemon.keys import required_keyring
from sanitizers.fields.cipher import Context
from sanitizers.fields.opened import open_rows
from tests.fix_plain import Desk, execute, rows
from tests.fix_postgres import TestDatabase

MakeDatabase = Callable[[], TestDatabase]

VALUES = {
    "t": ("text", ["", " ", "\\N", "a\tb\r\nc\\", "e\u0301 \u00e9 \U0001f600 漢字", "\x01\x7f", "NULL", "x" * 9000]),
    "v": ("varchar(500)", ["äöü", ""]),
    "c": ("char(500)", ["pad"]),
    "j": ("json", ['{"a":1, "a":2, "n":1e400, "u":"\\u0000"}', " null ", '"bw1d"']),
    "b": ("jsonb", ['{"a": [1, {"b": "x\\"y\\\\z"}], "": null}', "3"]),
    "o": ("bytea", ["\\x", "\\x00ff5c0a09"]),
    "l": ("text[]", ["{}", '{a,NULL,"NULL","","a,b","q\\"u\\\\"}', "[0:1]={x,y}", "{{a,b},{c,d}}"]),
    "k": ("jsonb[]", ['{"{\\"a\\": 1}",NULL}']),
    "p": ("bytea[]", ['{"\\\\x00ff"}']),
}
"""What can hold a token, and values of it: as Postgres takes and gives them."""


@pytest.fixture
def vault(make_database: MakeDatabase, desk: Desk) -> TestDatabase:
    """A table with a column of every type that can hold a token, and a policy that encrypts them all."""
    database = make_database()
    assert desk.run("keys", "new", "--kind", "field").returncode == 0
    columns = ", ".join(f"{name} {type_}" for name, (type_, _) in VALUES.items())
    with psycopg.connect(database.dsn) as conn:
        conn.execute(f"CREATE TABLE vault (id int PRIMARY KEY, {columns})".encode())
        for number in range(10):
            given = [values[number] if number < len(values) else None for _, values in VALUES.values()]
            casts = ", ".join(f"%s::{type_}" for type_, _ in VALUES.values())
            conn.execute(f"INSERT INTO vault VALUES ({number}, {casts})".encode(), given)
    modes = [f"deterministic = {str(number % 2 == 0).lower()}" for number in range(len(VALUES))]
    lines = [f'{name} = {{ strategy = "encrypt", {mode} }}' for name, mode in zip(VALUES, modes, strict=True)]
    head = f'version = 1\nreviewed_by = "A"\nreviewed_on = 2026-11-21\n[{database.name}.public.vault]\nid = "keep"'
    desk.decide("\n".join([head, *lines, ""]))
    return database


def texts(dsn: str, name: str) -> list[str | None]:
    return [text for (text,) in rows(dsn, f"SELECT {name}::text FROM vault ORDER BY id")]


def come_back(desk: Desk, dsn: str, originals: dict[str, list[str | None]]) -> None:
    """Every column opens, two of them by the command itself."""
    ring = required_keyring(desk.folder / "keys")
    for name, (type_, _) in VALUES.items():
        sealed = copied(dsn, f"SELECT {name} FROM vault ORDER BY id")
        opened = b"".join(open_rows([sealed], (1, 0), Context("public", "vault", name), ring))
        assert originals[name] == pasted(dsn, type_, opened)
        assert sealed.count(b"\\N\n") == sum(text is None for text in originals[name])
        if name in {"t", "p"}:
            done = desk.run("decrypt", "--at", f"public.vault.{name}", "--dsn", dsn)
            assert done.returncode == 0, done.stderr
            assert opened == b"".join(line.split(b"\t", 1)[1] + b"\n" for line in done.stdout.encode().splitlines())


def copied(dsn: str, query: str) -> bytes:
    with psycopg.connect(dsn) as conn, conn.cursor().copy(f"COPY ({query}) TO STDOUT".encode()) as out:
        return b"".join(map(bytes, out))


def pasted(dsn: str, type_: str, lines: bytes) -> list[str | None]:
    """What a column of that type makes of the rows, as text."""
    with psycopg.connect(dsn) as conn:
        conn.execute(f"CREATE TEMP TABLE opened (n serial, v {type_})".encode())
        with conn.cursor().copy("COPY opened (v) FROM STDIN") as into:
            into.write(lines)
        return [text for (text,) in conn.execute("SELECT v::text FROM opened ORDER BY n")]


def test_every_value_comes_back_from_a_copy(desk: Desk, vault: TestDatabase, make_database: MakeDatabase) -> None:
    target = make_database()
    originals = {name: texts(vault.dsn, name) for name in VALUES}

    done = desk.run("sanitize", "--source", vault.dsn, "--target", target.dsn, "--json")

    assert done.returncode == 0, done.stderr + done.stdout
    come_back(desk, target.dsn, originals)
    assert attested(desk) == {"id": "kept", **dict.fromkeys(VALUES, "encrypted")}


def attested(desk: Desk) -> dict[str, str]:
    """What the attestation of the one run says of each column."""
    (file,) = (desk.folder / "attestations").iterdir()
    statement = json.loads(base64.b64decode(json.loads(file.read_text())["payload"]))
    tables = [table for database in statement["predicate"]["databases"] for table in database["tables"]]
    return {column["name"]: column["result"] for table in tables for column in table["columns"]}


def test_every_value_comes_back_from_where_it_was_masked(desk: Desk, vault: TestDatabase) -> None:
    originals = {name: texts(vault.dsn, name) for name in VALUES}

    done = desk.run("sanitize", "--in-place", vault.dsn, "--yes", "--json")

    assert done.returncode == 0, done.stderr + done.stdout
    come_back(desk, vault.dsn, originals)


def test_without_a_field_key_a_run_is_refused_before_anything_is_made(
    desk: Desk, vault: TestDatabase, make_database: MakeDatabase
) -> None:
    target = make_database()
    for path in (desk.folder / "keys").glob("field-*"):
        path.unlink()

    done = desk.run("sanitize", "--source", vault.dsn, "--target", target.dsn)

    assert done.returncode == 5
    assert "the policy encrypts 9 columns and there is no field key" in done.stderr
    assert rows(target.dsn, "SELECT count(*) FROM pg_class WHERE relname = 'vault'") == [(0,)]


def test_verify_finds_plaintext_where_the_policy_says_encrypt(
    desk: Desk, vault: TestDatabase, make_database: MakeDatabase
) -> None:
    target = make_database()
    made = desk.run("sanitize", "--source", vault.dsn, "--target", target.dsn)
    assert made.returncode == 0, made.stderr
    verify = ("verify", "--dsn", target.dsn, "--source", vault.dsn, "--json")

    clean = desk.run(*verify)
    execute(target.dsn, "UPDATE vault SET b = '{\"plain\": \"zq-new\"}', t = 'zq-new' WHERE id IN (1, 2)")
    found = desk.run(*verify)

    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert found.returncode == 1
    roads = {road["road"]: road for road in json.loads(found.stdout)["roads"]}
    assert roads["tokens"]["status"] == "FAIL"
    assert [problem.partition(".public.")[2] for problem in roads["tokens"]["problems"]] == [
        "vault.t holds 2 values that are no token, and the policy says encrypt",
        "vault.b holds 2 values that are no token, and the policy says encrypt",
    ]
    assert "zq-new" not in found.stdout + found.stderr
