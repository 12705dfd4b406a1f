"""Values of every base type, encrypted in text columns that are made for them: there and back by the real command."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from daemon.keys import required_keyring
from sanitizers.fields.cipher import Context
from sanitizers.fields.opened import open_rows
from tests.fix_plain import Desk
from tests.fix_postgres import TestDatabase
from tests.integration.test_fields_postgres import VALUES

LONGEST = max(map(len, VALUES.values()))


@pytest.fixture
def sealing(make_database: Callable[[], TestDatabase], desk: Desk) -> TestDatabase:
    """A table with a column of every base type and a text column beside each; the policy moves the values there."""
    database = make_database()
    assert desk.run("keys", "new", "--kind", "field").returncode == 0
    columns = ", ".join(f"v{n} {type_}, s{n} text" for n, type_ in enumerate(VALUES))
    names = ", ".join(f"v{n}" for n in range(len(VALUES)))
    casts = ", ".join(f"%s::{type_}" for type_ in VALUES)
    with psycopg.connect(database.dsn) as conn:
        conn.execute(f"CREATE TABLE vault (id int PRIMARY KEY, {columns})".encode())
        for row in range(LONGEST + 1):
            given = [values[row] if row < len(values) else None for values in VALUES.values()]
            conn.execute(f"INSERT INTO vault (id, {names}) VALUES ({row}, {casts})".encode(), given)
    lines = [f'v{n} = "null"\ns{n} = {{ strategy = "encrypt", of = "v{n}" }}' for n in range(len(VALUES))]
    head = f'version = 1\nreviewed_by = "A"\nreviewed_on = 2026-11-21\n[{database.name}.public.vault]\nid = "keep"'
    desk.decide("\n".join([head, *lines, ""]))
    return database


def shown(dsn: str, column: str, type_: str) -> list[str | None]:
    """A column's values as a new one of the type shows them after COPY, blanks that fill up a char(n) among them."""
    with psycopg.connect(dsn) as conn:
        return [v for (v,) in conn.execute(f"SELECT {column}::{type_}::text FROM vault ORDER BY id".encode())]


@pytest.mark.parametrize("mode", ["clean-room", "in-place"])
def test_values_of_every_base_type_come_back(
    mode: str, desk: Desk, sealing: TestDatabase, make_database: Callable[[], TestDatabase]
) -> None:
    before = {n: shown(sealing.dsn, f"v{n}", type_) for n, type_ in enumerate(VALUES)}
    target = sealing if mode == "in-place" else make_database()
    two = ("--source", sealing.dsn, "--target", target.dsn)

    done = desk.run("sanitize", *(two if mode == "clean-room" else ("--in-place", target.dsn, "--yes")))

    assert done.returncode == 0, done.stderr
    ring = required_keyring(desk.folder / "keys")
    for n, type_ in enumerate(VALUES):
        with psycopg.connect(target.dsn) as conn:
            with conn.cursor().copy(f"COPY (SELECT s{n} FROM vault ORDER BY id) TO STDOUT".encode()) as out:
                sealed = b"".join(map(bytes, out))
            opened = b"".join(open_rows([sealed], (1, 0), Context("public", "vault", f"s{n}"), ring))
            conn.execute(f"CREATE TEMP TABLE opened (n serial, v {type_})".encode())
            with conn.cursor().copy("COPY opened (v) FROM STDIN") as into:
                into.write(opened)
            assert before[n] == [v for (v,) in conn.execute("SELECT v::text FROM opened ORDER BY n")], type_
            assert conn.execute(f"SELECT count(v{n}) FROM vault".encode()).fetchone() == (0,)
