"""After masking, the bytes of originals are in no file of the written database and in no statistics.

Other tools leave every original in dead rows, indexes and statistics: see docs/explanation/what-others-met.md. Looked
for in the files themselves, as the servers' superuser; TOAST is not compressed, so that a byte search finds all.
"""

from __future__ import annotations

import psycopg

from tests.fix_postgres import TestDatabase
from tests.integration.database_files import files_holding
from tests.integration.peers_case import Engine, MakeDatabase, both_engines, execute, make_twins

NEEDLE = b"originals.invalid"
ROWS = 3000

NUMBERS = range(12)
ANSWERS = ", ".join(f"a{number} text" for number in NUMBERS)
GIVEN = ", ".join(f"'p{number}@originals.invalid ' || n % 10" for number in NUMBERS)
PEOPLE = f"""
CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail text NOT NULL UNIQUE, biography text,
  status text, words tsvector GENERATED ALWAYS AS (to_tsvector('simple', mail)) STORED, profile jsonb, many text[]);
ALTER TABLE people ALTER biography SET STORAGE EXTERNAL, ALTER profile SET STORAGE EXTERNAL,
  ALTER many SET STORAGE EXTERNAL, ALTER words SET STORAGE EXTERNAL;
ALTER TABLE people ALTER mail SET STATISTICS 10; -- so few values that Postgres does not compress them
CREATE INDEX ON people (lower(mail));
CREATE INDEX ON people USING gin (words);
CREATE INDEX ON people (id) INCLUDE (mail) WHERE status = 'new';
CREATE STATISTICS people_together (mcv) ON mail, status FROM people;
CREATE STATISTICS people_expression ON (lower(mail)) FROM people;
CREATE TABLE answers (id int PRIMARY KEY, {ANSWERS});
INSERT INTO answers SELECT n, {GIVEN} FROM generate_series(1, 300) n;
CREATE TABLE logins (mail text REFERENCES people (mail), day date) PARTITION BY RANGE (day);
CREATE TABLE logins_1 PARTITION OF logins DEFAULT;
CREATE MATERIALIZED VIEW mails AS SELECT mail, count(*) FROM people GROUP BY 1;
INSERT INTO people (mail, biography, status, profile, many)
SELECT 'p' || n || '@originals.invalid', repeat('p' || n || '@originals.invalid ', 200),
  CASE n % 3 WHEN 0 THEN 'new' ELSE 'old' END, jsonb_build_object('mail', repeat('p@originals.invalid', 200)),
  ARRAY[repeat('p@originals.invalid', 200)] FROM generate_series(1, {ROWS}) n;
INSERT INTO logins SELECT mail, '2024-01-01' FROM people, generate_series(1, 2);

UPDATE people SET status = 'new' WHERE id % 5 = 0;
DELETE FROM people WHERE id % 7 = 0 AND NOT EXISTS (SELECT FROM logins WHERE logins.mail = people.mail);
ANALYZE;
REFRESH MATERIALIZED VIEW mails;
"""
MASKED = {
    "public.people.mail": "email",
    "public.people.biography": "null",
    "public.people.profile": "null",
    "public.people.many": "null",
    "public.logins.mail": "email",
} | {f"public.answers.a{number}": "digest" for number in NUMBERS}
STATISTICS = """
SELECT s::text FROM pg_statistic s WHERE starelid > 16384
UNION ALL SELECT concat(stxdmcv::text, stxdexpr::text, stxdndistinct::text) FROM pg_statistic_ext_data
"""


def statistics_with_needle(database: TestDatabase) -> int:
    """How many rows of statistics of columns and groups of columns hold one."""
    with psycopg.connect(database.admin_dsn) as conn:
        return sum(NEEDLE.decode() in row[0] for row in conn.execute(STATISTICS))


@both_engines
def test_no_file_and_no_statistics_hold_an_original(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_twins(make_database, engine, PEOPLE, MASKED)
    before = files_holding(twins.original, NEEDLE)

    twins.run()

    assert {"people", "people_mail_key", "logins_1", "mails", "pg_statistic", "people_lower_idx"} <= before
    assert statistics_with_needle(twins.original) > 2
    assert files_holding(twins.masked, NEEDLE) == set()
    assert statistics_with_needle(twins.masked) == 0


def test_what_was_dropped_before_a_rewrite_is_not_left_behind_it(make_database: MakeDatabase) -> None:
    twins = make_twins(make_database, "in-place", PEOPLE, MASKED)
    execute(twins.masked, "CREATE TABLE gone AS SELECT mail FROM people; ANALYZE gone; DROP TABLE gone")

    twins.run()

    execute(twins.masked, "ANALYZE")
    assert files_holding(twins.masked, NEEDLE) == set()
    assert statistics_with_needle(twins.masked) == 0
