"""Nothing of former rows stays behind: in statistics that ANALYZE passes by, in files, in views, under other owners."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping

import psycopg
import pytest

from sanitizers.plan import compile_plan
from sanitizers.policy import MaskingPolicy
from sanitizers.schema import read_schema
from tests.fix_postgres import TestDatabase
from tests.integration.rewrite_case import RewriteCase, make_rewrite_case

MakeOn = Callable[[int], TestDatabase]

PEOPLE = """
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, email varchar(60) NOT NULL UNIQUE, feeling mood NOT NULL,
  seen timestamptz NOT NULL DEFAULT now(), tags text[] NOT NULL, profile jsonb NOT NULL);
CREATE STATISTICS together (mcv) ON name, email FROM people;
INSERT INTO people (id, name, email, feeling, tags, profile)
SELECT n, 'Original ' || n % 5, 'original' || n || '@mail.invalid', 'sad', ARRAY['Original'], '{"was": "Original"}'
FROM generate_series(1, 300) n;
CREATE TABLE visits (id int PRIMARY KEY, person int NOT NULL REFERENCES people, place text);
INSERT INTO visits SELECT n, n, 'Original place ' || n % 7 FROM generate_series(1, 300) n;

ANALYZE
"""


def rows_of(case: RewriteCase, tables: Mapping[str, str], name: str = "keep") -> RewriteCase:
    """The same case with other rows, `none` or a condition by table, and a strategy for the name of people."""
    with psycopg.connect(case.database.dsn) as conn:
        schema = read_schema(conn)
    columns = {t.name: {c.name: {"strategy": "keep"} for c in t.columns} for t in schema.tables}
    columns["people"]["name"] = {"strategy": name}
    rules = [{"match": f"{schema.database}.public.{name}", "rows": rows} for name, rows in tables.items()]
    document = {"version": 1, "tables": rules, "databases": {schema.database: {"public": columns}}}
    policy = MaskingPolicy.model_validate(document)
    return RewriteCase(case.database, compile_plan([schema], policy).databases[0])


def remembered(case: RewriteCase) -> list[str]:
    return [text for text in case.statistics() if "rigina" in text]


@pytest.mark.parametrize("major", [14, 17, 18])
def test_the_statistics_of_a_table_that_loses_all_rows_are_gone(make_database_on: MakeOn, major: int) -> None:
    case = rows_of(make_rewrite_case(make_database_on(major), PEOPLE), {"people": "none", "visits": "none"})
    assert remembered(case)

    case.rewrite()

    assert case.rows("SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM visits)") == [(0,)]
    assert remembered(case) == []


def test_rows_that_are_chosen_by_other_tables_are_chosen_by_the_originals(database: TestDatabase) -> None:
    case = rows_of(make_rewrite_case(database, PEOPLE), {"people": "name = 'Original 3'"}, "full_name")
    before = case.looks()

    case.rewrite()

    assert case.rows("SELECT count(*) FROM people") == [(60,)]
    assert case.rows("SELECT count(*), bool_and(person % 5 = 3) FROM visits") == [(60, True)]
    assert before == case.looks()


def test_the_bytes_of_the_database_hold_no_original(database: TestDatabase) -> None:
    case = make_rewrite_case(
        database,
        PEOPLE.replace("riginal", "zqwx")
        + "; CREATE INDEX by_name ON people (name); CREATE MATERIALIZED VIEW names AS SELECT name FROM people",
        {
            "public.people.name": "full_name",
            "public.people.email": "email",
            "public.people.tags": {"strategy": "constant", "value": "{}"},
            "public.people.profile": {"strategy": "constant", "value": "{}"},
            "public.visits.place": "city",
        },
    )
    folder = (
        database.server.data
        / "base"
        / str(case.rows("SELECT oid FROM pg_database WHERE datname = current_database()")[0][0])
    )

    def found() -> int:
        checkpoint(database)
        return subprocess.run(["grep", "-rqai", "zqwx", folder], check=False).returncode

    assert found() == 0
    case.rewrite()

    assert found() == 1


def checkpoint(database: TestDatabase) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        conn.execute("CHECKPOINT")


def test_an_uncompressed_column_stays_uncompressed(database: TestDatabase) -> None:
    case = make_rewrite_case(
        database,
        "CREATE TABLE files (id int, owner_name text, body text);"
        "ALTER TABLE files ALTER body SET STORAGE EXTERNAL;"
        "INSERT INTO files VALUES (1, 'Original', repeat('x', 100000))",
        {"public.files.owner_name": "full_name"},
    )
    query = "SELECT pg_column_size(body) FROM files"
    before = case.rows(query)

    case.rewrite()

    assert before == case.rows(query) == [(100000,)]


def test_the_parent_of_an_inherited_table_forgets_the_originals_of_its_child(database: TestDatabase) -> None:
    case = make_rewrite_case(
        database,
        "CREATE TABLE parents (id int, name text); CREATE TABLE children () INHERITS (parents);"
        "INSERT INTO children SELECT n, 'Original ' || n % 9 FROM generate_series(1, 200) n\n\nANALYZE",
        {"public.children.name": "full_name"},
    )
    assert [text for text in remembered(case) if text.startswith("parents")]

    case.rewrite()

    assert remembered(case) == []
