"""Where a superuser owns what a run changes, the run's role is to own that and not to become one of its members."""

from __future__ import annotations

import re

import psycopg

from sanitizers.engines.blockers import find_blockers
from sanitizers.engines.journal import Mode
from tests.fix_postgres import OWNER, TestDatabase
from tests.integration.rewrite_case import RewriteCase, make_rewrite_case

SCRIPT = """
CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL, born int);
CREATE TABLE "my visits" (person int REFERENCES people, place text);
CREATE TABLE parts (id int, who text) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (9);
CREATE TABLE above (who text);
CREATE TABLE below () INHERITS (above);
CREATE STATISTICS both_of ON name, born FROM people;
INSERT INTO people (name) VALUES ('Original One');
INSERT INTO parts VALUES (1, 'Original One');
INSERT INTO below VALUES ('Original One');
CREATE MATERIALIZED VIEW shown AS SELECT name FROM people;
CREATE TABLE apart (id int)

ANALYZE
"""
MASKED = {f"public.{name}": "full_name" for name in ("people.name", "parts.who", "below.who")}
TABLES = ("above", "below", "low", '"my visits"', "parts", "people")


def as_admin(database: TestDatabase, script: str) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
        conn.execute(script.encode())


def give_away(case: RewriteCase) -> None:
    """Everything but the table `apart`."""
    tables = "".join(f"ALTER TABLE {name} OWNER TO cloud_admin;" for name in TABLES)
    as_admin(case.database, f"{tables} ALTER MATERIALIZED VIEW shown OWNER TO cloud_admin")
    as_admin(case.database, f"ALTER DATABASE {case.database.name} OWNER TO cloud_admin")
    as_admin(case.database, f"GRANT CREATE ON DATABASE {case.database.name} TO {OWNER}")


def blockers(case: RewriteCase, mode: Mode) -> tuple[str, ...]:
    with psycopg.connect(case.database.dsn) as conn:
        return find_blockers(conn, case.plan, mode)


def test_the_statements_hand_over_just_what_a_run_in_place_changes(database: TestDatabase) -> None:
    case = make_rewrite_case(database, SCRIPT, MASKED)
    give_away(case)

    (sentence,) = (text for text in blockers(case, "in-place") if "alone" in text)

    assert "can be changed by cloud_admin alone, a superuser, whose member nobody should become: run " in sentence
    assert sentence.endswith(" as a superuser.")
    assert 'GRANT "cloud_admin"' not in sentence
    assert "apart" not in sentence
    [script] = re.findall(": run (.*) as a superuser", sentence)
    as_admin(database, script)
    assert blockers(case, "in-place") == ()
    case.rewrite()
    assert case.rows("SELECT count(*) FROM people, parts, above WHERE concat(name, parts.who) ~ 'Original'") == [(0,)]
    assert case.rows(
        "SELECT count(*) FROM pg_class WHERE relowner = 'cloud_admin'::regrole AND relkind IN ('r', 'm')"
        " AND relnamespace = 'public'::regnamespace"
    ) == [(0,)]


def test_for_a_clean_room_they_hand_over_what_it_fills(database: TestDatabase) -> None:
    case = make_rewrite_case(database, SCRIPT, MASKED)
    give_away(case)

    [script] = re.findall(": run (.*) as a superuser", "\n".join(blockers(case, "clean-room")))
    assert "GRANT" not in script
    assert "DATABASE" not in script
    as_admin(database, script)

    assert blockers(case, "clean-room") == ()
