"""Shapes of tables that PostgreSQL allows and hardly anybody has: masked by either engine, whole and as they were."""

from __future__ import annotations

import psycopg
import pytest

from sanitizers.trial import try_plan
from tests.integration.peers_case import Engine, MakeDatabase, both_engines, make_masked, make_twins
from tests.integration.test_peers_shapes import check

LONG = "ü" * 31 + "x"  # 63 bytes
ODD_NAMES = f"""
CREATE SCHEMA "we ird"; CREATE SCHEMA "sel""ect.from"; CREATE SCHEMA "{LONG}";
CREATE TABLE "we ird"."sel""ect" ("select" int, "we ird" text, "sel""ect" text, "{LONG}" text, "user" text, "a.b" text,
  "%s" text, "{{}}" text, "end" text, " " text, "Δοκιμή" text, "'" text, "\\" text, "$1" text, "ctid " text,
  PRIMARY KEY ("select"));
CREATE TABLE "sel""ect.from"."table" (LIKE "we ird"."sel""ect" INCLUDING ALL);
CREATE TABLE "{LONG}"."{LONG}" (LIKE "we ird"."sel""ect" INCLUDING ALL);
INSERT INTO "we ird"."sel""ect" SELECT n, o, o, o, o, o, o, o, o, o, o, o, o, o, o
  FROM generate_series(1, 9) AS n, (VALUES ('Original')) AS x (o);
INSERT INTO "sel""ect.from"."table" SELECT * FROM "we ird"."sel""ect";
INSERT INTO "{LONG}"."{LONG}" SELECT * FROM "we ird"."sel""ect";
CREATE INDEX ON "we ird"."sel""ect" (lower("sel""ect")) WHERE "{LONG}" IS NOT NULL;
CREATE TABLE here (id int PRIMARY KEY REFERENCES "we ird"."sel""ect", name text);
INSERT INTO here VALUES (1, 'Original')
"""
ODD_COLUMNS = ("we ird", 'sel"ect', LONG, "user", "a.b", "%s", "{}", "end", " ", "Δοκιμή", "'", "\\", "$1", "ctid ")
ODD_TABLES = ('we ird.sel"ect', 'sel"ect.from.table', f"{LONG}.{LONG}")

PARTS = """
CREATE TABLE parts (region text, born date, id bigint GENERATED ALWAYS AS IDENTITY, name text, gone int,
  up text GENERATED ALWAYS AS (upper(name)) STORED, PRIMARY KEY (id, region, born)) PARTITION BY LIST (region);
ALTER TABLE parts DROP COLUMN gone;
CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('de', 'fr') PARTITION BY RANGE (born);
CREATE TABLE parts_rest (name text, id bigint NOT NULL, born date NOT NULL, region text NOT NULL,
  up text GENERATED ALWAYS AS (upper(name)) STORED);
ALTER TABLE parts ATTACH PARTITION parts_rest DEFAULT;
CREATE TABLE parts_eu_old PARTITION OF parts_eu FOR VALUES FROM (MINVALUE) TO ('2000-01-01') PARTITION BY HASH (id);
CREATE TABLE parts_eu_old_0 PARTITION OF parts_eu_old FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_eu_old_1 PARTITION OF parts_eu_old FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parts_eu_new PARTITION OF parts_eu DEFAULT;
INSERT INTO parts (region, born, name)
  SELECT (ARRAY['de', 'fr', 'xx'])[1 + n % 3], date '1990-01-01' + 30 * n, 'Original'
  FROM generate_series(1, 300) AS n;
CREATE TABLE people (id int PRIMARY KEY, name text, low text GENERATED ALWAYS AS (lower(name)) VIRTUAL);
INSERT INTO people VALUES (1, 'Original')
"""
NONE_AND_MANY = f"""
CREATE TABLE none ();
INSERT INTO none DEFAULT VALUES;
INSERT INTO none DEFAULT VALUES;
CREATE TABLE once (gone text);
INSERT INTO once VALUES ('gone with its column');
ALTER TABLE once DROP COLUMN gone;
CREATE TABLE computed (twice int GENERATED ALWAYS AS (2) STORED);
INSERT INTO computed DEFAULT VALUES;
CREATE TABLE many (name text, {", ".join(f"c{n} int" for n in range(1599))});
INSERT INTO many (name, c0, c1598) VALUES ('Original', 1, 2)
"""


@both_engines
def test_names_that_need_quotes_are_masked(engine: Engine, make_database: MakeDatabase) -> None:
    columns = dict.fromkeys((f"{table}.{column}" for table in ODD_TABLES for column in ODD_COLUMNS), "city")

    twins = make_masked(make_database, engine, ODD_NAMES, {**columns, "public.here.name": "city"})

    check(twins)
    for query in (
        'SELECT string_agg(t::text, \'\') FROM "we ird"."sel""ect" AS t',
        'SELECT string_agg(t::text, \'\') FROM "sel""ect.from"."table" AS t',
    ):
        assert "Original" in str(twins.originals(query))
        assert "Original" not in str(twins.rows(query))


@both_engines
def test_partitions_of_every_kind_with_identities_and_generated_columns_are_masked(
    engine: Engine, make_database: MakeDatabase
) -> None:
    twins = make_masked(make_database, engine, PARTS, {"public.parts.name": "city", "public.people.name": "city"})

    check(twins)
    places = "SELECT tableoid::regclass::text, id FROM parts ORDER BY 1, 2"
    assert twins.originals(places) == twins.rows(places)
    assert twins.rows("SELECT count(*) FROM parts WHERE up <> upper(name)") == [(0,)]
    assert twins.rows("SELECT count(*) FROM people WHERE low = lower(name) AND low <> 'original'") == [(1,)]


@both_engines
def test_tables_without_a_column_and_with_as_many_as_there_can_be_are_kept_whole(
    engine: Engine, make_database: MakeDatabase
) -> None:
    twins = make_masked(make_database, engine, NONE_AND_MANY, {"public.many.name": "city"})

    for query in (
        "SELECT count(*) FROM none",
        "SELECT count(*) FROM once",
        "SELECT twice FROM computed",
        "SELECT c0, c1, c1598 FROM many",
    ):
        assert twins.originals(query) == twins.rows(query)
    assert twins.rows("SELECT count(*) FROM many WHERE name = 'Original'") == [(0,)]


@both_engines
def test_null_that_was_there_before_its_column_refused_it_stays(engine: Engine, make_database: MakeDatabase) -> None:
    ddl = """
    CREATE TABLE t (id int PRIMARY KEY, name text);
    INSERT INTO t VALUES (1, NULL), (2, 'Original');
    ALTER TABLE t ADD CONSTRAINT named NOT NULL name NOT VALID
    """
    twins = make_twins(make_database, engine, ddl, {"public.t.name": "city"})
    with psycopg.connect(twins.original.dsn) as conn:
        assert try_plan(conn, twins.plan) == ()

    twins.run()

    assert twins.rows("SELECT id FROM t WHERE name IS NULL") == [(1,)]
    with psycopg.connect(twins.masked.dsn) as conn, pytest.raises(psycopg.errors.NotNullViolation):
        conn.execute("INSERT INTO t VALUES (3, NULL)")
