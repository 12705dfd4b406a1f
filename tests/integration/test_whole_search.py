"""A residue is found wherever in a table it stands, in whatever form, and however large the table is."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import LiteralString

import psycopg
import pytest

from sanitizers.proof import originals, whole
from sanitizers.proof.parts import Parts
from sanitizers.proof.places import read_columns
from sanitizers.proof.readers import Group, Question, Readers, Row
from sanitizers.track import Track
from tests.fix_postgres import TestDatabase
from tests.integration.stream_case import Case, make_case

MakeDatabase = Callable[[], TestDatabase]

SHOP = """
CREATE TABLE people (id int PRIMARY KEY, name text, email text, phone text, born date);
CREATE TABLE logs (id int PRIMARY KEY, body text, status text, number bigint, price numeric, seen timestamptz,
  ref uuid, padded char(40), parts text[], doc jsonb, old json, words tsvector) WITH (fillfactor = 30);
INSERT INTO people SELECT n, 'Theodora Zqmeyer' || n, 'zq' || n || '@corp.invalid', '30210' || 5550000 + n,
  date '1970-01-01' + n FROM generate_series(1, 300) n;
INSERT INTO logs SELECT n, 'nothing to see ' || n, 'status ' || n % 3, n, n, '2026-01-01', gen_random_uuid()
FROM generate_series(1, 2000) n;
INSERT INTO people (id, name, email) VALUES (301, '2019-03-04 05:06:07+00', 'b5f1c0de-0000-4000-8000-00000000cafe');
ANALYZE;
"""
MASKED = {"public.people.name": "digest", "public.people.email": "email", "public.people.phone": "phone"}


@pytest.fixture
def shop(make_database: MakeDatabase) -> Case:
    case = make_case(make_database, SHOP, MASKED)
    case.copy()
    return case


def found(case: Case, column: str, of: str) -> tuple[str, ...]:
    database = case.plan.database
    return (f"{database}.public.logs.{column} holds 1 original value of {database}.public.people.{of}",)


def test_it_is_found_in_the_first_row_and_in_the_last(shop: Case) -> None:
    for row, streams in ((1, 1), (2, 3), (1000, 2), (1999, 1), (2000, 3)):
        shop.execute(f"UPDATE logs SET body = CASE id WHEN {row} THEN 'zq7@corp.invalid' ELSE 'nothing' END")

        assert shop.verify(streams=streams).problems == found(shop, "body", "email"), row


@pytest.mark.parametrize(
    ("change", "column", "of"),
    [
        ("body = 'zq7@corp.invalid   '", "body", "email"),
        ("body = E'\\t ZQ7@corp.INVALID\\r\\n'", "body", "email"),
        ("body = E'zq7@corp.invalid\\t'", "body", "email"),
        ("status = 'ZQ7@corp.invalid '", "status", "email"),
        ("padded = 'zq7@corp.invalid'", "padded", "email"),
        ("number = 302105550007", "number", "phone"),
        ("price = 302105550007", "price", "phone"),
        ("seen = '2019-03-04 05:06:07+00'", "seen", "name"),
        ("ref = 'B5F1C0DE-0000-4000-8000-00000000CAFE'", "ref", "email"),
        ("parts = ARRAY['a', NULL, 'Theodora Zqmeyer7']", "parts", "name"),
        ("""doc = '{"a": [{"b": "theodora zqmeyer7"}]}'""", "doc", "name"),
        ("""old = '{"zq7@corp.invalid": 1}'""", "old", "email"),
        ("words = '''zq7@corp.invalid'':1'", "words", "email"),
    ],
)
def test_it_is_found_in_whatever_form(shop: Case, change: str, column: str, of: str) -> None:
    shop.execute(f"UPDATE logs SET {change} WHERE id = 1234")

    assert shop.verify().problems == found(shop, column, of)


@pytest.mark.parametrize("end", ["", r"\n", r"\t "])
def test_it_is_found_in_every_partition(make_database: MakeDatabase, end: str) -> None:
    script = """
    CREATE TABLE people (id int PRIMARY KEY, email text);
    CREATE TABLE logs (id int, body text) PARTITION BY RANGE (id);
    CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (0) TO (100);
    CREATE TABLE logs_2 (body text, more int, id int);
    ALTER TABLE logs_2 DROP more;
    ALTER TABLE logs ATTACH PARTITION logs_2 FOR VALUES FROM (100) TO (200);
    INSERT INTO people SELECT n, 'zq' || n || '@corp.invalid' FROM generate_series(1, 9) n;
    INSERT INTO logs SELECT n, 'nothing ' || n FROM generate_series(1, 199) n;
    """
    case = make_case(make_database, script, {"public.people.email": "email"})
    case.copy()
    case.execute(f"UPDATE logs SET body = 'zq' || id % 100 || E'@corp.invalid{end}' WHERE id IN (1, 102, 103)")

    database = case.plan.database
    assert case.verify().problems == (
        f"{database}.public.logs.body holds 3 original values of {database}.public.people.email",
    )


def test_as_much_is_found_where_the_originals_are_too_many_to_be_kept(
    shop: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(originals, "MOST_KEPT", 10)
    monkeypatch.setattr(whole, "MOST_FOUND", 5)
    shop.execute("UPDATE logs SET body = 'zq' || id || '@corp.invalid' WHERE id BETWEEN 5 AND 8")
    shop.execute("UPDATE logs SET status = 'Theodora Zqmeyer9' WHERE id = 5")

    problems = [problem.partition(" of ")[0] for problem in shop.verify().problems if "logs" in problem]

    name = f"{shop.plan.database}.public.logs"
    assert problems == [f"{name}.body holds 4 original values", f"{name}.status holds 1 original value"]


def test_a_copy_that_is_too_large_is_counted_by_a_sample_and_hides_nothing_else(
    shop: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "MOST_FOUND", 100)
    shop.execute("UPDATE logs SET body = 'zq' || id || '@corp.invalid', status = 'Theodora Zqmeyer' || (1 + id / 300)")

    hits = {
        (hit[0], hit[-1]): int(hit[2]) for problem in shop.verify().problems if (hit := problem.split())[1] == "holds"
    }

    name = shop.plan.database
    body, status = f"{name}.public.logs.body", f"{name}.public.logs.status"
    assert 150 < hits[body, f"{name}.public.people.email"] < 450
    assert hits[status, f"{name}.public.people.name"] == 7


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_the_parts_of_a_table_are_all_of_its_rows_once(shop: Case, size: int) -> None:
    with psycopg.connect(shop.target.dsn) as conn:
        place = next(place for place in read_columns(conn) if str(place) == "public.logs.id")
        parts = list(Parts(conn).of([place], size))
        ids = [
            row[0]
            for (part,) in parts
            for row in conn.execute(b"SELECT t.id FROM " + part.relation.as_bytes(conn) + b" AS t")
        ]

    assert sorted(ids) == list(range(1, 2001))
    assert len(parts) > 1 or size == 1000


def test_each_part_is_asked_once_however_many_sessions_read(shop: Case) -> None:
    counts: list[int] = []

    def take(_: Group, row: Row) -> None:
        counts.append(row[0])

    with psycopg.connect(shop.target.dsn) as one, psycopg.connect(shop.target.dsn) as other:
        readers = Readers([one, other], Track(lambda _: None, Event()))
        places = {n: p for n, p in enumerate(read_columns(one)) if p.column == "body"}
        ask = Question(lambda _, at: _count(at[0].relation.as_string(one)), take, {}, blocks=5)
        readers.read(places, ask)

    assert sum(counts) == 2000
    assert len(counts) > 5


def _count(relation: LiteralString) -> psycopg.sql.Composed:
    return psycopg.sql.SQL("SELECT count(*) FROM {} AS t").format(psycopg.sql.SQL(relation))


def test_nothing_is_made_in_either_database(shop: Case) -> None:
    with psycopg.connect(shop.source.admin_dsn, autocommit=True) as source:
        source.execute(f'REVOKE TEMP ON DATABASE "{shop.source.name}" FROM PUBLIC'.encode())
    with psycopg.connect(shop.target.admin_dsn, autocommit=True) as target:
        target.execute(f'REVOKE TEMP ON DATABASE "{shop.target.name}" FROM PUBLIC'.encode())
    shop.execute("UPDATE logs SET body = 'zq7@corp.invalid' WHERE id = 7")

    assert shop.verify().problems == found(shop, "body", "email")
