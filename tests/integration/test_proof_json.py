"""Every string and number of a json document is looked at, whatever the version of Postgres, whatever jsonb refuses."""

from __future__ import annotations

import psycopg
import pytest

from sanitizers.proof.places import Place
from tests.fix_postgres import TestDatabase


@pytest.mark.parametrize("kind", ["json", "old json"])
@pytest.mark.parametrize(
    ("document", "looked_at"),
    [
        ('{"a": "0x5e1024ab", "b": ["ann@corp.test"]}', ["0x5e1024ab", "ann@corp.test", "a", "b"]),
        ('{"hash": "1e1234", "b": {"c": "ann@corp.test"}}', ["1e1234", "ann@corp.test", "hash", "b", "c"]),
        (r'{"a": "C:\\udata", "b": "ann@corp.test"}', [r"c:\udata", "ann@corp.test", "a", "b"]),
        (r'["\ud83d\ude00", "ann@corp.test"]', ["😀", "ann@corp.test"]),
        (r'{"a": "\u0000", "b": ["ann@corp.test", 3021055]}', ["a", r"\u0000", "b", "ann@corp.test", "3021055"]),
        ('{"n": 1e999999, "b": "Ann@corp.test"}', ["n", "1e999999", "b", "ann@corp.test"]),
        (r'"\ud83d, ann"', [r"\ud83d, ann"]),
    ],
)
def test_each_string_and_number_of_a_document_is_looked_at(
    database: TestDatabase, kind: str, document: str, looked_at: list[str]
) -> None:
    with psycopg.connect(database.dsn) as conn:
        conn.execute("CREATE TABLE t (doc json)")
        conn.execute("INSERT INTO t VALUES (%s)", (document,))
        place = Place("public", "t", "doc", kind, only=True, derived=False)

        rows = conn.execute(place.values(keys=True)).fetchall()

    assert sorted(looked_at) == sorted(row[0] for row in rows)
