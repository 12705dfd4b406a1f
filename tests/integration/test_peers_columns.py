"""Columns that other anonymizers could not load, or left full of originals: see docs/explanation/what-others-met.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sanitizers.proof.verify import VerifyRun, verify_database
from tests.fix_postgres import TestDatabase
from tests.integration.peers_case import Engine, MakeDatabase, both_engines, execute, make_masked, refusal
from tests.integration.stream_case import KEY, connector

DERIVED = """
CREATE FUNCTION refresh_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.search := to_tsvector('simple', NEW.name || ' ' || NEW.mail); RETURN NEW; END $$;
CREATE TABLE people (
  initials text GENERATED ALWAYS AS (left(name, 3)) STORED,
  name text NOT NULL,
  mail text NOT NULL,
  words tsvector GENERATED ALWAYS AS (to_tsvector('simple', name || ' ' || mail)) STORED,
  search tsvector,
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  domain text GENERATED ALWAYS AS (split_part(mail, '@', 2)) STORED UNIQUE
);
CREATE INDEX people_words ON people USING gin (words);
CREATE TRIGGER searching BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION refresh_search();
INSERT INTO people (name, mail) VALUES ('Zebediah Quux', 'zebediah@mail.invalid');
"""


@both_engines
def test_generated_columns_and_text_search_follow_the_fakes(make_database: MakeDatabase, engine: Engine) -> None:
    masked = {"public.people.name": "full_name", "public.people.mail": "email", "public.people.search": "null"}

    twins = make_masked(make_database, engine, DERIVED, masked)

    ((name, mail, initials, domain, words, search),) = twins.rows(
        "SELECT name, mail, initials, domain, words::text, search FROM people"
    )
    assert (name[:3], mail.split("@")[1], None) == (initials, domain, search)
    assert twins.rows("SELECT words = to_tsvector('simple', name || ' ' || mail) FROM people") == [(True,)]
    assert "zebediah" not in words + mail + name.lower()


@pytest.mark.parametrize("kind", ["keep", "email"])
def test_a_search_vector_that_is_kept_is_found_by_the_proof_and_cannot_be_an_address(
    make_database: MakeDatabase, kind: str
) -> None:
    masked = {"public.people.name": "full_name", "public.people.mail": "email", "public.people.search": kind}
    if kind == "email":
        assert "the column is tsvector, not text" in refusal(make_database(), DERIVED, masked)
        return

    twins = make_masked(make_database, "clean-room", DERIVED, masked)

    source, target = connector(twins.original), connector(twins.masked)
    problems = verify_database(VerifyRun(source, target, twins.plan, KEY, seed=1), lambda _: None).problems
    assert [p for p in problems if "people.search" in p] != []


EXCLUDED = """
CREATE TABLE bookings (id int PRIMARY KEY, room int, stay daterange NOT NULL, guest text,
  CONSTRAINT apart EXCLUDE USING gist (stay WITH &&) WHERE (room > 0) DEFERRABLE,
  CONSTRAINT alone EXCLUDE USING btree (id WITH =));
INSERT INTO bookings SELECT n, n, daterange(date '2024-01-01' + n * 2, date '2024-01-01' + n * 2 + 1), 'Original ' || n
FROM generate_series(1, 50) n;
"""


@both_engines
def test_rows_of_an_exclusion_constraint_are_masked_and_it_still_excludes(
    make_database: MakeDatabase, engine: Engine
) -> None:
    twins = make_masked(make_database, engine, EXCLUDED, {"public.bookings.guest": "full_name"})

    constraints = "SELECT conname, condeferrable, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 3"
    assert twins.originals(constraints) == twins.rows(constraints)
    assert twins.rows("SELECT count(*) FROM bookings WHERE guest ~ 'Original'") == [(0,)]
    with pytest.raises(Exception, match="apart"):
        execute(twins.masked, "INSERT INTO bookings VALUES (51, 1, '[2024-01-03,2024-01-08)', 'x')")


VIEWS = """
CREATE TABLE people (id int PRIMARY KEY, name text);
INSERT INTO people SELECT n, 'Original ' || n FROM generate_series(1, 40) n;
CREATE MATERIALIZED VIEW z_first AS SELECT id, name FROM people;
CREATE UNIQUE INDEX z_first_id ON z_first (id);
CREATE VIEW between_them AS SELECT id, upper(name) AS name FROM z_first;
CREATE MATERIALIZED VIEW a_second AS SELECT name, count(*) AS times FROM between_them GROUP BY 1;
CREATE INDEX a_second_name ON a_second (lower(name));
CREATE MATERIALIZED VIEW never AS SELECT * FROM people WITH NO DATA;
CLUSTER z_first USING z_first_id;
"""


@both_engines
def test_materialized_views_hold_fakes_in_the_order_that_they_need(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_masked(make_database, engine, VIEWS, {"public.people.name": "full_name"})

    assert twins.rows("SELECT count(*) FROM z_first JOIN people USING (id, name)") == [(40,)]
    assert twins.rows("SELECT sum(times) FROM a_second a JOIN people p ON a.name = upper(p.name)")[0][0] >= 40
    assert twins.rows("SELECT count(*) FROM a_second WHERE name ~* 'original'") == [(0,)]
    indexes = """SELECT relname, indisvalid, indisclustered FROM pg_index JOIN pg_class c ON c.oid = indexrelid
        WHERE relnamespace = 'public'::regnamespace ORDER BY 1"""
    assert twins.originals(indexes) == twins.rows(indexes)
    assert twins.rows("SELECT matviewname FROM pg_matviews WHERE NOT ispopulated") == [("never",)]
    execute(twins.masked, "SET search_path = public; REFRESH MATERIALIZED VIEW z_first")


LABELS = """
CREATE TYPE mood AS ENUM ('happy', 'it''s fine', 'não', '{x,"y"}');
CREATE TYPE empty AS ENUM ();
CREATE TABLE people (id int PRIMARY KEY, feeling mood NOT NULL, feelings mood[], nothing empty, name text);
INSERT INTO people SELECT n, enum, ARRAY[enum, NULL, 'happy'], NULL, 'Original'
FROM unnest(enum_range(NULL::mood)) WITH ORDINALITY e(enum, n);
"""


@both_engines
def test_enums_keep_their_labels_and_their_order(make_database: MakeDatabase, engine: Engine) -> None:
    twins = make_masked(make_database, engine, LABELS, {"public.people.name": "full_name"})

    for query in (
        "SELECT id, feeling::text, feelings::text FROM people ORDER BY feeling",
        "SELECT enumlabel, enumsortorder FROM pg_enum ORDER BY 2",
    ):
        assert twins.originals(query) == twins.rows(query)
    assert twins.rows("SELECT count(*) FROM people WHERE name = 'Original'") == [(0,)]


ODD = """
CREATE SCHEMA "Odd.schema %s";
CREATE TABLE "Odd.schema %s"."select \"\"from" ("User" text, "e-mail.x" varchar(60), gone_1 int, "ünï %" text,
  code char(12), t text, s text, d0 text, gone_2 text NOT NULL DEFAULT 'x', c0 int PRIMARY KEY);
ALTER TABLE "Odd.schema %s"."select \"\"from" DROP COLUMN gone_1, DROP COLUMN gone_2;
INSERT INTO "Odd.schema %s"."select \"\"from"
SELECT 'Zebediah', 'zebediah' || n || '@mail.invalid', 'Zebediah', 'zebe ' || n, 'kept', 'Zebediah', 'zebediah', n
FROM generate_series(1, 30) n;
"""


@both_engines
def test_dropped_columns_blank_padded_ones_and_odd_names_are_masked(
    make_database: MakeDatabase, engine: Engine
) -> None:
    table = 'Odd.schema %s.select "from'
    kinds = {"User": "first_name", "e-mail.x": "email", "ünï %": "city", "code": "digest", "s": "null", "d0": "digest"}

    twins = make_masked(make_database, engine, ODD, {f"{table}.{name}": kind for name, kind in kinds.items()})

    rows = twins.rows('SELECT * FROM "Odd.schema %s"."select ""from" ORDER BY c0')
    assert len(rows) == 30
    assert {(t, s) for _, _, _, _, t, s, _, _ in rows} == {("kept", None)}
    assert len({(mail, code) for _, mail, _, code, *_ in rows}) == 30
    assert "zebe" not in str(rows).lower()
    assert {len(row[3]) for row in rows} == {12}


HSTORE = """
CREATE SCHEMA tools;
CREATE EXTENSION citext SCHEMA tools;
CREATE EXTENSION hstore SCHEMA tools;
CREATE DOMAIN address AS tools.citext CHECK (VALUE ~ '@');
CREATE TABLE people (id int PRIMARY KEY, mail tools.citext UNIQUE, other address, many tools.citext[],
  facts tools.hstore, city tools.citext);
CREATE TABLE logins (mail tools.citext REFERENCES people (mail));
INSERT INTO people SELECT n, 'Person' || n || '@Mail.invalid', 'Other' || n || '@mail.invalid',
  ARRAY['a"b', NULL, 'c,d'],
  tools.hstore(ARRAY['k"1', 'v\\', 'n', NULL]), 'Athens' FROM generate_series(1, 30) n;
INSERT INTO logins SELECT upper(mail::text)::tools.citext FROM people;
"""


@both_engines
def test_extension_types_are_masked_and_kept_wherever_their_schema_is(
    make_database_on: Callable[[int], TestDatabase], engine: Engine
) -> None:
    kinds = {"people.mail": "email", "people.other": "email", "people.city": "city", "logins.mail": "email"}

    twins = make_masked(lambda: make_database_on(17), engine, HSTORE, {f"public.{n}": k for n, k in kinds.items()})

    kept = "SELECT id, many::text, facts::text FROM people ORDER BY id"
    assert twins.originals(kept) == twins.rows(kept)
    joined = "SELECT count(*) FROM logins l JOIN people p ON l.mail OPERATOR(tools.=) p.mail"
    assert twins.rows(joined) == [(30,)]
    assert twins.rows("SELECT count(*) FROM people WHERE concat(mail, other, city) ~* 'invalid|athens'") == [(0,)]
