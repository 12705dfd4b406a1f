"""Encrypted and scrubbed columns on PostgreSQL 14 to 18, by both engines: the same texts, and the values again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from sanitizers.engines.rewrite import RewriteRun, rewrite_database
from sanitizers.engines.stream import CopyRun, copy_database
from sanitizers.fields.cipher import Context
from sanitizers.fields.opened import open_value
from sanitizers.tokens import plaintext_problems
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.fields_case import RING
from tests.integration.stream_case import KEY, connector, make_plan

SCHEMA = """
CREATE TABLE people (k text PRIMARY KEY, name text, doc jsonb, raw bytea, many text[]);
CREATE TABLE notes (id int PRIMARY KEY, k text REFERENCES people, body text);
"""
ROWS = r"""
INSERT INTO people VALUES ('é', 'Anna Meyer', '{"a": [1, "ü"]}', '\x00ff', '[0:1]={a,NULL}');
INSERT INTO people (k) VALUES ('');
INSERT INTO notes VALUES (1, 'é', 'Anna Meyer, anna@corp.test, 10.1.2.3'), (2, '', E'nobody\n'), (3, NULL, NULL);
"""
SEALED = {"strategy": "encrypt", "deterministic": True}
STRATEGIES: dict[str, Any] = {
    "public.people.k": SEALED,
    "public.people.name": "full_name",
    **{f"public.people.{name}": "encrypt" for name in ("doc", "raw", "many")},
    "public.notes.k": SEALED,
    "public.notes.body": "scrub",
}


def filled(database: TestDatabase, script: str) -> TestDatabase:
    with psycopg.connect(database.dsn) as conn:
        conn.execute(script.encode())
    return database


def seen(database: TestDatabase) -> list[Any]:
    """The texts, and what encrypted columns hold, decrypted."""
    with psycopg.connect(database.dsn) as conn:
        assert list(plaintext_problems(conn, make_plan(database, STRATEGIES))) == []
        sealed = conn.execute(
            "SELECT p.k, doc::text, raw::text, many::text FROM people p JOIN notes USING (k) WHERE id = 1"
        )
        opened = [
            open_value(written, Context("public", "people", name), RING)
            for name, written in zip(("k", "doc", "raw", "many"), sealed.fetchall()[0], strict=True)
        ]
        return [opened, conn.execute("SELECT body FROM notes ORDER BY id").fetchall()]


def test_every_version_gives_the_same_texts_and_the_values_again(
    make_database_on: Callable[[int], TestDatabase],
) -> None:
    found = []
    for version in VERSIONS:
        source, target = (filled(make_database_on(version), script) for script in (SCHEMA + ROWS, SCHEMA))
        plan = make_plan(source, STRATEGIES)
        copy_database(CopyRun(connector(source), connector(target), plan, KEY, keyring=RING), lambda _: None)
        rewrite_database(RewriteRun(connector(source), plan, KEY, keyring=RING), lambda _: None)
        found += [seen(target), seen(source)]

    assert found == [found[0]] * len(found)
    opened, bodies = found[0]
    assert [value.decode() for value in opened] == ["é", '{"a": [1, "ü"]}', "\\x00ff", "[0:1]={a,NULL}"]
    assert bodies[1:] == [("nobody\n",), (None,)]
    assert "Anna" not in bodies[0][0]
