"""`scrub` in place: texts get the fakes of rows that are rewritten themselves, whatever the order, cut off or not."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.fix_daemon import wait_until
from tests.fix_plain import Desk, execute, rows
from tests.fix_postgres import OWNER, TestDatabase

# `notes` and `visits` are larger than what they refer to and `shops` is smaller: tables are taken by size.
SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, boss int REFERENCES people, name text, email text UNIQUE);
CREATE TABLE shops (country text, number int, owner_name text, phone text, remark text, filler text,
  PRIMARY KEY (country, number));
CREATE TABLE notes (id int PRIMARY KEY, writer text REFERENCES people (email), about int REFERENCES people, body text,
  filler text);
CREATE TABLE visits (id int PRIMARY KEY, country text, number int, report text, filler text,
  FOREIGN KEY (country, number) REFERENCES shops);
ALTER TABLE shops ADD COLUMN first_visit int;
INSERT INTO people SELECT n, NULLIF(n - 1, 0), 'Zqfirst' || n || ' Zqlast' || n, 'zq' || n || '@zq-original.test'
FROM generate_series(1, 20) AS n;
INSERT INTO shops SELECT (ARRAY['DE', 'FR'])[1 + n % 2], n / 2, 'Zqowner' || n || ' Zqholder' || n,
  '+4917012345' || 10 + n, NULL, repeat('x', 300) FROM generate_series(1, 30) AS n;
INSERT INTO notes SELECT n, 'zq' || 1 + n % 20 || '@zq-original.test', 1 + (n + 7) % 20, '', repeat('x', 2000)
FROM generate_series(1, 60) AS n;
UPDATE notes SET body = (SELECT w.name || ' <' || w.email || '> on ' || a.name || ', who is ' || a.email
  FROM people w, people a WHERE w.email = writer AND a.id = about);
INSERT INTO visits SELECT n, country, number, 'Met ' || owner_name || ' of ' || country || ', call ' || phone,
  repeat('x', 900)
FROM (SELECT row_number() OVER () AS n, * FROM shops) AS s;
UPDATE shops SET first_visit = v.id, remark = 'As in: ' || v.report
FROM visits v WHERE (v.country, v.number) = (shops.country, shops.number);
ALTER TABLE shops ADD FOREIGN KEY (first_visit) REFERENCES visits;
ALTER TABLE people ADD COLUMN about text;
UPDATE people p SET about = p.name || coalesce(' works for ' || (SELECT b.name FROM people b WHERE b.id = p.boss), '');
CREATE TABLE snails (id int PRIMARY KEY, name text);
INSERT INTO snails SELECT n, 'Zqsnail Zqslow' || n FROM generate_series(1, 20) AS n;
ANALYZE;
"""
POLICY = """version = 1
reviewed_by = "Ada"
reviewed_on = 2026-11-21
[{0}.public.people]
id = "keep"
boss = "keep"
name = "full_name"
email = "email"
about = "scrub"
[{0}.public.shops]
country = "keep"
number = "keep"
owner_name = "full_name"
phone = "phone"
remark = "scrub"
filler = "keep"
first_visit = "keep"
[{0}.public.notes]
id = "keep"
writer = "email"
about = "keep"
body = "scrub"
filler = "keep"
[{0}.public.visits]
id = "keep"
country = "keep"
number = "keep"
report = "scrub"
filler = "keep"
[{0}.public.snails]
id = "keep"
name = "full_name"
"""
SNAIL = """
CREATE FUNCTION snail(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(0.1); RETURN $1; END';
ALTER TABLE {} ADD COLUMN slow int GENERATED ALWAYS AS (snail(id)) STORED;
"""
FILLING = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT INTO "public"."people" %')
"""
DONE = "SELECT count(*) FROM branchwarden_journal.done WHERE name IN ('notes', 'people')"
BEGUN = "SELECT to_regclass('branchwarden_journal.done') IS NOT NULL"
ALONE = "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
RIGHT = {
    "notes": """SELECT count(*) FROM notes n JOIN people w ON w.email = n.writer JOIN people a ON a.id = n.about
        WHERE body = w.name || ' <' || w.email || '> on ' || a.name || ', who is ' || a.email""",
    "visits": """SELECT count(*) FROM visits JOIN shops USING (country, number)
        WHERE report = 'Met ' || owner_name || ' of ' || country || ', call ' || phone""",
    "shops": """SELECT count(*) FROM shops
        WHERE remark = 'As in: Met ' || owner_name || ' of ' || country || ', call ' || phone""",
    "people": """SELECT count(*) FROM people p LEFT JOIN people b ON b.id = p.boss
        WHERE p.about = p.name || coalesce(' works for ' || b.name, '')""",
}
COUNTS = {"notes": 60, "visits": 30, "shops": 30, "people": 20}


@pytest.fixture
def database(desk: Desk, make_database: Callable[[], TestDatabase]) -> TestDatabase:
    """People who refer to people, notes to two of them, visits to shops by two columns, and shops to visits."""
    made = make_database()
    execute(made.dsn, SCHEMA)
    desk.decide(POLICY.format(made.name))
    return made


def kill_when(desk: Desk, database: TestDatabase, *queries: str) -> None:
    """Start a run and kill it when the queries have been true, one after the other."""
    with desk.start("sanitize", "--in-place", database.dsn, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(f"{database.name}\n")
        process.stdin.flush()
        for query in queries:
            wait_until(lambda query=query: process.poll() is not None or bool(rows(database.admin_dsn, query)[0][0]))  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        out, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, out + err
    wait_until(lambda: bool(rows(database.admin_dsn, ALONE)[0][0]))


def proven(desk: Desk, database: TestDatabase) -> dict[str, int]:
    """How many texts have the fakes of their rows, after a run that ended well."""
    done = desk.run("sanitize", "--in-place", database.dsn, "--yes")
    assert done.returncode == 0, done.stderr
    texts = rows(
        database.dsn, "SELECT body FROM notes UNION ALL SELECT report FROM visits UNION ALL SELECT remark FROM shops"
    )
    assert "zq" not in repr(texts).lower()
    return {name: rows(database.dsn, query)[0][0] for name, query in RIGHT.items()}


def test_texts_get_the_fakes_of_whatever_their_rows_refer_to(desk: Desk, database: TestDatabase) -> None:
    assert proven(desk, database) == COUNTS


def test_a_run_that_is_killed_while_parents_are_changed_and_texts_are_not_is_gone_on_with(
    desk: Desk, database: TestDatabase
) -> None:
    execute(database.dsn, SNAIL.format("people"))
    kill_when(desk, database, BEGUN, FILLING)
    assert rows(database.dsn, DONE) == [(0,)], "one transaction has all of them"

    assert proven(desk, database) == COUNTS


def test_a_run_that_is_killed_after_the_texts_masks_none_of_them_twice(desk: Desk, database: TestDatabase) -> None:
    execute(database.dsn, SNAIL.format("snails"))
    kill_when(desk, database, BEGUN, DONE)
    before = rows(database.dsn, "SELECT id, body FROM notes ORDER BY id")

    assert proven(desk, database) == COUNTS
    assert rows(database.dsn, "SELECT id, body FROM notes ORDER BY id") == before


def test_tables_that_have_nothing_to_do_with_each_other_may_belong_to_two_roles(
    desk: Desk, database: TestDatabase
) -> None:
    other = "ALTER TABLE {} OWNER TO keeper"
    execute(database.admin_dsn, "CREATE ROLE keeper; GRANT CREATE ON SCHEMA public TO keeper")
    try:
        execute(database.admin_dsn, f"{other.format('shops')}; {other.format('visits')}")
        apart = desk.run("plan", "--dsn", database.dsn, "--mode", "in-place")
        execute(database.admin_dsn, other.format("notes"))
        tied = desk.run("plan", "--dsn", database.dsn, "--mode", "in-place")
    finally:
        execute(database.admin_dsn, f"REASSIGN OWNED BY keeper TO {OWNER}; DROP OWNED BY keeper; DROP ROLE keeper")

    said = "Rows or texts of {} depend on one another's originals"
    assert apart.returncode == tied.returncode == 5
    assert "depend on one another" not in apart.stderr
    assert said.format("public.notes, public.people") in tied.stderr
    assert f"they belong to keeper, {OWNER}: let one role be a member of all" in tied.stderr


def test_the_plan_counts_the_disk_of_all_tables_that_are_rewritten_together(desk: Desk, database: TestDatabase) -> None:
    said = desk.run("plan", "--dsn", database.dsn, "--mode", "in-place").stdout
    [(size,)] = rows(
        database.dsn, "SELECT sum(pg_total_relation_size(t)) FROM unnest('{people,notes}'::regclass[]) AS t"
    )

    found = re.search(r"up to ([0-9.]+) MB of free disk", said)
    assert found
    assert float(found[1]) == pytest.approx(2 * int(size) / 1e6, abs=0.06)
