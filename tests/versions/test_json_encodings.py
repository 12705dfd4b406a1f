r"""Documents of type json in a database that is not UTF-8: `\u20ac` stands there, and no other type can hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from emulator.postgres import Server
from sanitizers.proof.places import read_columns
from tests.fix_postgres import OWNER
from tests.fix_versions import VERSIONS
from tests.integration.shapes_case import make_plan, rows_of

DOCUMENTS = [
    r'{"mail": "ann\u20ac@corp.test", "x": "bob@corp.test"}',
    r'{"mail": "ann\u00e9@corp.test", "x": "\\u20ac"}',
    r'{"mail": "ann\ud83d\ude00@corp.test"}',
    r'{"mail": "plain@corp.test"}',
]


@contextmanager
def _database(server: Server, encoding: str, password: str) -> Iterator[psycopg.Connection]:
    name = sql.Identifier(f"json_{encoding.lower()}")
    made = "CREATE DATABASE {} OWNER {} ENCODING {} LOCALE 'C' TEMPLATE template0"
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL(made).format(name, sql.Identifier(OWNER), sql.Literal(encoding)))
        dsn = server.dsn(user=OWNER, password=password, dbname=name.as_string().strip('"'))
        try:
            with psycopg.connect(dsn, autocommit=True, client_encoding="UTF8") as conn:
                conn.execute("CREATE SCHEMA own; SET search_path = own")
                yield conn
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _masked(conn: psycopg.Connection, strategy: str) -> list[Any]:
    plan = make_plan(conn, f'[db.own.t]\nid = "keep"\nv = {strategy}')
    return [row["v"] for row in rows_of(conn, plan)]


@pytest.mark.parametrize("encoding", ["LATIN1", "LATIN2", "SQL_ASCII"])
@pytest.mark.parametrize("major", VERSIONS)
def test_documents_are_masked_and_looked_at(
    server_of: Callable[[int], Server], owner_password: str, major: int, encoding: str
) -> None:
    with _database(server_of(major), encoding, owner_password) as conn:
        conn.execute("CREATE TABLE own.t (id int, v json)")
        with conn.cursor() as cursor:
            cursor.executemany("INSERT INTO own.t VALUES (%s, (%s)::text::json)", list(enumerate(DOCUMENTS)))
        (place,) = (p for p in read_columns(conn) if p.column == "v")
        looked_at = {row[0] for row in conn.execute(place.values(keys=True))}

        masked = _masked(conn, '{ strategy = "json", paths = { mail = "email" } }')
        kept = _masked(conn, '{ strategy = "json_only", members = ["mail"] }')

    assert {r"ann\u20ac@corp.test", "bob@corp.test", r"ann\ud83d\ude00@corp.test", "plain@corp.test"} <= looked_at
    assert looked_at & {"anné@corp.test", r"ann\u00e9@corp.test"}
    assert masked[0] is masked[2] is None
    assert "@example." in str(masked[3])
    assert kept[0] == kept[2] == {}
    assert kept[3] == {"mail": "plain@corp.test"}
    assert ("@example." in str(masked[1]), kept[1] == {"mail": "anné@corp.test"}) == (
        (True, True) if encoding == "LATIN1" else (False, False)
    )
