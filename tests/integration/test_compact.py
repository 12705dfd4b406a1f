"""In place, the files of tables that are kept hold no dropped column and no deleted row either."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest

from daemon.plain.outlook import Wish, look_ahead
from daemon.plain.server import parse_dsn
from sanitizers.engines.rewrite import rewrite_database
from sanitizers.engines.vacuum import vacuum_table
from sanitizers.errors import CopyFailedError, ResidueError
from sanitizers.policy import parse_policy
from sanitizers.track import Progress
from tests.fix_postgres import TestDatabase
from tests.fix_versions import VERSIONS
from tests.integration.database_files import files_holding
from tests.integration.rewrite_case import RewriteCase, make_rewrite_case
from tests.integration.stream_case import GivenUpError

MakeOn = Callable[[int], TestDatabase]

CANARY = b"dropped@corp.invalid"
SHOP = """
CREATE TABLE people (id int PRIMARY KEY, email text);
INSERT INTO people SELECT n, 'p' || n || '@corp.invalid' FROM generate_series(1, 20) n;

CREATE TABLE orders (id int PRIMARY KEY, customer_email text, total int);
INSERT INTO orders SELECT n, n || 'dropped@corp.invalid', n FROM generate_series(1, 300) n;
ALTER TABLE orders DROP COLUMN customer_email;

CREATE TABLE letters (id int PRIMARY KEY, body text);
ALTER TABLE letters ALTER body SET STORAGE EXTERNAL;
INSERT INTO letters SELECT n, repeat('dropped@corp.invalid ', 300) FROM generate_series(1, 30) n;
CREATE INDEX letters_start ON letters (left(body, 30));
UPDATE letters SET body = 'Dear Sir' WHERE id > 10;
DELETE FROM letters WHERE id <= 10;

CREATE TABLE visits (day date, mail text) PARTITION BY RANGE (day);
CREATE TABLE visits_1 PARTITION OF visits DEFAULT;
INSERT INTO visits SELECT '2024-01-01', n || 'dropped@corp.invalid' FROM generate_series(1, 300) n;
CREATE MATERIALIZED VIEW guests AS SELECT mail FROM visits;
CREATE UNIQUE INDEX ON guests (mail);
DELETE FROM visits;

REFRESH MATERIALIZED VIEW CONCURRENTLY guests;
"""
DEFINED = """
CREATE TABLE people (id int PRIMARY KEY, email text);
INSERT INTO people VALUES (1, 'p@corp.invalid');
ALTER TABLE people ADD told text DEFAULT 'dropped@corp.invalid';
ALTER TABLE people DROP told;
COMMENT ON TABLE people IS 'ask dropped@corp.invalid';
COMMENT ON TABLE people IS 'ask us';
CREATE FUNCTION asked() RETURNS text LANGUAGE sql AS $$ SELECT 'dropped@corp.invalid' $$;
CREATE OR REPLACE FUNCTION asked() RETURNS text LANGUAGE sql AS $$ SELECT 'nobody' $$;
CREATE TYPE who AS ENUM ('dropped@corp.invalid');
ALTER TYPE who RENAME VALUE 'dropped@corp.invalid' TO 'somebody';
"""
NODES = "SELECT relname, relfilenode FROM pg_class WHERE relname IN ('orders', 'letters') ORDER BY 1"


def make_shop(database: TestDatabase, more: str = "") -> RewriteCase:
    return make_rewrite_case(database, f"{SHOP}\n{more}", {"public.people.email": "email"})


@pytest.mark.parametrize("major", VERSIONS)
def test_dropped_columns_and_deleted_rows_of_kept_tables_are_in_no_file(make_database_on: MakeOn, major: int) -> None:
    shop = make_shop(make_database_on(major))
    before, kept = files_holding(shop.database, CANARY), "SELECT * FROM orders, letters ORDER BY 1, 3"
    looks, rows = shop.looks(), shop.rows(kept)

    shop.rewrite()

    assert {"orders", "letters_start", "visits_1", "guests", "guests_mail_idx"} <= before
    assert any(name.startswith("pg_toast") for name in before)
    assert files_holding(shop.database, CANARY) == set()
    assert looks == shop.looks()
    assert rows == shop.rows(kept)


@pytest.mark.parametrize("major", VERSIONS)
def test_what_definitions_were_before_is_in_no_file(make_database_on: MakeOn, major: int) -> None:
    shop = make_rewrite_case(make_database_on(major), DEFINED, {"public.people.email": "email"})
    before = files_holding(shop.database, CANARY)

    shop.rewrite()

    assert {"pg_description", "pg_proc", "pg_attribute", "pg_enum"} <= before
    assert files_holding(shop.database, CANARY) == set()


def test_a_run_that_goes_on_writes_no_kept_table_anew_twice(database: TestDatabase) -> None:
    shop = make_shop(database)

    def cut(progress: Progress) -> None:
        if progress.step == "compact" and progress.done == 2:
            raise GivenUpError

    with pytest.raises(GivenUpError):
        rewrite_database(shop.run(streams=1), cut)
    done = {name for (name,) in shop.rows("SELECT name FROM branchwarden_journal.done")}
    before = dict(shop.rows(NODES))

    report = shop.rewrite()

    assert {name for name, node in shop.rows(NODES) if node == before[name]} == done & before.keys() != set()
    assert [(t.table, t.rows) for t in report.tables] == [("people", 20)]
    assert files_holding(shop.database, CANARY) == set()


def test_what_a_person_removed_after_a_proof_had_found_it_is_in_no_file_either(database: TestDatabase) -> None:
    shop = make_shop(database)

    def find() -> None:
        raise ResidueError(["something is there"])

    with pytest.raises(ResidueError):
        shop.rewrite(prove=find)
    for text in ("'mended@corp.invalid'", "NULL"):
        shop.execute(f"UPDATE people SET email = {text} WHERE id = 1; UPDATE letters SET body = {text}")

    shop.rewrite()

    assert files_holding(database, b"mended@corp.invalid") == set()


def test_deleted_rows_that_somebody_may_still_read_end_the_run_by_the_name_of_the_table(database: TestDatabase) -> None:
    shop = make_shop(database)
    with psycopg.connect(database.dsn) as reader, psycopg.connect(database.dsn) as conn:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1")
        shop.execute("DELETE FROM orders WHERE id < 10")

        with pytest.raises(CopyFailedError, match=r"9 old row versions in public\.orders stay.*end it, then run again"):
            vacuum_table(conn, ("public", "orders"), patience=0)
        reader.rollback()
        vacuum_table(conn, ("public", "orders"), patience=0)


def test_what_the_function_of_an_index_says_while_it_is_built_is_no_answer_of_postgres(database: TestDatabase) -> None:
    loud = (
        "CREATE FUNCTION loud(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'warned';"
        " RAISE INFO 'told' USING DETAIL = '7 of them'; RETURN $1; END$$; CREATE INDEX ON orders (loud(id))"
    )
    shop = make_shop(database, loud)

    shop.rewrite()

    assert files_holding(database, CANARY) == set()


def test_an_empty_table_is_written_anew_where_an_index_of_it_may_remember_a_row(database: TestDatabase) -> None:
    more = """
CREATE TABLE emptied (mail text PRIMARY KEY);
INSERT INTO emptied SELECT n || 'dropped@corp.invalid' FROM generate_series(1, 300) n;
DELETE FROM emptied;
CREATE TABLE never (mail text PRIMARY KEY);

VACUUM (FREEZE) emptied;
"""
    shop, sizes = (
        make_shop(database, more),
        "SELECT pg_relation_size('emptied'), pg_relation_size('emptied_pkey') > 8192",
    )
    assert shop.rows(sizes) == [(0, True)]
    (never,) = shop.rows("SELECT pg_relation_filenode('never')")

    shop.rewrite()

    assert files_holding(database, CANARY) == set()
    assert shop.rows("SELECT pg_relation_filenode('never')") == [never]


def test_a_plan_says_how_much_is_kept_and_written_anew(database: TestDatabase) -> None:
    make_shop(database)
    policy = """
version = 1
[[columns]]
match = "*.email"
strategy = "email"
[[columns]]
match = "*"
strategy = "keep"
"""

    looked = [
        look_ahead(parse_dsn("--in-place", database.dsn), Wish(mode, parse_policy(policy, "masking.toml")))
        for mode in ("in-place", "clean-room")
    ]

    (note,), none = ([note for note in outlook.notes if "anew" in note] for outlook in looked)
    assert re.fullmatch(
        r"3 kept tables \([\d.]+ [kM]B\) will be written anew too:"
        " what was deleted or dropped there is in the files until then",
        note,
    )
    assert none == []
